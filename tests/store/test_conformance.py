"""What every way to store an object promises: the writer of the cache, receiving from a remote, sending to one.

- An object's name is the blake3 of its bytes; another name is refused.
- An object is stored whole and verified, or not at all. Storing it again changes nothing.
- What a store holds is asked of the store itself, never inferred. What is not an object is not listed.
- Deleting makes an object absent; deleting what is absent is no error.

A new way to store objects is one more parameter.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mvc.errors import CorruptObject, InvalidName, MissingObject, MvcError
from mvc.fs.progress import Silent
from mvc.fs.scratch import Scratch
from mvc.objects.digest import Digest
from mvc.objects.digest_table import DigestTable
from mvc.objects.hashing import hash_bytes, hash_stream
from mvc.store.buckets.bucket import Item, RemoteError
from mvc.store.buckets.directory import DirectoryBucket
from mvc.store.cache.cache import Cache
from mvc.store.cache.inventory import CacheEntry, all_objects
from mvc.store.cache.source_file import SourceFile
from mvc.store.cache.trash import discard
from mvc.store.cache.writer import LOOSE_AT, CacheWriter
from mvc.store.packs.pack_writer import PackWriter
from mvc.store.remote.gc import carry_out, find_unneeded, garbage_lists, write_list
from mvc.store.remote.location import object_key
from mvc.store.remote.sending import put_packs
from mvc.store.remote.store import RemoteStore
from mvc.transfer.pool import Pool
from mvc.transfer.receive import fetch_objects
from mvc.transfer.send import missing_there, push_objects
from mvc.transfer.tools import Moved, Tools

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


# The stores.


class FaultyBucket:
    """A directory as a remote that is read over a network, a little at a time, and may break."""

    def __init__(self, root: Path) -> None:
        self.bucket, self.broken = DirectoryBucket(str(root)), False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.bucket, name)

    def open_local(self, item: Item) -> None:
        """Nothing can be read but through `read`."""

    def read(self, item: Item, start: int, end: int, *_: Any) -> bytes:
        if self.broken and item.key.startswith(("objects/", "packs/")) and not item.key.endswith(".idx"):
            raise RemoteError("connection reset")
        return self.bucket.read(item, start, end)

    def upload(self, *args: Any) -> None:
        if self.broken:
            raise RemoteError("connection reset")
        self.bucket.upload(*args)


class Place:
    """A cache and a remote, and what moves objects between them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cache = Cache(str(folder / "cache"))
        self.bucket = FaultyBucket(folder / "remote")
        self.remote = RemoteStore(self.bucket, str(folder / "indexes"))  # type: ignore[arg-type]  # it passes on

    def moved(self, move: Callable[[Tools], Moved]) -> None:
        """Move objects; the first error comes out."""
        (self.folder / "tmp").mkdir(exist_ok=True)
        with Pool() as pool:
            done = move(Tools(self.cache, self.remote, pool, Silent(), str(self.folder / "tmp")))
        for lost in done.failed:
            raise lost.error


class Written(Place):
    """A cache, written by `put_bytes`."""

    def put(self, data: bytes) -> str:
        with CacheWriter(self.cache) as writer:
            return writer.put_bytes(data).blake3

    def has(self, name: str) -> bool:
        return self.cache.has(name)

    def content(self, name: str) -> bytes:
        with self.cache.open(name) as file:
            return file.read()

    def names(self) -> list[str]:
        return [entry.name for entry in all_objects(self.cache)]

    def delete(self, name: str) -> None:
        discard(self.cache, [entry for entry in all_objects(self.cache) if entry.name == name])


class Filled(Written):
    """A cache, written by `put_filled`."""

    def put(self, data: bytes) -> str:
        self.put_as(hash_bytes(data), data)
        return hash_bytes(data).blake3

    def put_as(self, digest: Digest, data: bytes) -> None:
        """Store `data` as what `digest` says, a little at a time."""
        def fill(fd: int) -> Digest:
            for start in range(0, len(data), 70_001):
                os.write(fd, data[start : start + 70_001])
                if self.bucket.broken:
                    raise RemoteError("connection reset")
            os.lseek(fd, 0, os.SEEK_SET)
            return hash_stream(fd, digest.size)

        with CacheWriter(self.cache) as writer:
            writer.put_filled(digest, fill)


class Received(Filled):
    """A cache that receives objects from a remote."""

    def put_as(self, digest: Digest, data: bytes) -> None:
        self.remote.prepare()
        if len(data) < LOOSE_AT:
            put_packs(self.remote, [(digest, data)], str(self.folder / "build"))
        else:
            self.bucket.write(object_key(digest.blake3), data)
        self.moved(lambda tools: fetch_objects(tools, DigestTable([digest])))


