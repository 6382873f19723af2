"""Reading a remote against the names of its objects. Nothing on it is altered."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import NamedTuple

from mvc.errors import CorruptObject, InvalidFormat, MissingObject
from mvc.objects.digest import check_object_name
from mvc.objects.hashing import hash_bytes, hash_reader, hash_stream
from mvc.store.buckets.bucket import PART, Changed, Item, RemoteError, Transient
from mvc.store.cache.scrub import Damage, Scope, Scrubbed
from mvc.store.packs.index import MAX_INDEX, RAW, PackIndex, Record, encode_index
from mvc.store.remote.packs import index_bytes
from mvc.store.remote.store import Place, RemoteStore, Span, spans

_AHEAD = 4
"""Parts of a large object that are read at once."""
_GONE = (MissingObject, Changed)
"""Others may compact packs, or send an object again, while we read."""
_NO_MATCH = "its bytes do not match its name"


class Proof(NamedTuple):
    """What was read of certain objects on a remote."""

    sound: frozenset[str]
    damage: tuple[Damage, ...]
    """What is wrong with the others, as far as they did not change while they were read."""


def prove(remote: RemoteStore, places: Mapping[str, Place], advance: Callable[[int], None]) -> Proof:
    """Read objects where they were found, and the indexes that say so; `advance` as in `scrub_remote`."""
    if not places:
        return Proof(frozenset(), ())
    found = scrub_remote(remote, Scope(frozenset(places)), advance).damage
    unseen = {item.pack: item.reason for item in found if item.name == item.pack}
    packs = {name: _pack(place.item) for name, place in places.items() if place.record}
    damage = [item for item in found if item.name in places]
    damage += [Damage(name, unseen[pack], pack) for name, pack in packs.items() if pack in unseen]
    remote.forget()
    now = remote.locate(places)
    same = {name for name, place in places.items() if now.get(name) == place}
    return Proof(frozenset(same - {item.name for item in damage}), tuple(damage))


def scrub_remote(remote: RemoteStore, scope: Scope, advance: Callable[[int], None]) -> Scrubbed:
    """Read every object that `scope` covers and hold it against its name; every index of a pack, too.

    `advance` is told the bytes read. What is absent is not damaged.
    """
    damage = list(damaged_indexes(remote))
    objects = total = 0
    places = _all_places(remote) if scope.only is None else remote.locate(scope.only).items()
    loose: list[tuple[str, Item]] = []
    packed: list[tuple[str, Place]] = []
    for name, place in places:
        if place.record is None:
            loose.append((name, place.item))
        elif place.fits:
            packed.append((name, place))
        else:
            damage.append(Damage(name, "its pack is cut short, or its index wrong", _pack(place.item)))
        objects, total = objects + 1, total + place.size
    damage += _check_packed(remote, packed, scope, advance)
    damage += _check_loose(remote, loose, scope, advance)
    return Scrubbed(objects, total, tuple(damage))


def damaged_indexes(remote: RemoteStore) -> Iterator[Damage]:
    """Yield the packs whose index is damaged on the remote itself, whatever this clone has kept of it."""
    def check(item: Item) -> Damage | None:
        name = item.key[6:-4]
        try:
            PackIndex(index_bytes(remote.bucket, item), item.key)
        except (CorruptObject, InvalidFormat):
            return Damage(name, "the index of the pack of this name is damaged: nobody sees what it holds", name)
        except _GONE:
            return None
        return None

    items = [item for item in remote.bucket.list("packs/") if _is_index(item.key)]
    yield from filter(None, remote.run(check, items, 1 << 20))


def _is_index(key: str) -> bool:
    with suppress(InvalidFormat):
        return key.endswith(".idx") and bool(check_object_name(key[6:-4]))
    return False


def _all_places(remote: RemoteStore) -> Iterator[tuple[str, Place]]:
    """Yield every object as often as it is there."""
    yield from remote.loose()
    for item, index in remote.packs().values():
        for record in index.records():
            yield record.blake3.hex(), Place(item, record)


# Repair.


def rebuild_index(remote: RemoteStore, pack: str) -> None:
    """Write a pack's damaged index anew, from those of its records that are proven to be true."""
    bodies, index = (remote.bucket.head(f"packs/{pack}.{suffix}") for suffix in ("pack", "idx"))
    if bodies is None or index is None:
        return
    data = remote.bucket.read(index, 0, index.size) if index.size <= MAX_INDEX else b""
    told = PackIndex(data, damaged=True).records()
    records = [record for record in told if _is_true(remote, bodies, record)]
    remote.bucket.write(index.key, encode_index(records, bytes.fromhex(pack)))


