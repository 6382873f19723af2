"""The cache's trash: what is freed goes there first, and can be had back until it is purged.

What lies in quarantine goes the same way, once nobody can want it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress

from mvc.errors import MissingObject, MvcError
from mvc.store.cache.cache import Cache
from mvc.store.packs.index import PackIndex
from mvc.store.packs.pack import half_packs
from mvc.store.stored import Stored


def discard(cache: Cache, garbage: Iterable[Stored]) -> None:
    """Move objects to the trash; a pack that holds some is replaced by one without them."""
    packs: dict[str, set[bytes]] = {}
    for item in garbage:
        if item.pack:
            packs.setdefault(item.pack, set()).add(bytes.fromhex(item.name))
        else:
            with suppress(FileNotFoundError):
                cache.move(cache.loose_path(item.name), "trash", item.name)
    for pack, names in sorted(packs.items()):
        cache.rewrite(pack, names, "trash")


def trashed(cache: Cache) -> Iterator[Stored]:
    """Yield every file in the trash; its age counts from when it was moved there."""
    yield from _files(cache, "trash")


def _files(cache: Cache, folder: str) -> Iterator[Stored]:
    with suppress(FileNotFoundError):
        for name in os.listdir(f"{cache.root}/{folder}"):
            with suppress(FileNotFoundError):
                status = os.lstat(f"{cache.root}/{folder}/{name}")
                yield Stored(name, status.st_size, status.st_ctime)


def quarantined(cache: Cache) -> Iterator[Stored]:
    """Yield every file in quarantine, by the name it has there; its age counts from when it was moved there."""
    yield from _files(cache, "quarantine")


def is_dispensable(cache: Cache, file: Stored) -> bool:
    """Whether a file in quarantine tells nothing any more: all that it should hold is in the cache, and sound."""
    try:
        return all(map(cache.matches, _objects(cache, file.name)))
    except (MvcError, OSError):
        return False


def _objects(cache: Cache, file: str) -> list[str]:
    """Return the objects that a file in quarantine should hold: itself, or what the index of a pack names.

    Raises:
        CorruptObject, MissingObject: the index is damaged, or gone.

    """
    name, _, rest = file.partition(".")
    if not rest.startswith(("pack.", "idx.")):
        return [name]
    folder = f"{cache.root}/quarantine"
    for index in os.listdir(folder):
        if index.startswith(f"{name}.idx."):
            with open(f"{folder}/{index}", "rb") as data:
                return [key.hex() for key in PackIndex(data.read(), index).keys()]  # noqa: SIM118 - no mapping
    raise MissingObject(f"the index of the pack {name} is gone")


def halves(cache: Cache) -> Iterator[Stored]:
    """Yield the files of packs that lack the other one, so that nobody can read them."""
    for name in half_packs(cache.packs.folder):
        with suppress(FileNotFoundError):
            status = os.lstat(f"{cache.packs.folder}/{name}")
            yield Stored(name, status.st_size, status.st_mtime)


def retire(cache: Cache, files: Iterable[Stored]) -> None:
    """Move files of packs to the trash."""
    for file in files:
        with suppress(FileNotFoundError):
            cache.move(f"{cache.packs.folder}/{file.name}", "trash", file.name)


def dispense(cache: Cache, files: Iterable[Stored]) -> None:
    """Move files from quarantine to the trash; a pack before its index, which is needed to tell what the pack holds."""
    for file in sorted(files, reverse=True):
        with suppress(FileNotFoundError):
            cache.move(f"{cache.root}/quarantine/{file.name}", "trash", file.name)


def purge(cache: Cache, files: Iterable[Stored]) -> None:
    """Delete files of the trash for good."""
    for file in files:
        with suppress(FileNotFoundError):
            os.unlink(f"{cache.root}/trash/{file.name}")


GRACE = 14 * 86_400
"""Seconds for which nothing is freed after it was stored, or purged after it was freed."""
