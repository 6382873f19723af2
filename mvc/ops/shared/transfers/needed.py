"""The objects that selected pointers need, by the manifests in the cache."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import NamedTuple

from mvc.errors import InvalidFormat
from mvc.objects.digest import Digest
from mvc.objects.digest_table import DigestTable
from mvc.ops.shared.selection import broken_manifest
from mvc.ops.shared.transfers.results import TransferFailure
from mvc.project import Project
from mvc.retention.available import Part, listing_objects, needed_parts
from mvc.store.cache.cache import Cache
from mvc.store.cache.writer import LOOSE_AT
from mvc.workspace.tracked import Selection


class NeededObjects(NamedTuple):
    """The objects by name, and the paths whose objects are unknown."""

    objects: DigestTable
    failed: tuple[TransferFailure, ...]
    parts: dict[str, int]
    """Those of manifests, and of shards with small files only: `Part.name`, and the number of objects."""
    is_new: bool
    """Whether an object is not of a pushed part."""
    pushed: int
    """The number of objects of pushed shards, which are not in `objects`."""


def needed(
    project: Project, selections: Iterable[Selection], pushed: Mapping[str, int] = MappingProxyType({}),
) -> NeededObjects:
    """Return the objects that the selections need; an invalid manifest does not stop the others.

    The remote is known to have the small files of `pushed` shards, and to be told of `pushed` manifests.
    """
    objects, parts, read = DigestTable(), dict[str, int](), set[str]()
    failed: list[TransferFailure] = []
    is_new, known = False, 0
    project.cache.valid_manifests |= {name[1:] for name in pushed if name.startswith("+")}
    for selection in selections:
        try:
            for part in _parts(project.cache, selection, read):
                if part.files and part.name in pushed:
                    known += pushed[part.name]
                    continue
                before, digests = len(objects), [digest for _, digest in _objects(selection, part)]
                objects.add(digests)
                is_new = is_new or (part.name not in pushed and bool(digests))
                if not selection.inside and (not part.files or all(digest.size < LOOSE_AT for digest in digests)):
                    parts[part.name] = len(objects) - before
        except InvalidFormat as error:
            path = selection.item.path
            failed.append(TransferFailure.of(path, broken_manifest(project.shell, path, error)))
    parts.pop("", None)
    return NeededObjects(objects, tuple(failed), parts, is_new, known)


def users_of(cache: Cache, selections: Iterable[Selection], names: Collection[str]) -> dict[str, str]:
    """Return the first path that needs each of these objects; of an invalid manifest, at least its shards."""
    found: dict[str, str] = {}
    read: set[str] = set()
    for selection in selections if names else ():
        for path, digest in _known_objects_of(cache, selection, read):
            if digest.blake3 in names:
                found.setdefault(digest.blake3, path)
    return found


def objects_at(cache: Cache, selections: Iterable[Selection], paths: Collection[str]) -> dict[str, set[str]]:
    """Return the names of the objects that each of `paths` needs itself: a directory's manifest, a file's content."""
    found: dict[str, set[str]] = {path: set() for path in paths}
    for selection in selections if paths else ():
        with suppress(InvalidFormat):
            for path, digest in _objects_of(cache, selection, set()):
                if path in found:
                    found[path].add(digest.blake3)
    return found


def _objects_of(cache: Cache, selection: Selection, read: set[str]) -> Iterator[tuple[str, Digest]]:
    """Yield the objects that the selection needs, with the path that needs it, but for parts that were `read`."""
    for part in _parts(cache, selection, read):
        yield from _objects(selection, part)


def _known_objects_of(cache: Cache, selection: Selection, read: set[str]) -> Iterator[tuple[str, Digest]]:
    """Yield the same; of an invalid manifest, which lists no files, itself and its shards."""
    try:
        yield from _objects_of(cache, selection, read)
    except InvalidFormat:
        pointer = selection.item.pointer
        yield from ((selection.item.path, digest) for digest in (listing_objects(cache, pointer) if pointer else ()))


def _parts(cache: Cache, selection: Selection, read: set[str]) -> Iterator[Part]:
    """Yield what the selection needs, but for parts that were `read`; those of a selected part of a path always."""
    for part in needed_parts(cache, selection.item.pointer) if selection.item.pointer else ():
        if selection.inside or part.name not in read:
            yield part
        if part.name and not selection.inside:
            read.add(part.name)


def _objects(selection: Selection, part: Part) -> Iterator[tuple[str, Digest]]:
    path = selection.item.path
    for label, digest in part.objects():
        if not label or selection.covers(label):
            yield f"{path}/{label}" if label else path, digest