class Sent(Place):
    """A remote that objects are sent to from a cache."""

    def put(self, data: bytes) -> str:
        self.put_as(hash_bytes(data), data)
        return hash_bytes(data).blake3

    def put_as(self, digest: Digest, data: bytes) -> None:
        """Send what the cache holds as `digest`: `data`."""
        self.cache = Cache(str(self.folder / f"cache-{os.urandom(4).hex()}"))
        if len(data) < LOOSE_AT:
            os.makedirs(self.cache.packs.folder)
            with Scratch(f"{self.cache.root}/tmp") as scratch:
                packs = PackWriter(self.cache.packs.folder, scratch)
                packs.add(digest, data)
                packs.publish()
        else:
            path = Path(self.cache.loose_path(digest.blake3))
            path.parent.mkdir(parents=True)
            path.write_bytes(data)
        self.moved(lambda tools: push_objects(tools, missing_there(self.remote, [digest])))

    def has(self, name: str) -> bool:
        return name in self.remote.locate([name])

    def content(self, name: str) -> bytes:
        with self.remote.open(name) as file:
            return file.read()

    def names(self) -> list[str]:
        self.remote.forget()
        return [name for name, _ in self.remote.objects()]

    def delete(self, name: str) -> None:
        needed = {*self.names()} - {name}
        write_list(self.remote, find_unneeded(self.remote, {name}))
        for listed in garbage_lists(self.remote):
            carry_out(self.remote, listed, lambda: needed)


Store = Written | Filled | Received | Sent
STORES: dict[str, Callable[[Path], Store]] = {
    "written": Written, "filled": Filled, "received": Received, "sent": Sent,
}
VERIFYING = {name: STORES[name] for name in ("filled", "received", "sent")}


