"""Objects on a remote, on top of any bucket: finding and opening them. The layout is the same in all buckets."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from typing import BinaryIO, TypeVar

from mvc.errors import InvalidFormat, MissingObject
from mvc.objects.digest import check_object_name
from mvc.store.buckets.bucket import PART, Bucket, Item, RunAll
from mvc.store.packs.index import PackIndex
from mvc.store.remote.location import NOTHING, ObjectLocation, ObjectsByFile, excluded, object_key
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

    def locate(self, names: Iterable[str], without: ObjectsByFile = NOTHING) -> dict[str, ObjectLocation]:
        """Return the locations of the `names` that the remote has now, without using earlier results.

        `without` counts as absent. Missing objects are looked up once more: a compaction may run during a listing, and
        a part of an index may be damaged.
        """
        names = {*names}
        found = self.glance(names, without)
        missed = names - found.keys()
        if missed and self._packs.has_files():
            self.forget()
            found |= self._packed(missed, without, sure=True)
        return found

    def glance(self, names: Iterable[str], without: ObjectsByFile = NOTHING) -> dict[str, ObjectLocation]:
        """Return the same after one lookup, for a push: sending an object twice does no harm."""
        wanted = {check_object_name(name) for name in names}
        found = self._packed(wanted, without)
        return found | self._loose(sorted(wanted - found.keys()), without)

    def _packed(
        self, names: AbstractSet[str], without: ObjectsByFile, *, sure: bool = False,
    ) -> dict[str, ObjectLocation]:
        """Return the location of each packed object; in a truncated pack only if no other has it."""
        keys = {bytes.fromhex(name): name for name in names}
        found: dict[str, ObjectLocation] = {}
        for item, index in self._packs.finders(keys, sure=sure) if keys else ():
            for key, name in list(keys.items()):
                if (record := index.find(key)) is not None and not excluded(item, name, without):
                    found[name] = ObjectLocation(item, record)
                    if found[name].fits:
                        del keys[key]
        return found

    def _loose(self, names: list[str], without: ObjectsByFile) -> dict[str, ObjectLocation]:
        """Request each object by key, or list all: the estimated minimum of requests."""
        keys = {object_key(name): name for name in names}
        listed, complete = self._listed(keys) if len(keys) > FEW else ({}, False)
        found = [item for item in listed.values() if not excluded(item, keys[item.key], without)]
        if not complete:
            asked = self.run(self.bucket.head, [key for key in keys if key not in listed], 0)
            found += [item for item in asked if item is not None and not excluded(item, keys[item.key], without)]
        return {keys[item.key]: ObjectLocation(item) for item in found}

    def _listed(self, keys: Collection[str]) -> tuple[dict[str, Item], bool]:
        """List large objects in at most `len(keys)` requests. Return those found, and whether the list is complete."""
        found: dict[str, Item] = {}
        for number, item in enumerate(self.bucket.list("objects/")):
            if item.key in keys:
                found[item.key] = item
            if number // PAGE >= len(keys):
                return found, False
        return found, True

    def objects(self) -> Iterator[tuple[str, ObjectLocation]]:
        """Yield every copy of every object."""
        for item in self.bucket.list("objects/"):
            with suppress(InvalidFormat):
                name = item.key.rpartition("/")[2]
                if item.key == object_key(name):
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
