"""`mvc ls`: what is tracked at a revision, or in the workspace."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from mvc.errors import MvcError
from mvc.modelfiles.signature import Signature
from mvc.objects.pointer import Pointer, file_pointer
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
    signature: Signature | None = None
    """None if it was not asked for."""


class Listing(NamedTuple):
    """What is tracked, and what could not be read."""

    revision: str
    """The commit; empty for the workspace."""
    items: tuple[Listed, ...]
    failed: tuple[Failure, ...] = ()


def ls(project: Project, reference: str = "", *, recursive: bool = False, signatures: bool = False) -> Listing:
    """Return what is tracked at `reference`: a path, `REV:path`, or a revision; with what models take and return.

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
            for item, pointer in _list(project, selection, revision, recursive=recursive):
                items.append(_with_signature(project, item, pointer) if signatures else item)
    return Listing(commit, tuple(items), tuple(failed))


def _with_signature(project: Project, item: Listed, pointer: Pointer) -> Listed:
    from mvc.ops.shared.content.signatures import signature_of  # noqa: PLC0415 - import time

    return item._replace(signature=signature_of(project, pointer))


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


def _list(
    project: Project, selection: Selection, revision: str, *, recursive: bool,
) -> list[tuple[Listed, Pointer]]:
    item = selection.item
    if item.pointer is None:
        raise unusable(project, item, revision)
    pointer = item.pointer
    if pointer.kind == "dir" and (recursive or selection.inside):
        with manifest_errors(project.shell, item.path):
            entries = load_manifest(project.cache, pointer).entries
        return [
            (
                Listed(f"{item.path}/{entry.path}", "file", entry.size, 1, entry.blake3, entry.exec),
                file_pointer(entry.digest),
            )
            for entry in entries
            if selection.covers(entry.path)
        ]
    listed = Listed(item.path, pointer.kind, pointer.total, pointer.files, pointer.digest.blake3, pointer.exec)
    return [(listed, pointer)]
