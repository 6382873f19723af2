"""The locations of objects on a remote: large ones under their own key, small ones in packs.

Layout: docs/formats.md, "Remote".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

from mvc.objects.digest import check_object_name
from mvc.store.buckets.bucket import PART, Item
from mvc.store.packs.index import Record

GAP = 256 << 10
"""Bytes between two objects of a pack that are read as well, as another request would take longer."""


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


class Span(NamedTuple):
    """A range of a pack to read in one request, and the objects in it by name."""

    item: Item
    start: int
    end: int
    objects: list[tuple[str, ObjectLocation]]

    def body(self, data: bytes, location: ObjectLocation) -> bytes:
        """Return the bytes of one of the objects; `data` is the content of the span."""
        start = location.start - self.start
        return data[start : start + location.size]


def spans(packed: Iterable[tuple[str, ObjectLocation]]) -> Iterator[Span]:
    """Yield the ranges to read: neighbours in a pack together, up to `PART` bytes."""
    span: Span | None = None
    for name, location in sorted(packed, key=lambda pair: (pair[1].item.key, pair[1].start)):
        end = location.start + location.size
        if span and span.item == location.item and location.start - span.end <= GAP and end - span.start <= PART:
            span.objects.append((name, location))
            span = span._replace(end=max(end, span.end))
            continue
        if span:
            yield span
        span = Span(location.item, location.start, end, [(name, location)])
    if span:
        yield span
