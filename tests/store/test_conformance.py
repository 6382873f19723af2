"""The promises at the top of mvc/store/stored.py, held by every store. A new store is one more parameter."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from mvc.errors import CorruptObject, InvalidName, MissingObject
from mvc.objects.digest import Digest
from mvc.objects.hashing import hash_bytes
from mvc.store.buckets.directory import DirectoryBucket
from mvc.store.cache.cache import Cache
from mvc.store.cache.writer import LOOSE_AT
from mvc.store.memory import MemoryStore
from mvc.store.remote.store import RemoteStore
from mvc.store.stored import Store

STORES: dict[str, Callable[[Path], Store]] = {
    "memory": lambda _: MemoryStore(),
    "cache": lambda folder: Cache(str(folder / "cache")),
    "directory": lambda folder: RemoteStore(DirectoryBucket(str(folder / "remote")), str(folder / "indexes")),
}
BODIES = {
    "empty": b"",
    "packed": b"small",
    "largest packed": b"p" * (LOOSE_AT - 1),
    "smallest loose": b"l" * LOOSE_AT,
    "loose": bytes(range(256)) * 5000,
}
BAD_NAMES = {
    "empty": "",
    "short": "ab",
    "upper case": "AB" * 32,
    "a way out": "../" * 21 + "x",
    "absolute": "/" + "a" * 63,
    "NUL": "a" * 63 + "\0",
    "line break": "a" * 64 + "\n",
    "65 digits": "a" * 65,
}


@pytest.fixture(params=STORES.values(), ids=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """Return an empty store."""
    made: Store = request.param(tmp_path)
    return made


@pytest.fixture(params=BODIES.values(), ids=BODIES)
def body(request: pytest.FixtureRequest) -> bytes:
    """Return the bytes of an object."""
    data: bytes = request.param
    return data


def put(store: Store, data: bytes) -> str:
    """Store `data` and return its name."""
    digest = hash_bytes(data)
    store.put(digest, io.BytesIO(data))
    return digest.blake3


def content(store: Store, name: str) -> bytes:
    """Return all bytes of an object."""
    with store.open(name) as file:
        return file.read()


def everything(store: Store) -> dict[str, bytes]:
    """Return every object of the store; each must be listed once."""
    names = list(store.list())
    assert len(names) == len(set(names))
    return {name: content(store, name) for name in names}


def test_what_was_put_is_there_under_its_blake3(store: Store, body: bytes) -> None:
    name = put(store, body)
    assert name == hash_bytes(body).blake3
    assert store.has(name)
    assert store.size(name) == len(body)
    assert content(store, name) == body
    assert list(store.list()) == [name]


def test_what_was_never_put_is_absent(store: Store, body: bytes) -> None:
    put(store, b"another")
    name = hash_bytes(body).blake3
    assert not store.has(name)
    with pytest.raises(MissingObject):
        store.size(name)
    with pytest.raises(MissingObject):
        store.open(name)


def test_putting_again_changes_nothing(store: Store, body: bytes) -> None:
    name = put(store, body)
    put(store, b"another")
    before = everything(store)
    assert put(store, body) == name
    assert everything(store) == before


class Slow(io.BytesIO):
    """Yields less than it is asked for, as sockets do."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(size if size is None or size < 0 else min(size, 70_001))


