"""Packs on their way to a remote: each is sent as soon as it is full, and leaves this disk then."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mvc.fs.scratch import Scratch
from mvc.objects.digest import Digest
from mvc.objects.hashing import hash_bytes
from mvc.store.buckets.bucket import RemoteError
from mvc.store.buckets.directory import DirectoryBucket
from mvc.store.packs.pack_set import PackSet
from mvc.store.packs.pack_writer import PackWriter
from mvc.store.remote.sending import put_packs, send_packs
from mvc.store.remote.store import RemoteStore

COUNT, SIZE, STEP = 60, 300, 3000


class Refusing:
    """A bucket that refuses some packs."""

    def __init__(self, root: Path, *refused: int) -> None:
        self.bucket, self.refused, self.seen = DirectoryBucket(str(root)), refused, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.bucket, name)

    def upload(self, key: str, *args: Any) -> None:
        self.seen += key.endswith(".pack")
        if self.seen in self.refused:
            raise RemoteError("no")
        self.bucket.upload(key, *args)


class Bodies:
    """Small objects; `asked` says how many were taken."""

    def __init__(self) -> None:
        self.asked = 0

    def __iter__(self) -> Iterator[tuple[Digest, bytes]]:
        for number in range(COUNT):
            self.asked += 1
            body = b"%3d" % number * (SIZE // 3)
            yield hash_bytes(body), body


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where packs are built, small ones."""
    monkeypatch.setattr("mvc.store.packs.builder.STEP", STEP)
    (tmp_path / "build").mkdir()
    return tmp_path / "build"


def remote(top: Path, *refused: int) -> RemoteStore:
    """Return a remote that refuses the packs of these numbers."""
    return RemoteStore(Refusing(top / "remote", *refused), str(top / "indexes"))


def names_on(store: RemoteStore) -> set[str]:
    """Return the objects of a remote."""
    store.forget()
    return {name for name, _ in store.objects()}


def files(folder: Path) -> list[Path]:
    """Return what lies in a directory, deep down too."""
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_pack_leaves_the_disk_before_there_are_many(tmp_path: Path, folder: Path) -> None:
    bodies, store = Bodies(), remote(tmp_path)
    sent = packs = 0
    for pack in send_packs(store, bodies, str(folder)):
        assert len(files(folder)) <= 2 * 2  # the next one, and perhaps one more in the making
        sent, packs = sent + pack.pack.object_count, packs + 1
        assert len(names_on(store)) == sent
        assert bodies.asked <= sent + 3 * STEP // SIZE
    assert (sent, packs) == (COUNT, COUNT * SIZE // STEP)
    assert files(folder) == []


def test_who_asks_for_no_more_ends_the_building(tmp_path: Path, folder: Path) -> None:
    bodies = Bodies()
    packs = send_packs(remote(tmp_path), bodies, str(folder))
    next(packs)
    packs.close()
    assert bodies.asked < COUNT
    assert files(folder) == []


def test_a_pack_that_fails_stops_no_other(tmp_path: Path, folder: Path) -> None:
    store = remote(tmp_path, 2, 4)
    packs = list(send_packs(store, Bodies(), str(folder)))
    assert [bool(pack.error) for pack in packs] == [False, True, False, True, False, False]
    assert names_on(store) == {name for pack in packs if not pack.error for name in pack.pack.objects()}
    assert files(folder) == []


def test_the_first_that_fails_is_told_to_who_wants_all(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(RemoteError, match="no"):
        put_packs(remote(tmp_path, 3), Bodies(), str(folder))
    assert files(folder) == []


def test_packs_of_a_transfer_grow(tmp_path: Path) -> None:
    """So that those of a large one stay few, and little of a small one is moved again."""
    (tmp_path / "packs").mkdir()
    with Scratch(str(tmp_path / "tmp")) as scratch:
        writer = PackWriter(str(tmp_path / "packs"), scratch, step=1000)
        for number in range(600):
            body = b"%10d" % number * 10
            writer.add(hash_bytes(body), body)
        writer.publish()
    sizes = sorted(path.stat().st_size for path in (tmp_path / "packs").glob("*.pack"))
    assert len(PackSet(str(tmp_path / "packs")).names()) == len(sizes) < 45
    assert sizes[1] >= 1000  # the first ones; the last one has what is left
    assert 2000 < sizes[-1] <= 60_000 // 16 + 200
