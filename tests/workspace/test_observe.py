"""The content of a tracked path: files unchanged by their stat data are not read again, others are."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mvc.errors import SourceChanged
from mvc.fs.files import StatData
from mvc.fs.tree import Tree
from mvc.objects.hashing import hash_bytes
from mvc.objects.manifest import Entry, Manifest
from mvc.store.cache.writer import LOOSE_AT
from mvc.workspace.links import Links
from mvc.workspace.observe import Observed, ObserveOptions, observe, settled
from mvc.workspace.stat_index import COARSE_NS, RACY_NS, Group, Known, Snapshot, trusted_from

if TYPE_CHECKING:
    from conftest import Recorder

Fill = Callable[[dict[str, bytes]], None]
Observe = Callable[..., Observed]
SECOND = 1_000_000_000
FILES = {"d/a": b"one", "d/b/c": b"two", "d/large": b"L" * LOOSE_AT}


@pytest.fixture
def seen(tree: Tree, links: Links, recorder: Recorder) -> Observe:
    """Return a function that observes a path; the recorder remembers what is read."""

    def at(path: str, known: Snapshot | None = None, **options: object) -> Observed:
        recorder.read.clear()
        return observe(tree, path, links, ObserveOptions(known, recorder.reader(), **options))  # type: ignore[arg-type]

    return at


def recorded(snapshot: Snapshot | None, when: Callable[[Group], int]) -> Snapshot:
    """Return the snapshot as if its groups had been recorded at other times."""
    assert snapshot is not None
    return snapshot._replace(groups=tuple(group._replace(recorded=when(group)) for group in snapshot.groups))


def stat_data_of(snapshot: Snapshot | None) -> dict[str, StatData]:
    """Return the stat data of every file."""
    assert snapshot is not None
    (group,) = snapshot.groups
    return {path: group.files.stat(at) for at, path in enumerate(group.files.paths)}


def trusted(observed: Observed) -> Snapshot:
    """Return the snapshot, as if it had been taken long after the files were written."""
    return recorded(observed.snapshot, lambda group: group.newest)


def racy(observed: Observed) -> Snapshot:
    """Return the snapshot, as if it had been taken a moment too early."""
    return recorded(observed.snapshot, lambda group: group.newest - 1)


def test_a_file_is_hashed(seen: Observe, fill: Fill) -> None:
    fill({"model": b"content"})
    found = seen("model")
    assert found.digest == hash_bytes(b"content")
    assert list(found.entries()) == [Entry("", *hash_bytes(b"content"))]


def test_a_directory_s_digest_is_that_of_its_manifest(seen: Observe, fill: Fill, top: Path) -> None:
    fill(FILES)
    (top / "d/a").chmod(0o755)
    expected = Manifest.of([Entry(path[2:], *hash_bytes(data), path == "d/a") for path, data in FILES.items()])
    found = seen("d")
    assert (found.digest, found.manifest, found.manifest.total) == (expected.digest, expected, expected.total)
    assert list(found.entries()) == list(expected.entries)


def test_nothing_is_there(seen: Observe) -> None:
    found = seen("none")
    assert (found.digest, list(found.entries()), found.scan.kind) == (None, [], "none")


def test_what_is_known_is_not_read_again(seen: Observe, fill: Fill, recorder: Recorder) -> None:
    fill(FILES)
    first = seen("d")
    again = seen("d", trusted(first))
    assert recorder.read == []
    assert again.digest == first.digest
    assert sorted(again.entries()) == sorted(first.entries())


def test_a_changed_file_alone_is_read(seen: Observe, fill: Fill, recorder: Recorder) -> None:
    fill(FILES)
    known = trusted(seen("d"))
    fill({"d/b/c": b"TWO", "d/new": b"three"})
    found = seen("d", known)
    assert sorted(map(str, recorder.read)) == [str(b"TWO"), str(b"three")]
    files = {**FILES, "d/b/c": b"TWO", "d/new": b"three"}
    assert found.manifest == Manifest.of(Entry(path[2:], *hash_bytes(data)) for path, data in files.items())


def test_a_deleted_file_is_gone_and_nothing_is_read(seen: Observe, fill: Fill, recorder: Recorder, top: Path) -> None:
    fill(FILES)
    known = trusted(seen("d"))
    (top / "d/a").unlink()
    found = seen("d", known)
    assert recorder.read == []
    assert {entry.path for entry in found.entries()} == {"b/c", "large"}


def test_a_mode_alone_is_noticed(seen: Observe, fill: Fill, top: Path) -> None:
    fill(FILES)
    first = seen("d")
    (top / "d/a").chmod(0o755)
    assert seen("d", trusted(first)).digest != first.digest


def test_a_file_that_was_put_back_to_its_old_time_is_read(seen: Observe, fill: Fill, top: Path) -> None:
    fill({"model": b"old"})
    before = (top / "model").stat()
    known = trusted(seen("model"))
    fill({"model": b"new"})
    os.utime(top / "model", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert seen("model", known).digest == hash_bytes(b"new")


def with_stat_data_of(known: Snapshot, path: Path) -> Snapshot:
    """Return what would be known if a later write had left the stat data as it was."""
    stat_data = StatData.of(path.stat())
    newest = trusted_from(stat_data)
    (group,) = known.groups
    group = group._replace(files=group.files.with_stat_data({0: stat_data}), newest=newest, recorded=newest)
    return known._replace(groups=(group,))


def test_racy_stat_data_proves_nothing_and_a_later_one_does(seen: Observe, fill: Fill, top: Path) -> None:
    fill({"model": b"old"})
    first = seen("model")
    assert first.snapshot is not None
    fill({"model": b"new"})
    known = with_stat_data_of(first.snapshot, top / "model")
    assert seen("model", recorded(known, lambda group: group.newest - 1)).digest == hash_bytes(b"new")
    assert seen("model", known).digest == hash_bytes(b"old")  # the same stat data: it was not read


@pytest.mark.parametrize("names", [("d", "d/a"), ("model", "model")], ids=["directory", "file"])
def test_racy_files_are_read_once_more_and_the_answer_stays(
    seen: Observe, fill: Fill, recorder: Recorder, names: tuple[str, str]
) -> None:
    path, file = names
    fill({file: b"content"})
    first = seen(path)
    again = seen(path, racy(first))
    assert recorder.read == [b"content"]
    assert again.digest == first.digest


def test_of_many_files_the_racy_ones_alone_are_read(seen: Observe, fill: Fill, recorder: Recorder, top: Path) -> None:
    fill({"d/old": b"1", "d/young": b"2"})
    first = seen("d").snapshot
    times = {name: trusted_from(stat_data) for name, stat_data in stat_data_of(first).items()}
    oldest, youngest = min(times.values()), max(times.values())
    seen("d", recorded(first, lambda _: youngest - 1))
    late = [name for name, time in times.items() if time == youngest]
    assert recorder.read == [(top / "d" / name).read_bytes() for name in late]
    seen("d", recorded(first, lambda _: oldest - 1))
    assert sorted(map(str, recorder.read)) == ["b'1'", "b'2'"]


@pytest.mark.parametrize(
    ("mtime", "ctime", "from_"),
    [
        pytest.param(5 * SECOND + 1, 5 * SECOND + 1, 5 * SECOND + 1 + RACY_NS, id="fine times"),
        pytest.param(5 * SECOND + 1, 7 * SECOND + 3, 7 * SECOND + 3 + RACY_NS, id="the newer counts"),
        pytest.param(9 * SECOND + 1, 7 * SECOND + 3, 9 * SECOND + 1 + RACY_NS, id="mtime in the future"),
        pytest.param(5 * SECOND, 5 * SECOND, 5 * SECOND + COARSE_NS, id="whole seconds"),
        pytest.param(1 * SECOND, 5 * SECOND, 5 * SECOND + COARSE_NS, id="whole seconds, older mtime"),
        pytest.param(4 * SECOND, 5 * SECOND + 1, 5 * SECOND + 1 + RACY_NS, id="mtime set by hand"),
    ],
)
def test_stat_data_is_trusted_once_no_write_can_leave_it_as_it_is(mtime: int, ctime: int, from_: int) -> None:
    assert trusted_from(StatData(1, 2, 3, mtime, ctime)) == from_


def test_a_snapshot_knows_when_its_youngest_file_can_be_trusted(seen: Observe, fill: Fill) -> None:
    fill(FILES)
    snapshot = seen("d").snapshot
    assert snapshot is not None
    assert snapshot.groups[0].newest == max(map(trusted_from, stat_data_of(snapshot).values()))


@pytest.mark.parametrize("field", range(5))
def test_a_file_with_any_field_changed_is_unknown(seen: Observe, fill: Fill, top: Path, field: int) -> None:
    fill({"model": b"x"})
    known = Known(trusted(seen("model")).groups)
    stat_data = StatData.of((top / "model").stat())
    assert known.digest("", stat_data) == bytes.fromhex(hash_bytes(b"x").blake3 + hash_bytes(b"x").xxh128)
    assert known.digest("", StatData(*[value + (number == field) for number, value in enumerate(stat_data)])) is None
    assert known.digest("other", stat_data) is None


def test_nothing_is_known_without_a_snapshot() -> None:
    assert Known(()).is_empty
    assert Known(()).digest("", StatData(0, 0, 0, 0, 0)) is None


def test_small_content_is_not_waited_for(seen: Observe, fill: Fill, tree: Tree, links: Links) -> None:
    fill({"model": b"x"})
    snapshot = racy(seen("model"))
    assert settled(tree, "model", links, snapshot) is snapshot


def test_a_symlink_is_refused_unless_it_is_to_be_followed(seen: Observe, fill: Fill, top: Path) -> None:
    fill({"elsewhere": b"content", "d/a": b"x"})
    (top / "d/link").symlink_to("../elsewhere")
    found = seen("d")
    assert found.snapshot is None
    assert "--follow-symlinks" in found.scan.refused["link"]
    followed = seen("d", follow=True)
    assert {entry.path: entry.digest for entry in followed.entries()} == {
        "a": hash_bytes(b"x"),
        "link": hash_bytes(b"content"),
    }


def test_what_storing_cannot_use_is_read_though_it_is_known(seen: Observe, fill: Fill, recorder: Recorder) -> None:
    fill({"d/a": b"one", "d/b": b"two"})
    first = seen("d")
    again = seen("d", trusted(first), lacking={hash_bytes(b"one").blake3}.intersection, is_stored=lambda _: False)
    assert recorder.read == [b"one"]
    assert again.digest == first.digest


def test_only_what_is_covered_is_read(seen: Observe, fill: Fill, recorder: Recorder) -> None:
    fill({"d/a": b"one", "d/b": b"two", "d/known": b"three"})
    found = seen("d", covers=lambda name: name == "a")
    assert recorder.read == [b"one"]
    assert [entry.path for entry in found.entries()] == ["a"]


def test_a_file_that_changes_while_it_is_read_is_an_error(
    tree: Tree, links: Links, fill: Fill, top: Path, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill({"model": b"x" * LOOSE_AT})
    os.utime(top / "model", ns=(0, 0))
    plain = recorder.reader()

    def write_then_hash(source: object) -> object:
        with (top / "model").open("r+b") as file:
            file.write(b"y")
        return plain.large(source)  # type: ignore[arg-type]

    with pytest.raises(SourceChanged):
        observe(tree, "model", links, ObserveOptions(None, plain._replace(large=write_then_hash)))  # type: ignore[arg-type]