class Broken(io.BytesIO):
    """Breaks after its first byte."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or size < 0 or self.tell() or not (data := super().read(1)):
            raise OSError("connection reset")
        return data


def test_a_stream_may_yield_little_at_a_time(store: Store, body: bytes) -> None:
    digest = hash_bytes(body)
    store.put(digest, Slow(body))
    assert content(store, digest.blake3) == body


def test_a_source_that_breaks_leaves_nothing(store: Store, body: bytes) -> None:
    kept = put(store, b"another")
    with pytest.raises(OSError, match="connection reset"):
        store.put(hash_bytes(body), Broken(body))
    assert list(store.list()) == [kept]


WRONG: dict[str, Callable[[Digest], Digest]] = {
    "blake3": lambda digest: digest._replace(blake3="0" * 64),
    "xxh128": lambda digest: digest._replace(xxh128="0" * 32),
    "size too small": lambda digest: digest._replace(size=digest.size - 1),
    "size too large": lambda digest: digest._replace(size=digest.size + 1),
    "size absurd": lambda digest: digest._replace(size=1 << 62),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_bytes_that_are_not_what_the_digest_says_are_not_stored(
    store: Store,
    body: bytes,
    wrong: Callable[[Digest], Digest],
) -> None:
    kept = put(store, b"another")
    digest = wrong(hash_bytes(body))
    with pytest.raises(CorruptObject):
        store.put(digest, io.BytesIO(body))
    assert list(store.list()) == [kept]
    assert not store.has(digest.blake3)
    assert not store.has(hash_bytes(body).blake3)


def test_deleting_makes_absent_and_leaves_the_others(store: Store, body: bytes) -> None:
    others = {put(store, data) for data in (b"another", b"o" * LOOSE_AT)}
    name = put(store, body)
    store.delete(name)
    assert not store.has(name)
    assert set(store.list()) == others
    with pytest.raises(MissingObject):
        store.open(name)


def test_deleting_what_is_absent_is_no_error(store: Store, body: bytes) -> None:
    name = hash_bytes(body).blake3
    store.delete(name)
    put(store, body)
    store.delete(name)
    store.delete(name)
    assert list(store.list()) == []


def test_what_was_deleted_can_be_put_again(store: Store, body: bytes) -> None:
    name = put(store, body)
    store.delete(name)
    assert put(store, body) == name
    assert content(store, name) == body


def test_many_objects_are_listed_each_once(store: Store) -> None:
    bodies = [b"%d" % number for number in range(50)] + [b"x" * LOOSE_AT]
    names = {put(store, data): data for data in bodies}
    assert everything(store) == names


@pytest.mark.parametrize("name", BAD_NAMES.values(), ids=BAD_NAMES)
@pytest.mark.parametrize("method", ["has", "size", "open", "delete", "put"])
def test_what_is_no_object_s_name_is_refused(store: Store, method: str, name: str) -> None:
    arguments = (Digest(name, "0" * 32, 0), io.BytesIO()) if method == "put" else (name,)
    with pytest.raises(InvalidName):
        getattr(store, method)(*arguments)
    assert list(store.list()) == []


@pytest.mark.parametrize("name", BAD_NAMES.values(), ids=BAD_NAMES)
def test_a_bad_name_touches_no_file(tmp_path: Path, name: str) -> None:
    cache = Cache(str(tmp_path / "cache"))
    put(cache, b"x")
    before = sorted(os.walk(tmp_path))
    for method in (cache.has, cache.size, cache.open, cache.delete):
        with pytest.raises(InvalidName):
            method(name)
    assert sorted(os.walk(tmp_path)) == before


def test_two_that_use_one_cache_see_what_the_other_does(tmp_path: Path, body: bytes) -> None:
    one, other = Cache(str(tmp_path)), Cache(str(tmp_path))
    name = hash_bytes(body).blake3
    assert not other.has(name)
    put(one, body)
    assert other.has(name)
    assert content(other, name) == body
    one.delete(name)
    put(one, b"another")
    assert other.packs.refresh()
    assert not other.has(name)


def test_files_that_are_no_objects_are_left_out_of_the_list(tmp_path: Path) -> None:
    cache = Cache(str(tmp_path))
    names = {put(cache, b"s"), put(cache, b"l" * LOOSE_AT)}
    strange = [
        "objects/x",
        "objects/ab/rubbish",
        f"objects/ab/{'c' * 64}",
        f"objects/ab/{'AB' * 32}",
        "packs/x.idx",
        "packs/x.pack",
    ]
    for path in [*strange, f"packs/{'a' * 64}.idx", f"packs/{'b' * 64}.pack"]:
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(b"?")
    assert set(Cache(str(tmp_path)).list()) == names
