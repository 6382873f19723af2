"""Whether the cache holds the content of a pointer: every file is looked up.

The presence of a manifest does not imply that of its files. The catalog records where they were all found, so that the
next check only tests whether those packs and loose objects still exist.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from mvc.errors import CorruptObject, InvalidFormat, MissingObject
from mvc.objects.digest import Digest
from mvc.objects.hashing import hash_bytes
from mvc.objects.manifest import INLINE_FILES, Entry, Manifest, Shard, decode, is_index, open_manifest, parse_index
from mvc.objects.pointer import Pointer
from mvc.retention.roots import MANIFESTS
from mvc.store.cache.cache import Cache, Stored

if TYPE_CHECKING:
    from mvc.workspace.catalog import Catalog, Complete


def load_manifest(cache: Cache, pointer: Pointer) -> Manifest:
    """Return the files of a directory's pointer.

    Raises:
        MissingObject: the manifest, or a shard of it, is not in the cache.
        CorruptObject: its bytes there are damaged.
        InvalidFormat: they break its format.
    """
    if pointer.manifest is not None:
        return pointer.manifest
    body = cache.read(pointer.digest)
    if pointer.digest.blake3 in cache.valid_manifests:
        return open_manifest(body, cache.read)
    manifest = decode(body, cache.read)
    cache.valid_manifests.add(pointer.digest.blake3)
    return manifest


def stored_manifest(cache: Cache, name: str) -> Manifest | None:
    """Return the manifest that the object `name` is; None for another object, or when a part of it is missing."""
    try:
        with cache.open(name) as file:
            if not file.read(len(MANIFESTS[1])).startswith(MANIFESTS):
                return None
        return decode(cache.read_by_name(name), cache.read)
    except (MissingObject, CorruptObject, InvalidFormat):
        return None


class Availability(NamedTuple):
    """Whether the cache has all content of a pointer, and whether the pointer agrees with it."""

    complete: bool
    mismatch: str = ""
    """The first field that disagrees with an object in the cache; empty if none does, or if it is not known."""


def is_available(cache: Cache, catalog: Catalog, pointer: Pointer) -> bool:
    """Whether the cache has all content of the pointer now.

    Raises:
        InvalidFormat: its manifest breaks its format.
    """
    return availability(cache, catalog, pointer).complete


def file_availability(cache: Cache, digest: Digest) -> Availability:
    """Return whether the cache has a file's content now."""
    name = digest.blake3
    stored = cache.look_up(name) or (cache.look_up(name) if cache.packs.refresh() else None)
    return Availability(stored is not None, _mismatch(cache, "", digest, stored))


def availability(cache: Cache, catalog: Catalog | None, pointer: Pointer) -> Availability:
    """Return whether the cache has all content of the pointer now, and agrees with it; without a catalog, look it up.

    Raises:
        InvalidFormat: its manifest breaks its format.
    """
    if pointer.kind == "file":
        return file_availability(cache, pointer.digest)
    name = _recorded_as(pointer)
    if catalog and _is_still_there(cache, catalog.complete(name)):
        cache.valid_manifests.add(pointer.digest.blake3)
        return Availability(complete=True)
    try:
        if mismatch := manifest_mismatch(cache, pointer):
            return Availability(complete=False, mismatch=mismatch)
        where, mismatch = _find_all(cache, catalog, pointer)
    except (MissingObject, CorruptObject):
        return Availability(complete=False)
    if catalog and where is not None and not mismatch:
        catalog.set_complete(name, where)
    return Availability(where is not None, mismatch)


def record_packed(cache: Cache, catalog: Catalog, pointer: Pointer, shards: Iterable[Shard]) -> None:
    """Record that packs of the cache have all files of a directory that was just added.

    To look up each file would take as long as to read the directory.
    """
    from mvc.workspace.catalog import Complete  # noqa: PLC0415 - SQLite takes 4 ms; the hook does without

    lists, _ = _find(cache, [("", digest) for digest in listing_objects(cache, pointer)])
    names = {shard.digest.blake3: catalog.complete(shard.digest.blake3) for shard in shards}
    packed = Complete(cache.packs.usable(), frozenset())
    for name in (name for name, known in names.items() if known is None):
        catalog.set_complete(name, packed)
    if lists is not None:
        catalog.set_complete(_recorded_as(pointer), _together([lists, packed, *filter(None, names.values())]))


