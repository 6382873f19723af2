"""Large indexes of packs: what is asked for is read in parts, and damage in them never hides an object."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from blake3 import blake3

from mvc.objects.hashing import hash_bytes
from mvc.store.buckets.directory import DirectoryBucket
from mvc.store.packs.index import HEAD, RECORD, PackIndex
from mvc.store.packs.ranged_index import A_REQUEST
from mvc.store.remote.sending import put_packs
from mvc.store.remote.store import RemoteStore

MANY = 30_000
"""Objects in a pack: 2.4 MB of index."""


class Counting:
    """A bucket that notes what is read of indexes."""

    def __init__(self, root: Path) -> None:
        self.bucket, self.reads = DirectoryBucket(str(root)), list[int]()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.bucket, name)

    def read(self, item: Any, start: int, end: int) -> bytes:
        if item.key.endswith(".idx"):
            self.reads.append(end - start)
        return self.bucket.read(item, start, end)


def body(number: int) -> bytes:
    """Return the content of an object."""
    return b"object %d" % number


def name(number: int) -> str:
    """Return the name of an object."""
    return hash_bytes(body(number)).blake3


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the directory of a remote with one pack of many objects."""
    top = tmp_path_factory.mktemp("ranged")
    remote = RemoteStore(DirectoryBucket(str(top / "remote")), str(top / "indexes"))
    remote.prepare()
    put_packs(remote, ((hash_bytes(body(number)), body(number)) for number in range(MANY)), str(top / "build"))
    return top / "remote"


@pytest.fixture
def top(made: Path, tmp_path: Path) -> Path:
    """Return a copy of it."""
    shutil.copytree(made, tmp_path / "remote")
    return tmp_path / "remote"


def opened(top: Path) -> tuple[RemoteStore, list[int]]:
    """Open a remote as a fresh clone; and the list of what it reads of indexes, in bytes."""
    bucket = Counting(top)
    return RemoteStore(bucket, f"{top}-{os.urandom(4).hex()}"), bucket.reads  # type: ignore[arg-type]  # it passes on


def index_of(top: Path) -> Path:
    """Return the one index."""
    (path,) = (top / "packs").glob("*.idx")
    return path


def edit(path: Path, offset: int, data: bytes, *, sealed: bool = False) -> None:
    """Overwrite bytes of an index; `sealed` makes its hash right again."""
    raw = bytearray(path.read_bytes())
    raw[offset : offset + len(data)] = data
    if sealed:
        raw[-32:] = blake3(bytes(raw[:-32])).digest()
    path.chmod(0o644)
    path.write_bytes(raw)


def test_a_few_objects_are_found_in_parts(top: Path) -> None:
    remote, reads = opened(top)
    whole = index_of(top).stat().st_size
    places = remote.locate(map(name, range(5)))
    assert len(reads) <= 1 + 5
    assert sum(reads) < whole / 20
    assert not os.path.exists(remote.indexes)
    before = len(reads)
    assert remote.locate(map(name, range(5))) == places
    assert len(reads) == before  # what was read is known
    index = PackIndex(index_of(top).read_bytes())
    for number in range(5):
        assert places[name(number)].record == index.find(bytes.fromhex(name(number)))
        with remote.open(name(number)) as file:
            assert file.read() == body(number)


def test_many_objects_are_found_in_the_whole(top: Path) -> None:
    remote, reads = opened(top)
    assert len(remote.locate(map(name, range(MANY)))) == MANY
    assert reads == [index_of(top).stat().st_size]
    again = RemoteStore(remote.bucket, remote.indexes)
    again.locate([name(1)])
    assert len(reads) == 1  # it is kept


def test_object_by_object_it_is_read_whole_in_the_end(top: Path) -> None:
    remote, reads = opened(top)
    for number in range(300):
        assert remote.locate([name(number)])
    whole = index_of(top).stat().st_size
    assert len(reads) <= whole // A_REQUEST + 2
    assert reads[-1] == whole


def test_a_small_index_is_read_at_once(tmp_path: Path) -> None:
    remote, reads = opened(tmp_path / "remote")
    remote.prepare()
    put_packs(remote, ((hash_bytes(body(number)), body(number)) for number in range(1000)), str(tmp_path / "build"))
    assert remote.locate([name(1)])
    assert len(reads) == 1


def test_what_is_not_there_is_said_only_after_all_was_read(top: Path) -> None:
    remote, reads = opened(top)
    assert remote.glance([name(MANY)]) == {}
    assert index_of(top).stat().st_size not in reads
    assert not remote.locate([name(MANY)])
    assert reads[-1] == index_of(top).stat().st_size


def first_with(byte: int) -> int:
    """Return an object whose name begins with a byte."""
    return next(number for number in range(MANY) if name(number).startswith(f"{byte:02x}"))


@pytest.mark.parametrize("number", [0, 1, 100, 254, 255])
def test_a_damaged_fanout_hides_nothing(top: Path, number: int) -> None:
    """Nobody sees the damage but by its hash, so what is found is believed only from sound neighbours."""
    path = index_of(top)
    raw = path.read_bytes()
    for change in (1, -1, 2000, -2000):
        at = 16 + 4 * number
        value = int.from_bytes(raw[at : at + 4], "little") + change
        edit(path, at, (value % (1 << 32)).to_bytes(4, "little"))
        asked = [first_with(number), first_with((number + 1) % 256)]
        remote, _ = opened(top)
        places = remote.glance(map(name, asked))
        index = PackIndex(raw)
        for one, place in places.items():
            assert place.record == index.find(bytes.fromhex(one))
        edit(path, 0, raw)
        assert len(opened(top)[0].locate(map(name, asked))) == 2


def test_a_damaged_name_is_looked_for_in_the_whole(top: Path, tmp_path: Path) -> None:
    """The index is damaged, so its pack holds nothing; another one has the object."""
    path = index_of(top)
    position = [key.hex() for key in PackIndex(path.read_bytes()).keys()].index(name(7))  # noqa: SIM118 - no mapping
    edit(path, HEAD + position * RECORD + 31, b"\0")
    remote, reads = opened(top)
    assert not remote.locate([name(7)])
    assert reads[-1] == path.stat().st_size
    put_packs(remote, [(hash_bytes(body(7)), body(7))], str(tmp_path / "build"))
    assert opened(top)[0].locate([name(7)])


def test_an_index_of_a_newer_mvc_is_not_read_in_parts(top: Path) -> None:
    edit(index_of(top), 8, b"\2", sealed=True)
    assert not opened(top)[0].locate([name(1)])


def test_a_wrong_place_in_a_part_is_mended_by_the_whole(top: Path) -> None:
    """What a fetch does when the bytes are wrong: the index is not believed any more."""
    path = index_of(top)
    raw = path.read_bytes()
    position = [key.hex() for key in PackIndex(raw).keys()].index(name(7))  # noqa: SIM118 - no mapping
    edit(path, HEAD + position * RECORD + 48, b"\0" * 8)
    remote, reads = opened(top)
    place = remote.locate([name(7)])[name(7)]
    edit(path, 0, raw)
    remote.forget({place.item.key})
    with remote.open(name(7)) as file:
        assert file.read() == body(7)
    assert reads[-1] == path.stat().st_size
