"""Whether the cache holds the content of a pointer: every file is looked up.

The presence of a manifest does not imply that of its files. The catalog records where they were all found, so that the
next check only tests whether those packs and loose objects still exist.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from mvc.errors import CorruptObject, InvalidFormat, MissingObject
from mvc.objects.digest import Digest
from mvc.objects.manifest import Manifest, decode, is_index, parse_index
from mvc.objects.pointer import Pointer
from mvc.retention.roots import MANIFESTS
from mvc.store.cache.cache import Cache

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
    return decode(cache.read(pointer.digest), cache.read)


class StoredManifest(NamedTuple):
    """A manifest in the cache, and the objects that it lists: files and shards."""

    manifest: Manifest
    parts: set[str]


def stored_manifest(cache: Cache, name: str) -> StoredManifest | None:
    """Return the manifest that the object `name` is; None for another object, or when a part of it is missing."""
    try:
        with cache.open(name) as file:
            if not file.read(len(MANIFESTS[1])).startswith(MANIFESTS):
                return None
        body = cache.read_by_name(name)
        manifest = decode(body, cache.read)
    except (MissingObject, CorruptObject, InvalidFormat):
        return None
    shards = parse_index(body) if is_index(body) else []
    return StoredManifest(
        manifest, {shard.digest.blake3 for shard in shards} | {entry.blake3 for entry in manifest.entries},
    )


def is_available(cache: Cache, catalog: Catalog, pointer: Pointer) -> bool:
    """Whether the cache has all content of the pointer now.

    Raises:
        InvalidFormat: its manifest breaks its format.
    """
    if pointer.kind == "file":
        return cache.has(pointer.digest.blake3)
    remembered = catalog.complete(pointer.digest.blake3)
    if remembered and remembered.packs <= cache.packs.names() and all(map(cache.is_loose, remembered.loose)):
        return True
    try:
        where = _find(cache, {digest.blake3 for _, digest in _objects(cache, pointer)})
    except (MissingObject, CorruptObject):
        return False
    catalog.set_complete(pointer.digest.blake3, where)
    return True


def needed_objects(cache: Cache, pointer: Pointer) -> list[tuple[str, Digest]]:
    """Return every object that the pointer needs, as far as the cache knows its manifest, with its path inside.

    The path is empty for a file, and for a directory's manifest and its shards.

    Raises:
        InvalidFormat: the manifest breaks its format.
    """
    try:
        return _objects(cache, pointer)
    except (MissingObject, CorruptObject):
        return [("", digest) for digest in listing_objects(cache, pointer)]


def known_objects(cache: Cache, pointer: Pointer) -> list[tuple[str, Digest]]:
    """Return the same; a manifest that breaks its format lists no files."""
    try:
        return needed_objects(cache, pointer)
    except InvalidFormat:
        return [("", digest) for digest in listing_objects(cache, pointer)]


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


def _objects(cache: Cache, pointer: Pointer) -> list[tuple[str, Digest]]:
    if pointer.kind == "file":
        return [("", pointer.digest)]
    files = [(entry.path, entry.digest) for entry in load_manifest(cache, pointer).entries]
    if pointer.manifest is not None:
        return files
    return [*(("", digest) for digest in listing_objects(cache, pointer)), *files]


def _find(cache: Cache, names: Iterable[str]) -> Complete:
    from mvc.workspace.catalog import Complete  # noqa: PLC0415 - SQLite takes 4 ms; the hook does without

    packs: set[str] = set()
    loose: set[str] = set()
    for name in names:
        pack = cache.packs.holder(bytes.fromhex(name))
        if pack is None and cache.is_loose(name):
            loose.add(name)
        elif pack or (cache.packs.refresh() and (pack := cache.packs.holder(bytes.fromhex(name)))):
            packs.add(pack)
        else:
            raise MissingObject(f"object {name} is not in the cache")
    return Complete(frozenset(packs), frozenset(loose))
