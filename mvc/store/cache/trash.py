"""The cache's trash: what is freed goes there first, and can be restored until it is purged.

Files in quarantine go the same way once the cache holds what they should be.
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
"""Seconds for which nothing is freed after it was stored, or purged after it was freed."""


def discard(cache: Cache, garbage: Iterable[CacheEntry]) -> None:
    """Move objects to the trash; a pack that holds some is replaced by one without them."""
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
    """Move files from quarantine to the trash; a pack before its index, which tells what the pack holds."""
    for entry in sorted(files, reverse=True):
        _trash(cache, f"{cache.root}/quarantine/{entry.name}", entry.name)


def _trash(cache: Cache, path: str, name: str) -> None:
    with suppress(FileNotFoundError):
        move_aside(cache.root, path, "trash", name)


def is_duplicate(cache: Cache, file: CacheEntry) -> bool:
    """Whether the cache holds, intact, everything that a file in quarantine should be."""
    try:
        return all(map(cache.matches, _objects(f"{cache.root}/quarantine", file.name)))
    except (MvcError, OSError):
        return False


def _objects(folder: str, file: str) -> list[str]:
    """Return the objects that a file in quarantine should hold: itself, or what the index of a pack names.

    Raises:
        CorruptObject, MissingObject: the index is damaged, or gone.
    """
    name, _, rest = file.partition(".")
    if not rest.startswith(("pack.", "idx.")):
        return [name]
    for index in os.listdir(folder):
        if index.startswith(f"{name}.idx."):
            with open(f"{folder}/{index}", "rb") as data:
                return [key.hex() for key in PackIndex(data.read(), index).keys()]  # noqa: SIM118 - no mapping
    raise MissingObject(f"the index of the pack {name} is gone")


def purge(cache: Cache, files: Iterable[CacheEntry]) -> None:
    """Delete files of the trash for good."""
    for entry in files:
        with suppress(FileNotFoundError):
            os.unlink(f"{cache.root}/trash/{entry.name}")
