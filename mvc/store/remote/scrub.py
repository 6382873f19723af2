"""Verifying the objects on a remote, and rebuilding a damaged index."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import chain
from typing import NamedTuple

from xxhash import xxh3_128_hexdigest

from mvc.errors import CorruptObject, InvalidFormat, MissingObject
from mvc.fs.progress import Progress, Share
from mvc.objects.digest import Digest, check_object_name
from mvc.objects.hashing import hash_bytes, hash_reader, hash_stream
from mvc.store.buckets.bucket import PART, Changed, Item, RemoteError, Transient
from mvc.store.cache.scrub import NO_MATCH, Damage, Scrubbed, ScrubScope
from mvc.store.packs.index import MAX_INDEX, RAW, PackIndex, Record, encode_index
from mvc.store.remote.location import (
    NOTHING,
    SPAN,
    ObjectLocation,
    ObjectsByFile,
    Span,
    index_key,
    pack_key,
    pack_name,
    spans,
)
from mvc.store.remote.packs import index_bytes
from mvc.store.remote.store import RemoteStore

_AHEAD = 4
"""Parts of a large object that are read at the same time."""
_GONE = (MissingObject, Changed)
"""Errors of concurrent commands that compact packs or send an object again."""


class Proof(NamedTuple):
    """The result of reading objects on a remote."""

    sound: frozenset[str]
    damage: tuple[Damage, ...]
    """The damage of the others, unless they changed while they were read."""


def prove(
    remote: RemoteStore,
    locations: Mapping[str, ObjectLocation],
    progress: Progress,
    without: ObjectsByFile = NOTHING,
) -> Proof:
    """Read objects where `locate` found them, and the indexes of their packs; arguments as in `scrub_remote`."""
    if not locations:
        return Proof(frozenset(), ())
    found = scrub_remote(remote, ScrubScope(frozenset(locations)), progress, without).damage
    damaged_packs = {item.pack: item.reason for item in found if item.name == item.pack}
    packs = {name: pack_name(location.item.key) for name, location in locations.items() if location.record}
    damage = [item for item in found if item.name in locations]
    damage += [Damage(name, damaged_packs[pack], pack) for name, pack in packs.items() if pack in damaged_packs]
    remote.forget()
    now = remote.locate(locations, without)
    same = {name for name, location in locations.items() if now.get(name) == location}
    return Proof(frozenset(same - {item.name for item in damage}), tuple(damage))


def scrub_remote(
    remote: RemoteStore, scope: ScrubScope, progress: Progress, without: ObjectsByFile = NOTHING,
) -> Scrubbed:
    """Read and verify every object that `scope` covers, and the index of every pack.

    Missing objects are not damage; in `scope.only`, `without` counts as missing.
    """
    damage = list(damaged_indexes(remote))
    objects = total = 0
    found = remote.objects() if scope.only is None else remote.locate(scope.only, without).items()
    loose: list[tuple[str, Item]] = []
    packed: list[tuple[str, ObjectLocation]] = []
    for name, location in found:
        if location.record is None:
            loose.append((name, location.item))
        elif location.fits:
            packed.append((name, location))
        else:
            damage.append(Damage(name, "its pack is cut short, or its index wrong", pack_name(location.item.key)))
        objects, total = objects + 1, total + location.size
    progress.expect(sum(location.size for _, location in packed) + sum(item.size for _, item in loose))
    damage += _check_packed(remote, packed, scope, progress)
    damage += _check_loose(remote, loose, scope, progress)
    return Scrubbed(objects, total, tuple(damage))


def damaged_indexes(remote: RemoteStore) -> Iterator[Damage]:
    """Yield the packs whose index is damaged on the remote; the local copy is not used."""
    def check(item: Item) -> Damage | None:
        name = pack_name(item.key)
        try:
            PackIndex(index_bytes(remote.bucket, item), item.key)
        except (CorruptObject, InvalidFormat):
            return Damage(name, "the index of the pack of this name is damaged: what it holds is unknown", name)
        except _GONE:
            return None
        return None

    items = [item for item in remote.bucket.list("packs/") if _is_index(item.key)]
    yield from filter(None, remote.run(check, items, 1 << 20))


def _is_index(key: str) -> bool:
    with suppress(InvalidFormat):
        return key == index_key(check_object_name(pack_name(key)))
    return False


# Repair.


def rebuild_index(remote: RemoteStore, pack: str) -> None:
    """Rewrite a pack's damaged index from the records that match the pack."""
    bodies, index = remote.bucket.head(pack_key(pack)), remote.bucket.head(index_key(pack))
    if bodies is None or index is None:
        return
    data = remote.bucket.read(index, 0, index.size) if index.size <= MAX_INDEX else b""
    records = [record.pack() for record in PackIndex(data, damaged=True).records() if _is_true(remote, bodies, record)]
    remote.bucket.write(index.key, encode_index(records, bytes.fromhex(pack)))


