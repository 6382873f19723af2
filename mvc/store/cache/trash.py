"""The cache's trash: freed files can be restored until they are purged.

Files in quarantine are moved there once the cache has their objects intact.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress

from mvc.errors import MissingObject, MvcError
from mvc.store.cache.cache import Cache
from mvc.store.cache.inventory import CacheEntry
from mvc.store.cache.layout import move_aside
from mvc.store.cache.repack import rewrite
from mvc.store.packs.index import PackIndex

GRACE = 14 * 86_400
"""Seconds between storing and freeing an object, and between freeing and purging, at least."""


def discard(cache: Cache, garbage: Iterable[CacheEntry]) -> None:
    """Move objects to the trash; a pack that has some is replaced by one without them."""
    packs: dict[str, set[bytes]] = {}
    for entry in garbage:
        if entry.pack:
            packs.setdefault(entry.pack, set()).add(bytes.fromhex(entry.name))
        else:
            _trash(cache, cache.loose_path(entry.name), entry.name)
    for pack, names in sorted(packs.items()):
        rewrite(cache, pack, names, "trash")


def discard_halves(cache: Cache, halves: Iterable[CacheEntry]) -> None:
    """Move packs without an index, and indexes without a pack, to the trash."""
    for entry in halves:
        _trash(cache, f"{cache.packs.folder}/{entry.name}", entry.name)


def discard_duplicates(cache: Cache, files: Iterable[CacheEntry]) -> None:
    """Move files from quarantine to the trash; a pack before its index, which lists its objects."""
    for entry in sorted(files, reverse=True):
        _trash(cache, f"{cache.root}/quarantine/{entry.name}", entry.name)


def _trash(cache: Cache, path: str, name: str) -> None:
    with suppress(FileNotFoundError):
        move_aside(cache.root, path, "trash", name)


def is_duplicate(cache: Cache, file: CacheEntry) -> bool:
    """Whether the cache has all objects of a file in quarantine, intact."""
    try:
        return all(map(cache.matches, _objects(f"{cache.root}/quarantine", file.name)))
    except (MvcError, OSError):
        return False


def _objects(folder: str, file: str) -> list[str]:
    """Return the objects that a file in quarantine should have: itself, or those in a pack's index.

    Raises:
        CorruptObject, MissingObject: the index is damaged, or missing.
    """
    name, _, rest = file.partition(".")
    if not rest.startswith(("pack.", "idx.")):
        return [name]
    for index in os.listdir(folder):
        if index.startswith(f"{name}.idx."):
            with open(f"{folder}/{index}", "rb") as data:
                return [key.hex() for key in PackIndex(data.read(), index).keys()]  # noqa: SIM118 - no mapping
    raise MissingObject(f"index of the pack {name} not found")


def purge(cache: Cache, files: Iterable[CacheEntry]) -> None:
    """Delete files of the trash permanently."""
    for entry in files:
        with suppress(FileNotFoundError):
            os.unlink(f"{cache.root}/trash/{entry.name}")