@pytest.fixture(params=STORES.values(), ids=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Return an empty store; large objects travel in many parts."""
    for module in ("download", "receive", "tools"):
        monkeypatch.setattr(f"mvc.transfer.{module}.PART", 600_000)
    made: Store = request.param(tmp_path)
    return made


@pytest.fixture(params=BODIES.values(), ids=BODIES)
def body(request: pytest.FixtureRequest) -> bytes:
    """Return the bytes of an object."""
    data: bytes = request.param
    return data


def everything(store: Store) -> dict[str, bytes]:
    """Return every object of the store; each must be listed once."""
    names = store.names()
    assert len(names) == len(set(names))
    return {name: store.content(name) for name in names}


# Storing.


def test_what_was_put_is_there_under_its_blake3(store: Store, body: bytes) -> None:
    name = store.put(body)
    assert name == hash_bytes(body).blake3
    assert store.has(name)
    assert store.content(name) == body
    assert store.names() == [name]


def test_what_was_never_put_is_absent(store: Store, body: bytes) -> None:
    store.put(b"another")
    name = hash_bytes(body).blake3
    assert not store.has(name)
    with pytest.raises(MissingObject):
        store.content(name)


def test_putting_again_changes_nothing(store: Store, body: bytes) -> None:
    name = store.put(body)
    store.put(b"another")
    before = everything(store)
    assert store.put(body) == name
    assert {name: store.content(name) for name in store.names()} == before
    assert sorted(set(store.names())) == sorted(before)


def test_many_objects_are_listed_each_once(store: Store) -> None:
    bodies = [b"%d" % number for number in range(12)] + [b"x" * LOOSE_AT]
    names = {store.put(data): data for data in bodies}
    assert everything(store) == names


@pytest.mark.parametrize("store", VERIFYING.values(), ids=VERIFYING, indirect=True)
def test_a_source_that_breaks_leaves_nothing(store: Filled | Sent, body: bytes) -> None:
    other = store.put(b"another")
    store.bucket.broken = True
    with pytest.raises(MvcError, match="connection reset"):
        store.put(body or b"not empty")
    store.bucket.broken = False
    assert store.names() == [other]


WRONG: dict[str, Callable[[Digest], Digest]] = {
    "blake3": lambda digest: digest._replace(blake3="0" * 64),
    "xxh128": lambda digest: digest._replace(xxh128="0" * 32),
    "size too small": lambda digest: digest._replace(size=digest.size - 1),
    "size too large": lambda digest: digest._replace(size=digest.size + 1),
    "size absurd": lambda digest: digest._replace(size=1 << 62),
}


@pytest.mark.parametrize("store", [Filled, Received], ids=["filled", "received"], indirect=True)
@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_bytes_that_are_not_what_the_digest_says_are_not_stored(
    store: Filled, body: bytes, wrong: Callable[[Digest], Digest],
) -> None:
    other, right = store.put(b"another"), hash_bytes(body)
    digest = wrong(right)
    if isinstance(store, Received) and digest.blake3 == right.blake3 and right.size < LOOSE_AT:
        store.put_as(digest, body)  # the index of a pack knows size and xxh128: the pointer is wrong, not the object
        assert store.names() == sorted([other, right.blake3])
        return
    with pytest.raises(CorruptObject):
        store.put_as(digest, body)
    assert store.names() == [other]
    assert not store.has(digest.blake3)
    assert not store.has(hash_bytes(body).blake3)


ROT: dict[str, Callable[[bytes], bytes]] = {
    "a byte": lambda data: data[:-1] + bytes([data[-1] ^ 1]),
    "cut short": lambda data: data[:-1],
    "empty": lambda data: b"",
    "longer": lambda data: data + b"\0",
}


@pytest.mark.parametrize("store", [Sent], ids=["sent"], indirect=True)
@pytest.mark.parametrize("rot", ROT.values(), ids=ROT)
def test_what_is_damaged_in_the_cache_is_not_sent(store: Sent, body: bytes, rot: Callable[[bytes], bytes]) -> None:
    other, body = store.put(b"another"), body or b"not empty"
    digest = hash_bytes(body)
    with pytest.raises(CorruptObject, match="damaged in the cache"):
        store.put_as(digest, rot(body))
    assert store.names() == [other]
    assert not store.has(digest.blake3)


# Deleting.


def test_deleting_makes_absent_and_leaves_the_others(store: Store, body: bytes) -> None:
    others = {store.put(data) for data in (b"another", b"o" * LOOSE_AT)}
    name = store.put(body)
    store.delete(name)
    assert not store.has(name)
    assert set(store.names()) == others
    with pytest.raises(MissingObject):
        store.content(name)


def test_deleting_what_is_absent_is_no_error(store: Store, body: bytes) -> None:
    name = hash_bytes(body).blake3
    store.delete(name)
    store.put(body)
    store.delete(name)
    store.delete(name)
    assert store.names() == []


def test_what_was_deleted_can_be_put_again(store: Store, body: bytes) -> None:
    name = store.put(body)
    store.delete(name)
    assert store.put(body) == name
    assert store.content(name) == body


# Names.


@pytest.mark.parametrize("name", BAD_NAMES.values(), ids=BAD_NAMES)
def test_a_bad_name_is_refused_and_touches_no_file(tmp_path: Path, name: str) -> None:
    place, digest = Filled(tmp_path), Digest(name, "0" * 32, 0)
    cache, remote = place.cache, place.remote
    place.put(b"x")
    remote.prepare()
    (tmp_path / "tmp").mkdir()
    before = sorted(os.walk(tmp_path))
    ways: list[Callable[[], object]] = [
        lambda: cache.has(name),
        lambda: cache.missing([name]),
        lambda: cache.is_loose(name),
        lambda: cache.open(name),
        lambda: cache.packed_bytes(name),
        lambda: cache.read(digest),
        lambda: cache.read_by_name(name),
        lambda: cache.matches(name),
        lambda: cache.intact(digest),
        lambda: place.put_as(digest, b""),
        lambda: discard(cache, [CacheEntry(name, 0, 0)]),
        lambda: remote.locate([name]),
        lambda: remote.glance([name]),
        lambda: remote.open(name),
        lambda: place.moved(lambda tools: fetch_objects(tools, DigestTable([digest]))),
        lambda: place.moved(lambda tools: push_objects(tools, DigestTable([digest]))),
    ]
    for way in ways:
        with pytest.raises(InvalidName):
            way()
    assert sorted(os.walk(tmp_path)) == before


# Users of one cache.


def test_two_that_use_one_cache_see_what_the_other_does(tmp_path: Path, body: bytes) -> None:
    one, other = Written(tmp_path), Written(tmp_path)
    name = hash_bytes(body).blake3
    assert not other.has(name)
    one.put(body)
    assert other.has(name)
    assert other.content(name) == body
    one.delete(name)
    one.put(b"another")
    assert other.cache.packs.refresh()
    assert not other.has(name)


def test_a_workspace_file_is_the_object_that_its_bytes_are(tmp_path: Path, source: Callable[..., SourceFile]) -> None:
    store = Written(tmp_path)
    for name in ("smallest loose", "loose"):
        (tmp_path / "file").write_bytes(BODIES[name])
        with CacheWriter(store.cache) as writer:
            digest = writer.put_file(source(tmp_path / "file")).digest
        assert digest == hash_bytes(BODIES[name])
        assert store.content(digest.blake3) == BODIES[name]


def test_files_that_are_no_objects_are_left_out_of_the_list(tmp_path: Path) -> None:
    store = Written(tmp_path)
    names = {store.put(b"s"), store.put(b"l" * LOOSE_AT)}
    strange = [
        "objects/x",
        "objects/y/y",
        "objects/ab/rubbish",
        f"objects/ab/{'c' * 64}",
        f"objects/ab/{'AB' * 32}",
        "packs/x.idx",
        "packs/x.pack",
    ]
    for path in [*strange, f"packs/{'a' * 64}.idx", f"packs/{'b' * 64}.pack"]:
        file = Path(store.cache.root, path)
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(b"?")
    assert set(Written(tmp_path).names()) == names
