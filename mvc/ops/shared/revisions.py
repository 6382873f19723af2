"""Pointers and reports in Git: at a commit, or in single blobs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from mvc.objects.pointer import MAX_BYTES, SUFFIX, path_of
from mvc.ops.shared.dvc.files import is_of_dvc
from mvc.ops.shared.dvc.imported import imported_items, read_imported
from mvc.project import Project
from mvc.quality.files import POLICY, SIGNATURES
from mvc.quality.files import SUFFIX as REPORT
from mvc.quality.policy.foreign import without_foreign
from mvc.scm.blobs import Blob, list_blobs, read_blobs, stream_blobs
from mvc.scm.commits import committed_file
from mvc.scm.incomplete import naming
from mvc.scm.plumbing import Git
from mvc.workspace.tracked import Tracked, parsed

COMPANIONS = (REPORT, REPORT + SIGNATURES)
"""Suffixes of the files that belong to a pointer: its evaluation report and that report's signatures."""


def tracked_at(project: Project, commit: str) -> dict[str, Tracked]:
    """Return every tracked path of `commit`, sorted, without files of other programs that its policy allows.

    With the paths that DVC tracked there and whose content was imported.

    Raises:
        MvcError: a pointer's blob is not in this clone.
    """
    git = project.git
    blobs = sorted(blob for blob in list_blobs(git, commit, SUFFIX) if not f"/{blob.path}".endswith(f"/{SUFFIX}"))
    items = (parsed(path_of(path), raw) for path, raw in _read(git, commit, blobs))
    found = without_foreign({item.path: item for item in items}, lambda: committed_file(git, commit, POLICY))
    if imported := read_imported(project):
        of_dvc = dict(_read(git, commit, [blob for blob in list_blobs(git, commit, "") if is_of_dvc(blob.path)]))
        found = {item.path: item for item in imported_items(project, imported, of_dvc)} | found
    return dict(sorted(found.items()))


def companions_at(git: Git, commit: str, paths: Iterable[str]) -> list[tuple[str, bytes]]:
    """Return path and content of the files that belong to the pointers of `paths` at `commit`.

    Raises:
        MvcError: a blob is not in this clone.
    """
    wanted = {path + suffix for path in paths for suffix in COMPANIONS}
    blobs = [blob for blob in list_blobs(git, commit, "") if blob.path in wanted]
    return list(_read(git, commit, blobs))


def _read(git: Git, commit: str, blobs: Sequence[Blob]) -> Iterator[tuple[str, bytes]]:
    with naming({blob.oid: f"{blob.path} of {commit[:12]}" for blob in blobs}):
        for blob, raw in zip(blobs, read_blobs(git, (blob.oid for blob in blobs)), strict=True):
            yield blob.path, raw


def pointers_in_blobs(git: Git, blobs: Sequence[tuple[str, str]]) -> list[Tracked]:
    """Return the valid pointers among `blobs` (object id and tracked path), which this clone has."""
    bodies = stream_blobs(git, (oid for oid, _ in blobs), MAX_BYTES)
    items = (parsed(path, raw) for (_, path), raw in zip(blobs, bodies, strict=True))
    return [item for item in items if item.pointer is not None]
