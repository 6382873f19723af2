"""Small packs on a remote become one: bounded work, and nothing lost, whatever happens in between."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from harness import noise

from mvc.errors import MissingObject
from mvc.objects.hashing import hash_bytes
from mvc.store.buckets.bucket import Item, RemoteError, Transient
from mvc.store.buckets.directory import DirectoryBucket
from mvc.store.packs.pack_set import MANY_PACKS
from mvc.store.remote.compaction import AT_ONCE, MOST, SMALL, choose, compact, weight
from mvc.store.remote.gc import carry_out, find_unneeded, garbage_lists, write_list
from mvc.store.remote.location import index_key, pack_key
from mvc.store.remote.packs import PackFiles
from mvc.store.remote.sending import put_packs
from mvc.store.remote.store import RemoteStore

FEW = 5
"""Packs that are left alone in these tests, so that there are fewer moments to try."""
EVERY = range(FEW + 1)
REQUESTS = ("head", "list", "read", "write", "upload", "delete")


class Watched:
    """A bucket that counts its requests, and lets something happen before each."""

    def __init__(self, root: Path, before: Callable[[str, int, Any], object] = lambda *_: None) -> None:
        self.bucket, self.before, self.count = DirectoryBucket(str(root)), before, 0

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.bucket, name)
        if name not in REQUESTS:
            return found

        def call(*args: Any, **options: Any) -> Any:
            self.count += 1
            self.before(name, self.count, args)
            return found(*args, **options)

        return call


@pytest.fixture
def top(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the directory of a remote with a pack too many, an object in each."""
    monkeypatch.setattr("mvc.store.remote.compaction.MANY_PACKS", FEW)
    return filled(tmp_path / "remote", EVERY)


OPENED: list[Watched] = []


def opened(top: Path, before: Callable[[str, int, Any], object] = lambda *_: None) -> RemoteStore:
    """Open a remote as a clone does that has fetched nothing yet."""
    indexes = top.parent / f"indexes-{os.urandom(4).hex()}"
    OPENED.append(Watched(top, before))
    return RemoteStore(OPENED[-1], str(indexes))  # type: ignore[arg-type]  # it passes on


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    """Close what a test has opened."""
    yield
    while OPENED:
        OPENED.pop().bucket.close()


def filled(top: Path, numbers: Iterable[int]) -> Path:
    """Push an object at a time."""
    for number in numbers:
        push(top, number)
    return top


def push(top: Path, number: int) -> str:
    """Push an object; its name."""
    remote, body = opened(top), noise(number, 500 + number)
    digest = hash_bytes(body)
    remote.prepare()
    put_packs(remote, [(digest, body)], f"{top}-build-{os.urandom(4).hex()}")
    return digest.blake3


def name_of(number: int) -> str:
    """Return the name of an object that `push` makes."""
    return hash_bytes(noise(number, 500 + number)).blake3


def squeeze(remote: RemoteStore) -> None:
    """Compact a remote."""
    compact(remote, f"{remote.indexes}-build-{os.urandom(4).hex()}")


def holds(top: Path, numbers: Iterable[int]) -> bool:
    """Whether a fresh clone finds all objects, and they are sound."""
    remote = opened(top)
    for number in numbers:
        with remote.open(name_of(number)) as file:
            assert file.read() == noise(number, 500 + number)
    return True


def packs(top: Path) -> int:
    """Return how many packs count."""
    return len(list((top / "packs").glob("*.idx")))


# What is merged.


def pairs(*sizes: int, index: int = 0) -> list[PackFiles]:
    """Return packs of these sizes, with indexes of one size."""
    names = [f"{number:064x}" for number in range(len(sizes))]
    return [
        PackFiles(Item(pack_key(name), size), Item(index_key(name), index))
        for name, size in zip(names, sizes, strict=True)
    ]


def test_few_packs_stay_and_so_do_large_ones() -> None:
    assert choose(pairs(*[100] * MANY_PACKS)) == []
    assert choose(pairs(*[100] * MANY_PACKS, *[SMALL] * 100)) == []
    assert len(choose(pairs(*[100] * (MANY_PACKS + 1), *[SMALL] * 100))) == MANY_PACKS + 1


def test_what_is_much_larger_than_the_rest_is_not_read_again() -> None:
    chosen = choose(pairs(5 << 20, *[20_000] * MANY_PACKS))
    assert [pair.pack.size for pair in chosen] == [20_000] * MANY_PACKS


