"""Whether a report in the workspace is in Git: asked before it is overwritten or deleted."""

from __future__ import annotations

from collections.abc import Iterable

from mvc.ops.shared.revisions import COMPANIONS
from mvc.project import Project
from mvc.scm.blobs import blob_ids
from mvc.scm.commits import CommitPath, blobs_at
from mvc.scm.file_history import changes_in


def uncommitted_reports(project: Project, reports: Iterable[str]) -> set[str]:
    """Return which of the `reports`, or their signatures, no commit has as they are in the workspace.

    Raises:
        MvcError: Git cannot read the history.
    """
    reports = list(reports)
    at_head = blobs_at(project.git, (CommitPath("HEAD", path) for path in reports))
    oids = blob_ids(project.git, reports)
    left = {path for path in reports if at_head.get(CommitPath("HEAD", path)) != oids[path]}
    if not left:
        return set()
    pattern = f":(top)*{COMPANIONS[0]}*"
    committed = {(item.path, item.oid) for item in changes_in(project.git, ("--all", "--reflog"), pattern)}
    return {path for path in left if (path, oids[path]) not in committed}
