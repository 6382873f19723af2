"""Replacing packs of the cache: dropping objects from one, and merging small ones."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from contextlib import contextmanager, suppress
from typing import Literal

from blake3 import blake3

from mvc.errors import CorruptObject, MissingObject
from mvc.objects.digest import Digest
from mvc.objects.hashing import hash_bytes
from mvc.store.cache.cache import Cache
from mvc.store.cache.layout import cannot_write, move_aside, prepare
from mvc.store.packs.index import Record
from mvc.store.packs.pack_set import MANY_PACKS, SUFFIXES
from mvc.store.packs.pack_writer import PackWriter

SMALL_PACK = 64 << 20
"""A pack below this many bytes may be compacted with others."""


def rewrite(cache: Cache, pack: str, without: AbstractSet[bytes], to: Literal["trash", "quarantine"]) -> None:
    """Replace a pack by one without the objects `without`; the old one moves to `to`."""
    since = cache.packs.written(pack)
    with _pack_writer(cache) as writer:
        for record in cache.packs.records(pack):
            if record.blake3 not in without and (body := cache.packs.body(pack, record)) is not None:
                writer.add(_true_digest(record, body), body)
    _replace(cache, [pack], writer.published, since, to)


def _true_digest(record: Record, body: bytes) -> Digest:
    """Return the digest of `body`; that in `record` when it is damaged, so that `verify` finds it."""
    digest = hash_bytes(body)
    return digest if bytes.fromhex(digest.blake3) == record.blake3 else record.digest


def compact(cache: Cache, above: int = MANY_PACKS) -> None:
    """Merge the small packs into one, once there are more than `above` of them."""
    cache.packs.refresh()
    small = [name for name in cache.packs.names() if _is_small(f"{cache.packs.folder}/{name}.pack")]
    if len(small) <= above:
        return
    since = max(map(cache.packs.written, small))
    with _pack_writer(cache) as writer:
        merged = [name for name in sorted(small) if _merge(cache, name, writer)]
    _replace(cache, merged, writer.published, since, "trash")


def _is_small(path: str) -> bool:
    try:
        return os.stat(path).st_size < SMALL_PACK
    except FileNotFoundError:
        return False


def _merge(cache: Cache, pack: str, writer: PackWriter) -> bool:
    """Copy a pack's objects; False when one is damaged: `verify` will find that pack."""
    try:
        bodies = [(record, cache.packs.read(pack, record)) for record in cache.packs.index(pack).records()]
    except (CorruptObject, MissingObject):
        return False
    if any(blake3(body).digest() != record.blake3 for record, body in bodies):
        return False
    for record, body in bodies:
        writer.add(record.digest, body)
    return True


@contextmanager
def _pack_writer(cache: Cache) -> Iterator[PackWriter]:
    """Write packs into the cache; remove them on an error."""
    prepare(cache.root)
    with cache.scratch() as scratch:
        writer = PackWriter(cache.packs.folder, scratch, durable_names=cache.durable_names)
        try:
            yield writer
            _publish(cache, writer)
        finally:
            writer.abandon()
    cache.packs.refresh()


def _publish(cache: Cache, writer: PackWriter) -> None:
    try:
        writer.publish()
    except OSError as error:
        raise cannot_write(cache.root, error) from None


def _replace(
    cache: Cache, old: Iterable[str], new: AbstractSet[str], since: float, to: Literal["trash", "quarantine"],
) -> None:
    """Retire packs whose objects are in the new ones; those inherit their age."""
    for pack in new:
        with suppress(FileNotFoundError, PermissionError):
            os.utime(f"{cache.packs.folder}/{pack}.pack", (since, since))
    for pack in old:
        if pack in new:  # same bodies, same order: only its index was wrong
            cache.packs.forget(pack)
            continue
        for suffix in SUFFIXES:
            with suppress(FileNotFoundError):
                move_aside(cache.root, f"{cache.packs.folder}/{pack}.{suffix}", to, f"{pack}.{suffix}")
        cache.packs.refresh()