@pytest.mark.parametrize("size", [1, 1000, 1 << 20, 3 << 20, SMALL - 1])
def test_it_is_bounded_and_always_makes_packs_fewer(size: int) -> None:
    chosen = choose(pairs(*[size] * 1000))
    assert 2 <= len(chosen) <= MOST
    assert sum(map(weight, chosen)) <= AT_ONCE


def test_tiny_objects_are_merged_fewer_at_a_time() -> None:
    objects, record = 20_000, 80
    chosen = choose(pairs(*[40 * objects] * 100, index=record * objects))
    assert 2 <= len(chosen) <= 5
    assert choose(pairs(*[40 * objects] * 100, index=2 * record * objects)) == []


def test_over_years_packs_stay_few_and_each_byte_is_sent_a_few_times() -> None:
    there, pushed, sent = [], 0, 0
    for number in range(5000):
        size = 1000 + number * 7919 % 60_000
        there, pushed = [*there, size], pushed + size
        if chosen := [pair.pack.size for pair in choose(pairs(*there))]:
            for old in chosen:
                there.remove(old)
            there.append(sum(chosen))
            sent += sum(chosen)
    assert len(there) <= MANY_PACKS + pushed // SMALL + 1
    assert sent < 8 * pushed


def test_all_is_there_after_it_and_the_old_packs_too(top: Path) -> None:
    old = {path.name for path in (top / "packs").glob("*.pack")}
    squeeze(opened(top))
    assert packs(top) == 1
    assert old < {path.name for path in (top / "packs").glob("*.pack")}
    assert holds(top, EVERY)
    fresh = opened(top)
    fresh.locate(map(name_of, EVERY))
    assert fresh.bucket.count == 2  # type: ignore[attr-defined]  # is Watched: a listing and an index


def test_the_same_bodies_make_another_pack_each_time(top: Path) -> None:
    before = packs(top)
    push(top, 0)
    assert packs(top) == before + 1


def test_a_damaged_pack_stays_as_it_is(top: Path) -> None:
    pack = sorted((top / "packs").glob("*.pack"), key=lambda path: path.stat().st_size)[3]
    pack.chmod(0o644)
    raw = pack.read_bytes()
    pack.write_bytes(raw[:-1] + bytes([raw[-1] ^ 1]))
    squeeze(opened(top))
    assert packs(top) == 2
    assert pack.with_suffix(".idx").exists()
    assert holds(top, [number for number in EVERY if number != 3])


# Rights.


def test_who_may_not_delete_writes_nothing(top: Path) -> None:
    def refuse(name: str, *_: object) -> None:
        if name == "delete":
            raise RemoteError("access denied")

    before = sorted(top.rglob("*"))
    squeeze(opened(top, refuse))
    assert sorted(top.rglob("*")) == before


def test_a_remote_that_keeps_what_is_there_is_tried_once_a_day(top: Path) -> None:
    def refuse(name: str, _: int, args: Any) -> None:
        if name == "delete" and any((top / key).exists() for key in args[0]):
            raise RemoteError("retention")

    remote = opened(top, refuse)
    squeeze(remote)
    many = packs(top)
    assert many == len(EVERY) + 1
    squeeze(remote)
    assert packs(top) == many
    os.utime(f"{remote.indexes}/deletion-refused", (1, 1))
    remote.bucket.before = lambda *_: None  # type: ignore[attr-defined]  # is Watched
    squeeze(remote)
    assert packs(top) == 1
    assert holds(top, EVERY)


def test_a_remote_that_fails_is_no_failure(top: Path) -> None:
    def fail(name: str, *_: object) -> None:
        if name == "upload":
            raise Transient("500")

    squeeze(opened(top, fail))
    assert holds(top, EVERY)


# In between.


def at_each_request(top: Path, tmp_path: Path, act: Callable[[Path], object]) -> int:
    """Compact a copy of a remote, with `act` before each request in turn; all must be there then. How many."""
    for at in range(1, 1000):
        copy = tmp_path / f"at-{at}/remote"
        shutil.copytree(top, copy)
        done: list[bool] = []

        def before(_: str, count: int, __: object, at: int = at, copy: Path = copy, done: list[bool] = done) -> None:
            if count == at:
                done.append(True)
                act(copy)

        remote = opened(copy, before)
        try:
            squeeze(remote)
        except KeyboardInterrupt:
            assert holds(copy, EVERY)
            squeeze(opened(copy))
        assert holds(copy, EVERY)
        shutil.rmtree(copy.parent)
        if not done:
            return at
    raise AssertionError("it never ends")


