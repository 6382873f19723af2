"""Verifying a whole cache, and moving damaged objects to quarantine."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import partial
from types import MappingProxyType
from typing import NamedTuple

from blake3 import blake3
from xxhash import xxh3_128_digest

from mvc.errors import CorruptObject, InvalidFormat, MissingObject
from mvc.fs.files import CREATE, READ, affordable, write_all
from mvc.fs.progress import Progress, Share
from mvc.fs.workers import Workers
from mvc.objects.digest import Digest
from mvc.objects.hashing import CORES, hash_stream, quick_stream
from mvc.store.cache.cache import Cache
from mvc.store.cache.inventory import CacheEntry, loose_objects
from mvc.store.cache.layout import move_aside
from mvc.store.cache.repack import rewrite
from mvc.store.packs.index import Record

NO_MATCH = "its bytes do not match its name"


class Damage(NamedTuple):
    """An object whose bytes do not match its name, or a pack with a damaged index, under the pack's name."""

    name: str
    reason: str
    pack: str = ""
    """The pack that holds it; empty when it is loose."""


class Scrubbed(NamedTuple):
    """The number of objects and bytes read, and the damage found."""

    objects: int
    bytes: int
    damage: tuple[Damage, ...]
    loose: Mapping[str, Digest] = MappingProxyType({})
    """The digests of sound loose objects, by name."""


class ScrubScope(NamedTuple):
    """The objects to read, and how to verify them."""

    only: frozenset[str] | None = None
    """Names of the objects to read; None for all."""
    quick: Mapping[str, str] | None = None
    """If set, a right xxh128 is enough, to detect bit rot: that of a pack's index, or these by name, in hex."""

    def covers(self, name: str) -> bool:
        return self.only is None or name in self.only

    def is_sound(self, name: str, digest: Digest) -> bool:
        """Whether content with this digest is the object."""
        known = self.quick and self.quick.get(name)  # that of a pointer may be wrong
        return digest.xxh128 == known or digest.blake3 == name


class _Checked(NamedTuple):
    size: int
    damage: Damage | None
    loose: Digest | None = None
    """The digest of a sound loose object."""


def scrub(cache: Cache, scope: ScrubScope, progress: Progress) -> Scrubbed:
    """Read and verify every object that `scope` covers. Nothing is moved."""
    damage: list[Damage] = []
    loose: dict[str, Digest] = {}
    objects = total = 0
    for checked in _check_all(cache, scope, progress):
        objects, total = objects + 1, total + checked.size
        if checked.damage is not None:
            damage.append(checked.damage)
        if checked.loose is not None:
            loose[checked.loose.blake3] = checked.loose
    return Scrubbed(objects, total, tuple(damage), loose)


def _check_all(cache: Cache, scope: ScrubScope, progress: Progress) -> Iterator[_Checked]:
    entries = [entry for entry in sorted(loose_objects(cache)) if scope.covers(entry.name)]
    progress.expect(sum(entry.size for entry in entries))
    with Workers[_Checked](affordable(CORES), progress) as workers:
        for entry in entries:
            yield from workers.do(partial(_check_loose, cache, entry, scope, workers.progress))
        yield from workers.rest()
    seen: set[str] = set()
    while cache.packs.refresh() or cache.packs.names() - seen:  # another command may compact now
        for pack in sorted(cache.packs.names() - seen):
            seen.add(pack)
            with suppress(MissingObject):
                yield from _check_pack(cache, pack, scope, progress)


def _check_loose(cache: Cache, entry: CacheEntry, scope: ScrubScope, progress: Progress) -> _Checked:
    fd = os.open(cache.loose_path(entry.name), READ)
    try:
        with Share(progress, entry.size) as share:
            digest = _digest_of(fd, entry, scope, share)
    finally:
        os.close(fd)
    sound = digest.blake3 == entry.name
    return _Checked(entry.size, None if sound else Damage(entry.name, NO_MATCH), digest if sound else None)


def _digest_of(fd: int, entry: CacheEntry, scope: ScrubScope, progress: Progress) -> Digest:
    """Return the digest of a loose object. Where its xxh128 is enough, its name counts as its blake3."""
    if known := scope.quick and scope.quick.get(entry.name):
        quick, size = quick_stream(fd, entry.size, progress)
        if quick == known:  # else the xxh128 in a pointer may be wrong
            return Digest(entry.name, quick, size)
    return hash_stream(fd, entry.size, progress)


def _check_pack(cache: Cache, pack: str, scope: ScrubScope, progress: Progress) -> Iterator[_Checked]:
    quick = scope.quick is not None
    try:
        cache.packs.index(pack)
    except CorruptObject as error:
        yield _Checked(0, Damage(pack, error.message, pack))
        quick = False  # its records must be verified
    records = [record for record in cache.packs.records(pack) if scope.covers(record.blake3.hex())]
    progress.expect(sum(record.size for record in records))
    for record in records:
        yield _Checked(record.size, _check_record(cache, pack, record, quick=quick))
        progress.advance(record.size)


def _check_record(cache: Cache, pack: str, record: Record, *, quick: bool) -> Damage | None:
    name = record.blake3.hex()
    try:
        body = cache.packs.read(pack, record)
    except (CorruptObject, InvalidFormat) as error:
        return Damage(name, error.message, pack)
    sound = xxh3_128_digest(body) == record.xxh128 if quick else blake3(body).digest() == record.blake3
    return None if sound else Damage(name, NO_MATCH, pack)


def quarantine(cache: Cache, damage: tuple[Damage, ...]) -> None:
    """Move damaged objects to quarantine.

    A pack is replaced by one without them; the old pack, and a copy of each damaged body under its object's name, go to
    quarantine.
    """
    for item in damage:
        if not item.pack and _is_still_damaged(cache, item.name):
            move_aside(cache.root, cache.loose_path(item.name), "quarantine", item.name)
    for pack in sorted({item.pack for item in damage} & cache.packs.names()):
        bad = {bytes.fromhex(item.name) for item in damage if item.pack == pack}
        for record in cache.packs.records(pack):
            if record.blake3 in bad:
                _extract(cache, pack, record)
        rewrite(cache, pack, bad, "quarantine")


def _is_still_damaged(cache: Cache, name: str) -> bool:
    """Check again: another command may have repaired it."""
    try:
        return not cache.matches(name)
    except MissingObject:
        return False


def _extract(cache: Cache, pack: str, record: Record) -> None:
    with open(f"{cache.packs.folder}/{pack}.pack", "rb") as file:
        size = os.fstat(file.fileno()).st_size  # offsets in a damaged index may be out of range
        start = min(record.offset, size)
        body = os.pread(file.fileno(), min(record.stored, size - start), start)
    target = f"{cache.root}/quarantine/{record.blake3.hex()}.{pack[:8]}"
    with suppress(FileExistsError):
        fd = os.open(target, CREATE, 0o444)
        try:
            os.fchmod(fd, 0o444)  # independent of the umask: a cache may be shared
            write_all(fd, body)
        finally:
            os.close(fd)
