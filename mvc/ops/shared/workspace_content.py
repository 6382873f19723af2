"""The workspace's content at a tracked path, compared with its pointer."""

from __future__ import annotations

from mvc.errors import CorruptObject, MissingObject
from mvc.objects.pointer import Pointer
from mvc.project import Project
from mvc.retention.available import load_manifest
from mvc.store.cache.cache import Cache
from mvc.workspace.observe import Observed, ObserveOptions, observe
from mvc.workspace.read_files import hashing


def observe_path(project: Project, path: str) -> Observed:
    """Return the content at a tracked path; digests of the files read are remembered."""
    options = ObserveOptions(project.catalog.snapshot(path), hashing(project.around.progress))
    observed = observe(project.tree, path, project.links, options)
    if observed.content is not None and observed.snapshot is not None:
        project.catalog.remember(path, observed.snapshot)
    return observed


def same_content(pointer: Pointer, observed: Observed) -> bool:
    """Whether the workspace has exactly the pointer's content."""
    return (pointer.kind, pointer.digest, pointer.exec) == (observed.scan.kind, observed.digest, observed.executable)


def lacks_only_links(cache: Cache, pointer: Pointer, observed: Observed) -> bool:
    """Whether the workspace has the pointer's content but for symlinks that mvc made and that lead nowhere."""
    found = observed.scan
    if not found.unbound or found.bound().refused or found.kind != pointer.kind:
        return False
    if pointer.kind == "file":
        return True
    try:
        wanted = set(load_manifest(cache, pointer).entries)
    except (MissingObject, CorruptObject):
        return False
    absent = wanted.difference(observed.entries())
    return wanted.issuperset(observed.entries()) and {entry.path for entry in absent} == set(found.unbound)


def observed_id(observed: Observed) -> str:
    """Return the id of the workspace's content; empty when there is none. Equal content has an equal `pointer_id`."""
    if observed.digest is None:
        return ""
    return f"{observed.scan.kind}:{observed.digest.blake3}{':x' if observed.executable else ''}"


def pointer_id(pointer: Pointer) -> str:
    """Return the id of the pointer's content; notes do not count."""
    return f"{pointer.kind}:{pointer.digest.blake3}{':x' if pointer.exec else ''}"
