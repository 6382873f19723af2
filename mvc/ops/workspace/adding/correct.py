"""Correcting a pointer that disagrees with the objects that it names, from the objects in the cache."""

from __future__ import annotations

from mvc.errors import CorruptObject, InvalidFormat, MissingObject
from mvc.objects.digest import Digest
from mvc.objects.manifest import Entry, decode
from mvc.objects.pointer import Pointer
from mvc.ops.shared.workspace_content import pointer_id
from mvc.project import Project
from mvc.retention.available import availability
from mvc.store.cache.cache import Cache
from mvc.workspace.tracked import Tracked


def corrected_file(project: Project, item: Tracked) -> Digest | None:
    """Return the digest that a file's pointer should have, if the workspace cannot tell it; None if it is right.

    The workspace cannot tell if the file is missing, or the pointer was updated since they last agreed.
    """
    pointer = item.pointer
    if pointer is None or item.condition or pointer.kind != "file":
        return None
    there = project.tree.lstat(item.path) is not None
    if there and (project.catalog.synced(item.path) in ("", pointer_id(pointer)) or not _mismatch(project, pointer)):
        return None
    digest = _digest_of(project.cache, pointer.digest, read=not there)
    return digest if digest != pointer.digest else None


def corrected_files(project: Project, item: Tracked) -> list[Entry] | None:
    """Return the files that a directory's pointer should list; None if it is right."""
    pointer = item.pointer
    if pointer is None or item.condition or pointer.kind != "dir":
        return None
    there = project.tree.lstat(item.path) is not None
    if there and not _mismatch(project, pointer):
        return None
    try:
        before = _files(project.cache, pointer)
    except (MissingObject, CorruptObject, InvalidFormat):
        return None
    files = [entry._replace(**_digest_of(project.cache, entry.digest, read=not there)._asdict()) for entry in before]
    return files if files != before or _mismatch(project, pointer) else None


def _mismatch(project: Project, pointer: Pointer) -> str:
    try:
        return availability(project.cache, project.catalog, pointer).mismatch
    except InvalidFormat:
        return ""


def _files(cache: Cache, pointer: Pointer) -> list[Entry]:
    if pointer.manifest is not None:
        return list(pointer.manifest.entries)
    return list(decode(cache.read_by_name(pointer.digest.blake3), cache.read).entries)


def _digest_of(cache: Cache, digest: Digest, *, read: bool) -> Digest:
    """Return the digest of an object in the cache; `digest` if it is not there, or damaged.

    A large object is read if its size differs, or if `read` is set.
    """
    stored = cache.look_up(digest.blake3)
    if stored is None:
        return digest
    if stored.pack:
        return digest._replace(xxh128=stored.xxh128, size=stored.size)
    found = cache.digest_of(digest.blake3) if read or stored.size != digest.size else digest
    return found if found.blake3 == digest.blake3 else digest
