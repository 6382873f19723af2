"""The locations of objects on a remote: large ones under their own key, small ones in packs.

Layout: docs/formats.md, "Remote".
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from types import MappingProxyType
from typing import NamedTuple, Protocol, TypeAlias

from mvc.objects.digest import check_object_name
from mvc.objects.digest_table import NameTable
from mvc.store.buckets.bucket import PART, Item
from mvc.store.packs.index import Record

GAP = 256 << 10
"""Bytes between two objects of a pack that are read as well, as another request would take longer."""


SPAN = 4 << 20
"""Most bytes of several objects that are read at once: enough for the speed, little enough for eight at once."""
_LOW = (1 << 32) - 1


def object_key(name: str) -> str:
    """Return the key of a large object."""
    return f"objects/{check_object_name(name)[:2]}/{name}"


def pack_key(name: str) -> str:
    """Return the key of the pack `name`."""
    return f"packs/{name}.pack"


def index_key(name: str) -> str:
    """Return the key of the index of the pack `name`."""
    return f"packs/{name}.idx"


def pack_name(key: str) -> str:
    """Return the name of the pack whose file or index has this key."""
    return key.removeprefix("packs/").rpartition(".")[0]


class FileVersion(NamedTuple):
    """One version of a file on a remote: another write changes time or ETag."""

    key: str
    modified: float
    etag: str

    @classmethod
    def of(cls, item: Item) -> FileVersion:
        return cls(item.key, item.modified, item.etag)


ObjectsByFile: TypeAlias = Mapping[FileVersion, AbstractSet[str]]
"""Objects that count as absent in certain files: deletable by a gc (`mvc.store.remote.gc`), or damaged."""
NOTHING: ObjectsByFile = MappingProxyType({})


def excluded(item: Item, name: str, without: ObjectsByFile) -> bool:
    """Whether the object counts as absent in this file."""
    return bool(without) and name in without.get(FileVersion.of(item), ())


class ObjectLocation(NamedTuple):
    """The location of an object: under its own key, or in a pack."""

    item: Item
    """The file to read: the object, or its pack."""
    record: Record | None = None
    """Its record in the pack's index; None when it has its own key."""

    @property
    def start(self) -> int:
        return self.record.offset if self.record else 0

    @property
    def size(self) -> int:
        """Bytes of the object as stored."""
        return self.record.stored if self.record else self.item.size

    @property
    def fits(self) -> bool:
        """Whether the pack has the size in its index, and the object the size of a packed one."""
        return self.start + self.size <= self.item.size and (self.record is None or self.size <= PART)

    def is_whole(self, size: int) -> bool:
        """Whether the file can contain an object of `size` bytes, without reading it."""
        return self.fits and self.size == size


class Finder(Protocol):
    """An index, or parts of one."""

    def find(self, key: bytes) -> Record | None:
        ...


class Locations(Mapping[str, ObjectLocation]):
    """The locations of those of `names` that a remote has; a packed object takes 12 bytes, and is found again."""

    def __init__(self, names: NameTable) -> None:
        self.names = names
        self.loose: dict[str, Item] = {}
        """The objects under their own key."""
        self._packs: list[tuple[Item, Finder]] = []
        self._pack_of = array("I", bytes(4 * len(names)))
        """By the position of the name: the number of its pack, from 1; 0 if no pack has it."""
        self._sizes = array("q", [-1]) * len(names)
        """By position: bytes of the object in that pack; -1 if the pack is cut short."""

    def __getitem__(self, name: str) -> ObjectLocation:
        position = self.names.position(bytes.fromhex(name))
        if position is not None and self._pack_of[position]:
            return self.packed_at(position)
        return ObjectLocation(self.loose[name])

    def __iter__(self) -> Iterator[str]:
        return (name for name, pack in zip(self.names, self._pack_of, strict=True) if pack or name in self.loose)

    def __len__(self) -> int:
        return len(self._pack_of) - self._pack_of.count(0) + len(self.loose)

    def packed_at(self, position: int) -> ObjectLocation:
        """Return the location in a pack of the name at `position`."""
        item, index = self._packs[self._pack_of[position] - 1]
        return ObjectLocation(item, index.find(self.names.key(position)))

    def sizes(self) -> Iterable[int]:
        """Return the bytes of all objects, by position; -1 for those that the remote does not have whole."""
        sizes = self._sizes[:]
        for name, item in self.loose.items():
            position = self.names.position(bytes.fromhex(name))
            if position is not None and sizes[position] < 0:
                sizes[position] = item.size
        return sizes

    def by_pack(self) -> Iterator[tuple[Item, array[int]]]:
        """Yield the packs, and the positions of the names whose objects are to be read from each."""
        positions = [array("I") for _ in self._packs]
        for position, pack in enumerate(self._pack_of):
            if pack:
                positions[pack - 1].append(position)
        return ((item, found) for (item, _), found in zip(self._packs, positions, strict=True) if found)

    def absent(self) -> Iterator[bytes]:
        """Yield the names, as 32 bytes, of the objects that have no location."""
        return map(self.names.key, self._absent())

    def lacks(self, name: str) -> bool:
        """Whether `name` is one of the names, without a location."""
        position = self.names.position(bytes.fromhex(name))
        return position is not None and not self._pack_of[position] and name not in self.loose

    def _absent(self) -> Iterator[int]:
        unpacked = (position for position, pack in enumerate(self._pack_of) if not pack)
        if not self.loose:
            return unpacked
        return (position for position in unpacked if self.names.key(position).hex() not in self.loose)

    def look_in(self, packs: Iterable[tuple[Item, Finder]], without: ObjectsByFile) -> None:
        """Look for objects that have no location yet, in the order of `packs`; `without` counts as absent.

        An object is in a truncated pack only if no other has it.
        """
        rest = array("I", self._absent())
        for item, index in packs:
            self._packs.append((item, index))
            rest = array("I", (position for position in rest if not self._take(position, item, index, without)))

    def _take(self, position: int, item: Item, index: Finder, without: ObjectsByFile) -> bool:
        """Note that the pack last added has an object; return whether it has all of it."""
        key = self.names.key(position)
        record = index.find(key)
        if record is None or (without and excluded(item, key.hex(), without)):
            return False
        self._pack_of[position] = len(self._packs)
        if fits := ObjectLocation(item, record).fits:
            self._sizes[position] = record.stored
        return fits


class Span(NamedTuple):
    """A range of a pack to read in one request."""

    item: Item
    start: int
    end: int
    objects: list[int]
    """The numbers of the objects in it."""

    def body(self, data: bytes, location: ObjectLocation) -> bytes:
        """Return the bytes of one of the objects; `data` is the content of the span."""
        start = location.start - self.start
        return data[start : start + location.size]


def spans(item: Item, extents: Iterable[tuple[int, int, int]]) -> Iterator[Span]:
    """Yield the ranges of a pack to read: neighbours together, up to `SPAN` bytes.

    `extents` has offset and size, in bytes, and any number of each object, all below `1 << 32` but the offset.
    """
    span: Span | None = None
    for packed in sorted(start << 64 | size << 32 | number for start, size, number in extents):  # a third of the memory
        start, size, number = packed >> 64, packed >> 32 & _LOW, packed & _LOW
        end = start + size
        if span and start - span.end <= GAP and end - span.start <= SPAN:
            span.objects.append(number)
            span = span._replace(end=max(end, span.end))
            continue
        if span:
            yield span
        span = Span(item, start, end, [number])
    if span:
        yield span
