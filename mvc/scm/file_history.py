"""The versions of a file in HEAD's history, with commits and tags."""

from __future__ import annotations

from typing import NamedTuple

from mvc.scm.blobs import read_blobs
from mvc.scm.commits import CommitInfo, CommitPath, blob_at, blobs_at, commit_infos, head
from mvc.scm.incomplete import missing_object, naming
from mvc.scm.plumbing import Git
from mvc.scm.refs import tags_by_commit


class FileVersion(NamedTuple):
    """A file, and another one beside it, after a commit."""

    commit: str
    info: CommitInfo
    tags: tuple[str, ...]
    content: bytes | None
    """None when the commit deleted the file."""
    beside: bytes | None
    """The content of the other file; None when the commit has none."""


def file_history(git: Git, path: str, beside: str) -> list[FileVersion]:
    """Return the versions that HEAD's history has of the file `path` and the file `beside` it, newest first.

    Both paths are relative to the top of the worktree. An unborn branch has no versions.

    Raises:
        MvcError: Git cannot read the history.
    """
    if head(git) is None:
        return []
    commits = git.run("rev-list", "HEAD", "--", *(f":(top,literal){name}" for name in (path, beside))).decode().split()
    infos, tags = commit_infos(git, commits), tags_by_commit(git)
    blobs = blobs_at(git, (CommitPath(commit, name) for commit in commits for name in (path, beside)))
    for commit in commits:  # a blob that Git lacks must not look like a deleted file
        if CommitPath(commit, path) not in blobs and (oid := blob_at(git, commit, path)):
            raise missing_object(git, oid).of(f"{path} of {commit[:12]}")
    oids = sorted(set(blobs.values()))
    with naming({oid: f"{name} of {commit[:12]}" for (commit, name), oid in blobs.items()}):
        content = dict(zip(oids, read_blobs(git, oids), strict=True))

    def read(commit: str, name: str) -> bytes | None:
        oid = blobs.get(CommitPath(commit, name))
        return None if oid is None else content[oid]

    return [
        FileVersion(commit, infos[commit], tags.get(commit, ()), read(commit, path), read(commit, beside))
        for commit in commits
    ]
