"""Objects on a remote, on top of any bucket: finding and opening them. The layout is the same in all buckets."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import BinaryIO, TypeVar

from mvc.errors import InvalidFormat, MissingObject
from mvc.objects.digest_table import as_table
from mvc.store.buckets.bucket import PART, Bucket, Item, RunAll
from mvc.store.packs.index import PackIndex
from mvc.store.remote.location import NOTHING, Locations, ObjectLocation, ObjectsByFile, excluded, object_key
from mvc.store.remote.marker import note_seen, read_marker, refuse_if_emptied, write_marker
from mvc.store.remote.packs import PackFiles, RemotePacks

FEW = 8
"""Up to this many objects, each is requested by key before anything is listed."""
PAGE = 1000
"""Objects in one page of an S3 listing."""

T = TypeVar("T")
R = TypeVar("R")


def one_by_one(function: Callable[[T], R], items: Sequence[T], size: int) -> list[R]:
    """Call a function for each item, without threads; see `RunAll`."""
    del size
    return [function(item) for item in items]


class RemoteStore:
    """The objects in a bucket. Requests are sent on demand; pack indexes are kept once read."""

    def __init__(self, bucket: Bucket, indexes: str, run: RunAll = one_by_one) -> None:
        """Use `bucket`; `indexes` is a local directory for copies of indexes, `run` as in `RunAll`."""
        self.bucket = bucket
        self.indexes = indexes
        self.run = run
        self._packs = RemotePacks(bucket, indexes, run)
        self._id = ""

    # The format.

    def check_format(self) -> str:
        """Return the remote's id; empty when it was never pushed to.

        Raises:
            UsageError: it needs a newer mvc.
        """
        if not self._id and (found := read_marker(self.bucket)):
            self._id = found
            note_seen(self.indexes, found)
        return self._id

    def prepare(self) -> str:
        """Initialize an empty bucket as a remote, before any other write. Return its id.

        Raises:
            RemoteError: this clone knows that the bucket was a remote.
        """
        if known := self.check_format():
            return known
        refuse_if_emptied(self.bucket, self.indexes)
        write_marker(self.bucket)
        return self.check_format()  # another push may have been faster

    # Objects.

    def locate(self, names: Iterable[str], without: ObjectsByFile = NOTHING) -> Locations:
        """Return the locations of the `names` that the remote has now, without using earlier results.

        `without` counts as absent. Missing objects are looked up once more: a compaction may run during a listing, and
        a part of an index may be damaged.
        """
        found = self.glance(names, without)
        if len(found) < len(found.names) and self._packs.has_files():
            self.forget()
            self._look_in_packs(found, without, sure=True)
        return found

    def glance(self, names: Iterable[str], without: ObjectsByFile = NOTHING) -> Locations:
        """Return the same after one lookup, for a push: sending an object twice does no harm."""
        found = Locations(as_table(names))
        self._look_in_packs(found, without, sure=False)
        found.loose = {name: item for name, item in self._loose(found) if not excluded(item, name, without)}
        return found

    def _look_in_packs(self, found: Locations, without: ObjectsByFile, *, sure: bool) -> None:
        if first := {key[0] for key in found.absent()}:
            found.look_in(self._packs.finders(first, sure=sure), without)

    def _loose(self, found: Locations) -> Iterator[tuple[str, Item]]:
        """Request each object that is in no pack by key, or list all: the estimated minimum of requests."""
        count = len(found.names) - len(found)
        listed, complete = self._listed(found, count) if count > FEW else ({}, False)
        yield from listed.items()
        if not complete:
            names = [name for name in map(bytes.hex, found.absent()) if name not in listed]
            for name, item in zip(names, self.run(self.bucket.head, [*map(object_key, names)], 0), strict=True):
                if item is not None:
                    yield name, item

    def _listed(self, wanted: Locations, most: int) -> tuple[dict[str, Item], bool]:
        """List large objects in at most `most` requests. Return those without a location, and whether these are all."""
        found: dict[str, Item] = {}
        for number, (name, item) in enumerate(self._own_keys()):
            if wanted.lacks(name):
                found[name] = item
            if number // PAGE >= most:
                return found, False
        return found, True

    def _own_keys(self) -> Iterator[tuple[str, Item]]:
        """Yield every object that has its own key."""
        for item in self.bucket.list("objects/"):
            with suppress(InvalidFormat):
                name = item.key.rpartition("/")[2]
                if item.key == object_key(name):
                    yield name, item

    def objects(self) -> Iterator[tuple[str, ObjectLocation]]:
        """Yield every copy of every object."""
        for name, item in self._own_keys():
            yield name, ObjectLocation(item)
        for item, index in self.packs().values():
            yield from ((record.blake3.hex(), ObjectLocation(item, record)) for record in index.records())

    def open(self, name: str) -> BinaryIO:
        """Return a readable stream of the object's bytes, not verified; ranges are fetched as they are read.

        Raises:
            MissingObject: the remote does not have it.
        """
        if (location := self.locate([name]).get(name)) is None:
            raise MissingObject(f"object {name} is not on {self.bucket.url}")
        return io.BufferedReader(RemoteFile(self.bucket, location), 1 << 20)

    # Packs.

    def packs(self, names: Collection[str] | None = None) -> dict[str, tuple[Item, PackIndex]]:
        """Return every pack that has its index, or those of `names`; an index is fetched only once."""
        return self._packs.whole(names)

    def pack_files(self) -> dict[str, PackFiles]:
        """Return every pack that has its index, by name; the index is not read."""
        return self._packs.files()

    def forget(self, packs: Iterable[str] = ()) -> None:
        """List the packs again; also read the indexes of `packs`, by their keys, again."""
        self._packs.forget(packs)


class RemoteFile(io.RawIOBase):
    """The object at `location`, readable and seekable; each read is one request."""

    def __init__(self, bucket: Bucket, location: ObjectLocation) -> None:
        self._bucket, self._location, self._position = bucket, location, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._location.size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]  # a buffer, as typeshed says elsewhere
        end = min(self._position + min(len(view), PART), self._location.size)
        if end <= self._position:
            return 0
        start = self._location.start
        data = self._bucket.read(self._location.item, start + self._position, start + end)
        view[: len(data)] = data
        self._position += len(data)
        return len(data)