def _is_true(remote: RemoteStore, bodies: Item, record: Record) -> bool:
    end = record.offset + record.stored
    fits = record.codec == RAW and record.size == record.stored and ObjectLocation(bodies, record).fits
    return fits and hash_bytes(remote.bucket.read(bodies, record.offset, end)) == record.digest


# Packs.


def _check_packed(
    remote: RemoteStore,
    packed: Sequence[tuple[str, ObjectLocation]],
    scope: ScrubScope,
    progress: Progress,
) -> Iterator[Damage]:
    def check(span: Span) -> list[Damage]:
        objects = [packed[number] for number in span.objects]
        with Share(progress, sum(location.size for _, location in objects)):
            try:
                data = remote.bucket.read(span.item, span.start, span.end)
            except _GONE:
                return []
        return [
            Damage(name, NO_MATCH, pack_name(span.item.key))
            for name, location in objects
            if not _is_sound(span.body(data, location), name, scope)
        ]

    by_pack: dict[Item, list[tuple[int, int, int]]] = {}
    for number, (_, location) in enumerate(packed):
        by_pack.setdefault(location.item, []).append((location.start, location.size, number))
    ranges = [span for item, extents in by_pack.items() for span in spans(item, extents)]
    for found in remote.run(check, ranges, SPAN):
        yield from found


def _is_sound(body: bytes, name: str, scope: ScrubScope) -> bool:
    if (known := (scope.quick or {}).get(name)) and xxh3_128_hexdigest(body) == known:
        return True
    return hash_bytes(body).blake3 == name  # the xxh128 in a pointer may be wrong


# Large objects.


def _check_loose(
    remote: RemoteStore, loose: Iterable[tuple[str, Item]], scope: ScrubScope, progress: Progress,
) -> Iterator[Damage]:
    """Read small objects several at a time, large ones one after the other in parts."""
    def check(pair: tuple[str, Item]) -> Damage | None:
        name, item = pair
        try:
            with Share(progress, item.size) as share:
                if item.size > PART:
                    sound = scope.is_sound(name, _hashed(remote, item, share))
                else:
                    sound = _is_sound(remote.bucket.read(item, 0, item.size, share), name, scope)
        except _GONE:
            return None
        except Transient:
            raise
        except RemoteError as error:  # an object that cannot be read is damaged
            return Damage(name, error.message)
        return None if sound else Damage(name, NO_MATCH)

    loose = [*loose]
    found = remote.run(check, [pair for pair in loose if pair[1].size <= PART], PART)
    yield from filter(None, chain(found, (check(pair) for pair in loose if pair[1].size > PART)))


def _hashed(remote: RemoteStore, item: Item, progress: Progress) -> Digest:
    fd = remote.bucket.open_local(item)
    if fd is None:
        return hash_reader(_reader(remote, item, progress), item.size)
    try:
        return hash_stream(fd, item.size, progress)
    finally:
        os.close(fd)


def _reader(remote: RemoteStore, item: Item, progress: Progress) -> Callable[[memoryview], int]:
    """Return a function that fills buffers with the bytes of `item`, in order."""
    parts = _parts(remote, item, progress)
    ready = memoryview(b"")

    def read(buffer: memoryview) -> int:
        nonlocal ready
        ready = ready or memoryview(next(parts, b""))
        count = min(len(buffer), len(ready))
        buffer[:count] = ready[:count]
        ready = ready[count:]
        return count

    return read


def _parts(remote: RemoteStore, item: Item, progress: Progress) -> Iterator[bytes]:
    """Yield the bytes of `item`, several parts read at the same time."""
    starts = range(0, item.size, PART)
    for first in range(0, len(starts), _AHEAD):
        yield from remote.run(
            lambda start: remote.bucket.read(item, start, min(start + PART, item.size), progress),
            starts[first : first + _AHEAD],
            PART,
        )
