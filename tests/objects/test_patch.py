"""A patched manifest is the one that would be made of its files."""

from __future__ import annotations

import random

import pytest
from strategies import compatible

from mvc.errors import InvalidName
from mvc.objects.hashing import hash_bytes
from mvc.objects.manifest import Entry, Manifest
from mvc.objects.patch import patch


def entries(names: list[str], seed: int = 0) -> list[Entry]:
    return [Entry(name, *hash_bytes(f"{seed} {name}".encode())) for name in names]


def check(before: list[Entry], changes: dict[str, Entry | None]) -> Manifest:
    """Check that patching `before` is the same as making the manifest of the result."""
    manifest = Manifest.of(before)
    patched = patch(manifest, changes, manifest.total)
    files = {entry.path: entry for entry in before} | changes
    expected = Manifest.of(entry for entry in files.values() if entry)
    assert (patched, patched.files, patched.total) == (expected, expected.files, expected.total)
    assert list(patched.entries) == list(expected.entries)
    return patched


def test_a_small_directory() -> None:
    check(entries(["a", "b"]), {"a": None, "b": entries(["b"], 1)[0], "c": entries(["c"])[0]})
    check([], {"c": entries(["c"])[0]})
    check(entries(["a"]), {"a": None, "gone": None})
    check(entries(["a"]), {})


def test_a_directory_of_many_shards() -> None:
    draw = random.Random(19)
    before = entries([f"{draw.randrange(50)}/é{number}" for number in range(9_000)])
    for _ in range(6):
        many = draw.choice((1, 5, 2_000))
        gone = {entry.path: None for entry in draw.sample(before, many)}
        changed = {entry.path: entry for entry in entries([item.path for item in draw.sample(before, many)], 1)}
        added = {entry.path: entry for entry in entries([f"{draw.randrange(99)}/new{at}" for at in range(many)])}
        check(before, gone | changed | added)


def test_ends_of_shards_come_and_go() -> None:
    before = entries([f"{number:05}" for number in range(12_000)])
    shards = Manifest.of(before).shards
    ends = [before[sum(shard.files for shard in shards[:position]) - 1] for position in range(1, len(shards) + 1)]
    check(before, dict.fromkeys((entry.path for entry in ends), None))
    check(before, dict.fromkeys((entry.path for entry in before[: shards[0].files]), None))
    without = [entry for entry in before if entry not in ends]
    check(without, {entry.path: entry for entry in ends})
    check(before, {entry.path: entry for entry in entries([f"{end.path}!" for end in ends])})


def test_shards_of_which_nothing_changes_are_not_read() -> None:
    before = Manifest.of(entries([f"{number:05}" for number in range(12_000)]))
    read = []
    watched = Manifest(before.shards, lambda shard: read.append(shard) or before.read(shard))
    patch(watched, {"00001": None}, before.total)
    assert set(read) == {before.shards[0]}


def test_a_directory_that_becomes_large_or_small() -> None:
    names = [f"{number:05}" for number in range(4_097)]
    check(entries(names[:-1]), {names[-1]: entries(names)[-1]})
    check(entries(names), {names[0]: None})


def test_names_that_collide() -> None:
    manifest = Manifest.of(entries(["a", "b/c"]))
    for name in ("A", "a/x", "b"):
        with pytest.raises(InvalidName):
            patch(manifest, {name: entries([name])[0]}, manifest.total)
    check(entries(["a"]), {"a": None, "A": entries(["A"])[0]})


def some_name(draw: random.Random) -> str:
    """Return one of few names, some of which collide."""
    return "/".join("".join(draw.choices("aAbé\u0301ßs", k=draw.choice((1, 2)))) for _ in range(draw.choice((1, 2, 3))))


def some_entry(draw: random.Random, name: str) -> Entry:
    return Entry(name, *hash_bytes(draw.randbytes(1)), draw.random() < 0.3)


@pytest.mark.parametrize("seed", range(4))
def test_any_changes_of_small_shards(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mvc.objects.manifest.SHARD_ABOVE", 8)
    monkeypatch.setattr("mvc.objects.manifest.SHARD_MASK", 3)
    draw = random.Random(seed)
    for _ in range(300):
        before: list[Entry] = []
        for name in {some_name(draw) for _ in range(draw.choice((0, 5, 9, 30)))}:
            wanted = [*before, some_entry(draw, name)]
            before = wanted if compatible(wanted) else before
        names = [draw.choice(before).path if before and draw.random() < 0.5 else some_name(draw) for _ in range(4)]
        changes = {name: draw.choice((None, some_entry(draw, name))) for name in names}
        if compatible([entry for entry in ({entry.path: entry for entry in before} | changes).values() if entry]):
            check(before, changes)
        else:
            with pytest.raises(InvalidName):
                patch(Manifest.of(before), changes, 0)
