"""The objects that selected pointers need, by the manifests in the cache."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import NamedTuple

from mvc.errors import InvalidFormat
from mvc.objects.digest import Digest
from mvc.ops.shared.selection import broken_manifest
from mvc.ops.shared.transfers.results import TransferFailure
from mvc.project import Project
from mvc.retention.available import needed_objects
from mvc.store.cache.cache import Cache
from mvc.workspace.tracked import Selection


class NeededObject(NamedTuple):
    """An object and a path that needs it."""

    digest: Digest
    path: str


class NeededObjects(NamedTuple):
    """The objects by name, and the paths whose objects are unknown."""

    objects: dict[str, NeededObject]
    failed: tuple[TransferFailure, ...] = ()


def needed(project: Project, selections: Iterable[Selection]) -> NeededObjects:
    """Return the objects that the selections need; an invalid manifest does not stop the others."""
    found: dict[str, NeededObject] = {}
    failed: list[TransferFailure] = []
    for selection in selections:
        path = selection.item.path
        try:
            for user, digest in _objects_of(project.cache, selection):
                if digest.blake3 not in found:
                    found[digest.blake3] = NeededObject(_as_stored(project.cache, digest), user)
        except InvalidFormat as error:
            failed.append(TransferFailure.of(path, broken_manifest(project.shell, path, error)))
    return NeededObjects(found, tuple(failed))


def objects_by_path(cache: Cache, selections: Iterable[Selection]) -> dict[str, set[str]]:
    """Return the names of the objects that each path needs itself: a directory's manifest, a file's content."""
    found: dict[str, set[str]] = {}
    for selection in selections:
        with suppress(InvalidFormat):
            for path, digest in _objects_of(cache, selection):
                found.setdefault(path, set()).add(digest.blake3)
    return found


def _objects_of(cache: Cache, selection: Selection) -> Iterator[tuple[str, Digest]]:
    """Yield every object that the selection needs, with the path that needs it."""
    path, pointer = selection.item.path, selection.item.pointer
    for label, digest in needed_objects(cache, pointer) if pointer else ():
        if not label or selection.covers(label):
            yield f"{path}/{label}" if label else path, digest


def _as_stored(cache: Cache, digest: Digest) -> Digest:
    """Return the digest as the index of a pack has it: the size or xxh128 in a pointer may be wrong."""
    stored = cache.look_up(digest.blake3)
    return digest._replace(xxh128=stored.xxh128, size=stored.size) if stored and stored.pack else digest