def test_killed_at_any_request_and_run_again(top: Path, tmp_path: Path) -> None:
    def die(*_: object) -> None:
        raise KeyboardInterrupt

    assert at_each_request(top, tmp_path, die) > 10


def test_another_one_at_any_moment(top: Path, tmp_path: Path) -> None:
    def again(copy: Path) -> None:
        squeeze(opened(copy))
        filled(copy, range(100, 100 + FEW))
        squeeze(opened(copy))
        assert holds(copy, [*EVERY, *range(100, 100 + FEW)])

    assert at_each_request(top, tmp_path, again) > 10


def collect(copy: Path, needed: set[str]) -> None:
    """Delete what is not needed, without a grace, and every half of a pack."""
    remote = opened(copy)
    write_list(remote, find_unneeded(remote, {name for name, _ in remote.objects()} - needed))
    for listed in garbage_lists(remote):
        carry_out(remote, listed, lambda: needed)
    assert not list((copy / "gc").iterdir())


def test_a_gc_that_deletes_old_packs_at_once(top: Path, tmp_path: Path) -> None:
    needed = set(map(name_of, EVERY))
    assert at_each_request(top, tmp_path, lambda copy: collect(copy, needed)) > 10


def test_a_gc_that_frees_what_is_pushed_again_right_after(top: Path, tmp_path: Path) -> None:
    """The push makes a pack with the same bodies as one that is being merged."""
    def swap(copy: Path) -> None:
        collect(copy, {name_of(number) for number in EVERY if number not in (4, 5)})
        for number in (4, 5):
            if not opened(copy).glance([name_of(number)]):
                push(copy, number)

    assert at_each_request(top, tmp_path, swap) > 10


def test_a_reader_at_any_moment(top: Path, tmp_path: Path) -> None:
    readers: list[int] = []

    def read(copy: Path) -> None:
        readers.append(holds(copy, EVERY))

    assert at_each_request(top, tmp_path, read) > 10


def test_a_compaction_at_any_moment_of_a_reader(top: Path, tmp_path: Path) -> None:
    for at in range(1, 1000):
        copy = tmp_path / f"at-{at}/remote"
        shutil.copytree(top, copy)
        count: list[int] = []

        def before(_: str, number: int, __: object, at: int = at, copy: Path = copy, seen: list[int] = count) -> None:
            seen.append(number)
            if number == at:
                squeeze(opened(copy))

        reader = opened(copy, before)
        places = reader.locate(map(name_of, EVERY))
        assert len(places) == len(EVERY)
        for number in EVERY:
            place = places[name_of(number)]
            data = reader.bucket.read(place.item, place.start, place.start + place.size)
            assert data == noise(number, 500 + number)
        shutil.rmtree(copy.parent)
        if len(count) < at:
            assert at > len(EVERY)
            return


def test_an_old_pack_is_half_of_one_for_gc(top: Path) -> None:
    squeeze(opened(top))
    unneeded = find_unneeded(opened(top), set())
    assert len(unneeded) == len(EVERY)
    assert {(found.name, found.item.key[-5:]) for found in unneeded} == {("", ".pack")}


def test_indexes_of_packs_that_are_gone_are_not_kept(top: Path) -> None:
    reader = opened(top)
    reader.locate(map(name_of, EVERY))
    assert len(os.listdir(reader.indexes)) == len(EVERY)
    squeeze(opened(top))
    reader.forget()
    reader.locate(map(name_of, EVERY))
    assert len(os.listdir(reader.indexes)) == 1


@pytest.mark.parametrize("seen", [".idx", ".pack", ""])
def test_what_is_listed_while_packs_are_replaced_is_looked_for_again(top: Path, tmp_path: Path, seen: str) -> None:
    """A listing may miss the new pack, and the old index as well: it is not made at one moment."""
    class Torn(Watched):
        first = True

        def list(self, prefix: str) -> Any:
            found = sorted(self.bucket.list(prefix))
            if prefix == "packs/" and self.first:
                self.first = False
                return (item for item in found[: len(found) // 2] if item.key.endswith(seen))
            return iter(found)

    remote = RemoteStore(Torn(top), str(tmp_path / "indexes"))  # type: ignore[arg-type]  # it passes on
    assert len(remote.locate(map(name_of, EVERY))) == len(EVERY)
    with pytest.raises(MissingObject):
        remote.open(name_of(1000))
