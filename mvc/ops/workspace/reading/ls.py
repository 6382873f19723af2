"""`mvc ls`: what is tracked at a revision, or in the workspace."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from mvc.errors import MvcError
from mvc.ops.shared.failures import Failure, collecting
from mvc.ops.shared.revisions import tracked_at
from mvc.ops.shared.selection import chosen, is_path, manifest_errors, unusable
from mvc.ops.shared.versions.references import resolve, split_reference
from mvc.project import Project
from mvc.retention.available import load_manifest
from mvc.workspace.tracked import Selection, select


class Listed(NamedTuple):
    """A tracked path, or a file inside one; `size` in bytes of content."""

    path: str
    kind: str
    size: int
    files: int
    blake3: str
    exec: bool


class Listing(NamedTuple):
    """What is tracked, and what could not be read."""

    revision: str
    """The commit; empty for the workspace."""
    items: tuple[Listed, ...]
    failed: tuple[Failure, ...] = ()


def ls(project: Project, reference: str = "", *, recursive: bool = False) -> Listing:
    """Return what is tracked at `reference`: a path, `REV:path`, or a revision.

    Raises:
        UsageError: no such revision.
        MvcError: the path is not tracked there.
    """
    revision, path = _split(project, reference)
    commit = resolve(project, revision) if revision else ""
    tracked = tracked_at(project, commit) if commit else project.tracked()
    items: list[Listed] = []
    failed: list[Failure] = []
    for selection in chosen(project, tracked, [path] if path else [], revision):
        with collecting(failed, selection.item.path):
            items += _list(project, selection, revision, recursive=recursive)
    return Listing(commit, tuple(items), tuple(failed))


def _split(project: Project, reference: str) -> tuple[str, str]:
    """Return revision and path; as in Git, a path takes precedence over a revision of the same name."""
    revision, path = split_reference(project, reference, partial(is_path, project))
    if revision:
        return revision, path
    if not reference:
        return "", ""
    try:
        path = project.shell.path(reference)
        select(project.tracked(), [path])
    except MvcError:
        if reference.startswith("./") or ("/" in reference and project.tree.lstat(reference)):
            raise
        return reference, ""
    return "", path


def _list(project: Project, selection: Selection, revision: str, *, recursive: bool) -> list[Listed]:
    item = selection.item
    if item.pointer is None:
        raise unusable(project, item, revision)
    pointer = item.pointer
    if pointer.kind == "dir" and (recursive or selection.inside):
        with manifest_errors(project.shell, item.path):
            entries = load_manifest(project.cache, pointer).entries
        return [
            Listed(f"{item.path}/{entry.path}", "file", entry.size, 1, entry.blake3, entry.exec)
            for entry in entries
            if selection.covers(entry.path)
        ]
    return [Listed(item.path, pointer.kind, pointer.total, pointer.files, pointer.digest.blake3, pointer.exec)]
