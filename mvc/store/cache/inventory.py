"""The content of the cache: objects, and files in quarantine and trash, with sizes and ages."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import NamedTuple

from mvc.errors import InvalidName
from mvc.objects.digest import check_object_name
from mvc.store.cache.cache import Cache
from mvc.store.cache.layout import ARRIVED
from mvc.store.packs.pack_set import half_packs


class CacheEntry(NamedTuple):
    """An object of the cache, or a file in its quarantine or trash."""

    name: str
    size: int
    """Bytes on disk."""
    since: float
    """When it was stored or moved there, in seconds since the epoch."""
    pack: str = ""
    """The pack that holds it; empty when it is loose."""


class Totals(NamedTuple):
    """A number of objects or files, and their bytes."""

    objects: int = 0
    bytes: int = 0

    @classmethod
    def of(cls, entries: Iterable[CacheEntry]) -> Totals:
        sizes = [entry.size for entry in entries]
        return cls(len(sizes), sum(sizes))

    @classmethod
    def sum(cls, parts: Iterable[Totals]) -> Totals:
        parts = list(parts)
        return cls(sum(part.objects for part in parts), sum(part.bytes for part in parts))


def all_objects(cache: Cache) -> Iterator[CacheEntry]:
    """Yield every copy of every object.

    Raises:
        CorruptObject: a pack's index is damaged.
    """
    yield from loose_objects(cache)
    yield from _packed_objects(cache)


def loose_objects(cache: Cache) -> Iterator[CacheEntry]:
    """Yield every loose object."""
    for folder in _listdir(f"{cache.root}/objects"):
        for name in _listdir(f"{cache.root}/objects/{folder}"):
            with suppress(InvalidName, FileNotFoundError):
                if name[:2] == folder:
                    status = os.stat(cache.loose_path(check_object_name(name)))
                    yield CacheEntry(name, status.st_size, status.st_mtime)


def _listdir(path: str) -> list[str]:
    try:
        return os.listdir(path)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _packed_objects(cache: Cache) -> Iterator[CacheEntry]:
    cache.packs.refresh()
    for pack in sorted(cache.packs.names()):
        since = cache.packs.written(pack)
        for record in cache.packs.index(pack).records():
            yield CacheEntry(record.blake3.hex(), record.stored, since, pack)


def orphan_halves(cache: Cache) -> Iterator[CacheEntry]:
    """Yield packs without an index and indexes without a pack, which are unusable."""
    for name in half_packs(cache.packs.folder):
        with suppress(FileNotFoundError):
            status = os.lstat(f"{cache.packs.folder}/{name}")
            yield CacheEntry(name, status.st_size, status.st_mtime)


def trashed_files(cache: Cache) -> Iterator[CacheEntry]:
    """Yield every file in the trash; its age counts from the move there."""
    return _files(f"{cache.root}/trash")


def quarantined_files(cache: Cache) -> Iterator[CacheEntry]:
    """Yield every file in quarantine under its name there; its age counts from the move there."""
    return _files(f"{cache.root}/quarantine")


def _files(folder: str) -> Iterator[CacheEntry]:
    for name in _listdir(folder):
        with suppress(FileNotFoundError):
            status = os.lstat(f"{folder}/{name}")
            yield CacheEntry(name, status.st_size, status.st_ctime)


def quarantined_objects(cache: Cache) -> dict[str, str]:
    """Return the names of objects with damaged bytes in quarantine, and the paths of the bytes.

    Bytes that were in the cache take precedence over bytes that a remote sent.
    """
    files = sorted(_listdir(f"{cache.root}/quarantine"), key=lambda file: (not file.endswith(ARRIVED), file))
    return {file.partition(".")[0]: f"{cache.root}/quarantine/{file}" for file in files}