def record_merged(cache: Cache, catalog: Catalog, sides: Iterable[Pointer], merged: Pointer) -> None:
    """Record where the files of a merged directory are, if the cache has all files of both sides.

    To look up each file would take as long as the merge.
    """
    places = [catalog.complete(_recorded_as(side)) for side in sides]
    lists, _ = _find(cache, [("", digest) for digest in listing_objects(cache, merged)])
    if lists is not None and all(_is_still_there(cache, where) for where in places):
        catalog.set_complete(_recorded_as(merged), _together([lists, *filter(None, places)]))


def _recorded_as(pointer: Pointer) -> str:
    return " ".join(map(str, (*pointer.digest, pointer.files, pointer.total)))


def _together(places: Sequence[Complete]) -> Complete:
    packs, loose = (frozenset[str]().union(*parts) for parts in zip(*places, strict=True))
    return type(places[0])(packs, loose)


def _is_still_there(cache: Cache, where: Complete | None) -> bool:
    return where is not None and where.packs <= cache.packs.usable() and all(map(cache.is_loose, where.loose))


def _find_all(cache: Cache, catalog: Catalog | None, pointer: Pointer) -> tuple[Complete | None, str]:
    """Return where the objects of a directory are, if all are there, and the first that disagrees with its digest."""
    manifest = load_manifest(cache, pointer)
    lists = [] if pointer.manifest else [("", digest) for digest in listing_objects(cache, pointer)]
    found = [_find(cache, lists)]
    found += [find_shard(cache, catalog, shard, partial(manifest.files_of, shard)) for shard in manifest.shards]
    places = [where for where, _ in found if where is not None]
    mismatch = next((text for _, text in found if text), "")
    if len(places) < len(found):
        return None, mismatch
    return _together(places), mismatch


def find_shard(
    cache: Cache, catalog: Catalog | None, shard: Shard, files: Callable[[], list[Entry]],
) -> tuple[Complete | None, str]:
    """Return where the files of a shard are, if all are there, and the first that disagrees with its digest.

    Where the files of a large one were found is remembered, and they are not looked up again.
    """
    name = shard.digest.blake3
    remembers = catalog if shard.files > INLINE_FILES else None
    if remembers and (known := remembers.complete(name)) and _is_still_there(cache, known):
        return known, ""
    where, mismatch = _find(cache, [(entry.path, entry.digest) for entry in files()])
    if remembers and where is not None and not mismatch:
        remembers.set_complete(name, where)
    return where, mismatch


def manifest_mismatch(cache: Cache, pointer: Pointer) -> str:
    """Return the field of a directory's pointer that disagrees with its manifest, if the pointer does not list files.

    Raises:
        MissingObject: the manifest is not in the cache.
        CorruptObject: it is damaged there.
        InvalidFormat: it breaks its format.
    """
    if pointer.kind == "file" or pointer.manifest is not None:
        return ""
    digest = hash_bytes(cache.read_by_name(pointer.digest.blake3))
    if mismatch := Stored("", digest.size, digest.xxh128).disagrees(pointer.digest):
        return mismatch
    manifest = load_manifest(cache, pointer)
    if pointer.files != manifest.files:
        return f"files {pointer.files:,}, but its manifest lists {manifest.files:,}"
    return "" if pointer.total == manifest.total else f"total {pointer.total:,}, but its files have {manifest.total:,}"


class Part(NamedTuple):
    """Objects that a pointer needs: those that a shard lists, or the others."""

    name: str
    """The shard; `+` and the manifest for that and its shards; empty for a file, and a pointer that lists the files."""
    files: int
    """The number of files that a shard lists; else 0."""
    objects: Callable[[], list[tuple[str, Digest]]]
    """Returns the objects with their paths inside; the path is empty without a shard."""