def _is_true(remote: RemoteStore, bodies: Item, record: Record) -> bool:
    end = record.offset + record.stored
    fits = record.codec == RAW and record.size == record.stored and Place(bodies, record).fits
    return fits and hash_bytes(remote.bucket.read(bodies, record.offset, end)) == record.digest


# Packs.


def _check_packed(
    remote: RemoteStore, packed: Iterable[tuple[str, Place]], scope: Scope, advance: Callable[[int], None],
) -> Iterator[Damage]:
    def check(span: Span) -> list[Damage]:
        try:
            data = remote.bucket.read(span.item, span.start, span.end)
        except _GONE:
            return []
        advance(len(data))
        return [
            Damage(name, _NO_MATCH, _pack(span.item))
            for name, place in span.objects
            if not _is_sound(span.body(data, place), name, scope)
        ]

    for found in remote.run(check, list(spans(packed)), PART):
        yield from found


def _is_sound(body: bytes, name: str, scope: Scope) -> bool:
    from xxhash import xxh3_128_hexdigest  # noqa: PLC0415

    if known := scope.quick.get(name):
        return xxh3_128_hexdigest(body) == known
    return hash_bytes(body).blake3 == name


def _pack(item: Item) -> str:
    return item.key[6:-5]


# Large objects.


def _check_loose(
    remote: RemoteStore, loose: Iterable[tuple[str, Item]], scope: Scope, advance: Callable[[int], None],
) -> Iterator[Damage]:
    """Small ones at once, large ones one after the other, each in parts."""
    def check(pair: tuple[str, Item]) -> Damage | None:
        name, item = pair
        try:
            sound = _is_sound(remote.bucket.read(item, 0, item.size), name, scope)
        except _GONE:
            return None
        except RemoteError as error:
            return _unreadable(name, error)
        advance(item.size)
        return None if sound else Damage(name, _NO_MATCH)

    loose = [*loose]
    yield from filter(None, remote.run(check, [pair for pair in loose if pair[1].size <= PART], PART))
    for name, item in loose:
        if item.size > PART:
            yield from _check_large(remote, name, item, scope)
            advance(item.size)


def _check_large(remote: RemoteStore, name: str, item: Item, scope: Scope) -> Iterator[Damage]:
    try:
        if not _large_is_sound(remote, name, item, scope):
            yield Damage(name, _NO_MATCH)
    except _GONE:
        return
    except RemoteError as error:
        yield _unreadable(name, error)


def _unreadable(name: str, error: RemoteError) -> Damage:
    """One object that can't be read is damage; a remote that answers nobody is not.

    Raises:
        Transient: it is the latter.

    """
    if isinstance(error, Transient):
        raise error
    return Damage(name, error.message)


def _large_is_sound(remote: RemoteStore, name: str, item: Item, scope: Scope) -> bool:
    fd = remote.bucket.open_local(item)
    if fd is None:
        digest = hash_reader(_reader(remote, item), item.size)
    else:
        try:
            digest = hash_stream(fd, item.size)
        finally:
            os.close(fd)
    return digest.xxh128 == scope.quick[name] if name in scope.quick else digest.blake3 == name


def _reader(remote: RemoteStore, item: Item) -> Callable[[memoryview], int]:
    """Return a function that fills buffers with the bytes of `item`, in order."""
    parts = _parts(remote, item)
    ready = memoryview(b"")

    def read(buffer: memoryview) -> int:
        nonlocal ready
        ready = ready or memoryview(next(parts, b""))
        count = min(len(buffer), len(ready))
        buffer[:count] = ready[:count]
        ready = ready[count:]
        return count

    return read


def _parts(remote: RemoteStore, item: Item) -> Iterator[bytes]:
    """Yield the bytes of `item`, some parts read at once."""
    starts = range(0, item.size, PART)
    for first in range(0, len(starts), _AHEAD):
        yield from remote.run(
            lambda start: remote.bucket.read(item, start, min(start + PART, item.size)),
            starts[first : first + _AHEAD],
            PART,
        )
