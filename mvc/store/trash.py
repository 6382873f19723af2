"""The cache's trash: what is freed goes there first, and can be had back until it is purged."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress

from mvc.store.base import Stored
from mvc.store.cache import Cache


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
    with suppress(FileNotFoundError):
        for name in os.listdir(f"{cache.root}/trash"):
            with suppress(FileNotFoundError):
                status = os.lstat(f"{cache.root}/trash/{name}")
                yield Stored(name, status.st_size, status.st_ctime)


def purge(cache: Cache, files: Iterable[Stored]) -> None:
    """Delete files of the trash for good."""
    for file in files:
        with suppress(FileNotFoundError):
            os.unlink(f"{cache.root}/trash/{file.name}")