def needed_parts(cache: Cache, pointer: Pointer) -> Iterator[Part]:
    """Yield what the pointer needs, as far as the cache knows its manifest, which is read then.

    Raises:
        InvalidFormat: the manifest breaks its format.
    """
    if pointer.kind == "file":
        yield Part("", 0, lambda: [("", pointer.digest)])
        return
    lists = [] if pointer.manifest else [("", digest) for digest in listing_objects(cache, pointer)]
    try:
        manifest = load_manifest(cache, pointer)
        shards = () if cache.missing(digest.blake3 for _, digest in lists) else manifest.shards
    except (MissingObject, CorruptObject):
        shards = ()
    yield Part(f"+{pointer.digest.blake3}" if lists else "", 0, lambda: lists)
    for shard in shards:
        yield Part(shard.digest.blake3, shard.files, partial(_files, manifest, shard))


def needed_objects(cache: Cache, pointer: Pointer) -> Iterator[tuple[str, Digest]]:
    """Yield every object of `needed_parts`, with its path inside; the shards are read again, one at a time.

    Raises:
        InvalidFormat: the manifest breaks its format.
    """
    return chain.from_iterable(part.objects() for part in needed_parts(cache, pointer))


def known_objects(cache: Cache, pointer: Pointer) -> Iterator[tuple[str, Digest]]:
    """Yield the same; a manifest that breaks its format lists no files."""
    try:
        yield from needed_objects(cache, pointer)
    except InvalidFormat:
        yield from (("", digest) for digest in listing_objects(cache, pointer))


def listing_objects(cache: Cache, pointer: Pointer) -> list[Digest]:
    """Return the objects that list the files of a directory: its manifest and, if that is in the cache, its shards."""
    if pointer.kind == "file":
        return [pointer.digest]
    if pointer.manifest is not None:
        return []
    try:
        body = cache.read(pointer.digest)
        shards = parse_index(body) if is_index(body) else []
    except (MissingObject, CorruptObject, InvalidFormat):
        shards = []
    return [pointer.digest, *(shard.digest for shard in shards)]


def _files(manifest: Manifest, shard: Shard) -> list[tuple[str, Digest]]:
    with suppress(MissingObject, CorruptObject):  # it was damaged since the manifest was checked
        return [(entry.path, entry.digest) for entry in manifest.files_of(shard)]
    return []


def _find(cache: Cache, objects: Sequence[tuple[str, Digest]]) -> tuple[Complete | None, str]:
    """Return where these objects are, if all are there, and the first that disagrees with its digest."""
    from mvc.workspace.catalog import Complete  # noqa: PLC0415 - SQLite takes 4 ms; the hook does without

    names = {digest.blake3 for _, digest in objects}
    found = {name: stored for name in names if (stored := cache.look_up(name))}
    if len(found) < len(names) and cache.packs.refresh():
        found |= {name: stored for name in names - found.keys() if (stored := cache.look_up(name))}
    mismatches = (_mismatch(cache, label, digest, found.get(digest.blake3)) for label, digest in objects)
    packs = frozenset(stored.pack for stored in found.values()) - {""}
    where = Complete(packs, frozenset(name for name, stored in found.items() if not stored.pack))
    return where if len(found) == len(names) else None, next(filter(None, mismatches), "")


def _mismatch(cache: Cache, label: str, digest: Digest, stored: Stored | None) -> str:
    """Return how an object differs from its digest, with its path inside the directory; empty for a damaged one."""
    text = stored.disagrees(digest) if stored else ""
    if text and stored and not stored.pack and not _is_sound(cache, digest.blake3):  # the object may be cut short
        return ""
    return f"{text} ({label})" if text and label else text


def _is_sound(cache: Cache, name: str) -> bool:
    try:
        return cache.matches(name)
    except MissingObject:
        return False
