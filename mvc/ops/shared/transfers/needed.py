"""The objects that selected pointers need, by the manifests in the cache."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from typing import NamedTuple

from mvc.errors import InvalidFormat
from mvc.objects.digest import Digest
from mvc.objects.digest_table import DigestTable
from mvc.ops.shared.selection import broken_manifest
from mvc.ops.shared.transfers.results import TransferFailure
from mvc.project import Project
from mvc.retention.available import needed_parts
from mvc.store.cache.cache import Cache
from mvc.workspace.tracked import Selection


class NeededObjects(NamedTuple):
    """The objects by name, and the paths whose objects are unknown."""

    objects: DigestTable
    failed: tuple[TransferFailure, ...] = ()


def needed(project: Project, selections: Iterable[Selection]) -> NeededObjects:
    """Return the objects that the selections need; an invalid manifest does not stop the others."""
    objects = DigestTable()
    failed: list[TransferFailure] = []
    read: set[str] = set()
    for selection in selections:
        try:
            objects.add(digest for _, digest in _objects_of(project.cache, selection, read))
        except InvalidFormat as error:
            path = selection.item.path
            failed.append(TransferFailure.of(path, broken_manifest(project.shell, path, error)))
    return NeededObjects(objects, tuple(failed))


def users_of(cache: Cache, selections: Iterable[Selection], names: Collection[str]) -> dict[str, str]:
    """Return the first path that needs each of these objects."""
    found: dict[str, str] = {}
    read: set[str] = set()
    for selection in selections if names else ():
        with suppress(InvalidFormat):
            for path, digest in _objects_of(cache, selection, read):
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
    """Yield the objects that the selection needs, with the path that needs it, but for shards that were `read`."""
    path, pointer = selection.item.path, selection.item.pointer
    for part in needed_parts(cache, pointer) if pointer else ():
        if part.shard and not selection.inside:
            if part.shard in read:
                continue
            read.add(part.shard)
        for label, digest in part.objects():
            if not label or selection.covers(label):
                yield f"{path}/{label}" if label else path, digest
