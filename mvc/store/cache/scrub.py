"""Reading a whole cache against its digests, and putting aside what is wrong."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import NamedTuple

from blake3 import blake3
from xxhash import xxh3_128_digest

from mvc.errors import CorruptObject, InvalidFormat, MissingObject
from mvc.fs.files import CREATE, READ, write_all
from mvc.objects.hashing import hash_stream
from mvc.store.cache.cache import Cache
from mvc.store.packs.index import Record


class Damage(NamedTuple):
    """An object whose bytes are not what its name says."""

    name: str
    reason: str
    pack: str = ""
    """The pack that holds it; empty when it is loose."""


class Scrubbed(NamedTuple):
    """What was read: how many objects, how many bytes, and what is wrong."""

    objects: int
    bytes: int
    damage: tuple[Damage, ...]


class _Checked(NamedTuple):
    name: str
    size: int
    damage: Damage | None


class Scope(NamedTuple):
    """What to read, and how."""

    only: frozenset[str] | None = None
    """Names of the objects to read; None for all."""
    quick: Mapping[str, str] = {}
    """Names and xxh128, in hex: those objects are held against that alone, enough to see rot."""

    def covers(self, name: str) -> bool:
        """Whether the object is to be read."""
        return self.only is None or name in self.only


def scrub(cache: Cache, scope: Scope, advance: Callable[[int], None]) -> Scrubbed:
    """Read every object that `scope` covers and hold it against its name. Nothing is moved.

    `advance` is told the bytes read.
    """
    damage: list[Damage] = []
    objects = total = 0
    for checked in _check_all(cache, scope):
        objects, total = objects + 1, total + checked.size
        advance(checked.size)
        if checked.damage is not None:
            damage.append(checked.damage)
    return Scrubbed(objects, total, tuple(damage))


def _check_all(cache: Cache, scope: Scope) -> Iterator[_Checked]:
    for name, size, *_ in sorted(cache.loose()):
        if scope.covers(name):
            yield _Checked(name, size, _check_loose(cache, name, scope.quick.get(name)))
    seen: set[str] = set()
    while cache.packs.refresh() or cache.packs.names() - seen:  # others may compact meanwhile
        for pack in sorted(cache.packs.names() - seen):
            seen.add(pack)
            with suppress(MissingObject):
                yield from _check_pack(cache, pack, scope)


def _check_loose(cache: Cache, name: str, xxh128: str | None = None) -> Damage | None:
    fd = os.open(cache.loose_path(name), READ)
    try:
        digest = hash_stream(fd, os.fstat(fd).st_size)
    finally:
        os.close(fd)
    sound = digest.xxh128 == xxh128 if xxh128 else digest.blake3 == name
    return None if sound else Damage(name, "its bytes do not match its name")


def _check_pack(cache: Cache, pack: str, scope: Scope) -> Iterator[_Checked]:
    quick = bool(scope.quick)
    try:
        cache.packs.index(pack)
    except CorruptObject as error:
        yield _Checked(pack, 0, Damage(pack, error.message, pack))
        quick = False  # what its records say must be proven
    for record in cache.packs.records(pack):
        if scope.covers(record.blake3.hex()):
            yield _Checked(record.blake3.hex(), record.size, _check_record(cache, pack, record, quick=quick))


def _check_record(cache: Cache, pack: str, record: Record, *, quick: bool) -> Damage | None:
    name = record.blake3.hex()
    try:
        body = cache.packs.read(pack, record)
    except (CorruptObject, InvalidFormat) as error:
        return Damage(name, error.message, pack)
    sound = xxh3_128_digest(body) == record.xxh128 if quick else blake3(body).digest() == record.blake3
    return None if sound else Damage(name, "its bytes do not match its name", pack)


def put_aside(cache: Cache, damage: tuple[Damage, ...]) -> None:
    """Move what is damaged to quarantine.

    A pack is replaced by one without the damaged objects; the old one goes to quarantine, and
    each damaged body besides, under its object's name.
    """
    for item in damage:
        if not item.pack and _still_damaged(cache, item.name):
            cache.quarantine(item.name)
    for pack in sorted({item.pack for item in damage} & cache.packs.names()):
        bad = {bytes.fromhex(item.name) for item in damage if item.pack == pack}
        for record in cache.packs.records(pack):
            if record.blake3 in bad:
                _extract(cache, pack, record)
        cache.rewrite(pack, without=bad, to="quarantine")


def _still_damaged(cache: Cache, name: str) -> bool:
    """Between the reading and the moving another command may have repaired it."""
    try:
        return _check_loose(cache, name) is not None
    except FileNotFoundError:
        return False


def _extract(cache: Cache, pack: str, record: Record) -> None:
    with open(f"{cache.packs.folder}/{pack}.pack", "rb") as file:
        size = os.fstat(file.fileno()).st_size  # what a damaged index says may be absurd
        start = min(record.offset, size)
        body = os.pread(file.fileno(), min(record.stored, size - start), start)
    target = f"{cache.root}/quarantine/{record.blake3.hex()}.{pack[:8]}"
    with suppress(FileExistsError):
        fd = os.open(target, CREATE, 0o444)
        try:
            os.fchmod(fd, 0o444)  # whatever the umask: a cache may be shared
            write_all(fd, body)
        finally:
            os.close(fd)
