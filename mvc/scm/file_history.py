"""The versions of files in a history, with commits and tags."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from mvc.scm.blobs import read_blobs
from mvc.scm.commits import CommitInfo, CommitPath, blob_at, blobs_at, commit_infos, head
from mvc.scm.incomplete import naming
from mvc.scm.plumbing import Git, missing_object, split_nul
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


class FileChange(NamedTuple):
    """A file that a commit adds, changes or renames."""

    commit: str
    path: str
    oid: str
    old_path: str = ""
    """Before a rename."""


def changes_in(git: Git, tips: Iterable[str], pattern: str) -> Iterator[FileChange]:
    """Yield the changes of files that match `pattern`, in all commits that `tips` reach, newest first.

    Raises:
        MvcError: Git cannot read the history.
    """
    commits = git.run("rev-list", "--full-history", *tips, "--", pattern)
    options = ("--root", "-m", "-r", "-M", "-l1000", "--raw", "-z", "--no-abbrev", "--no-ext-diff", "-O/dev/null")
    fields = iter(split_nul(git.run("diff-tree", "--stdin", *options, "--", pattern, stdin=commits)))
    commit = ""
    for field in fields:
        if not field.startswith(":"):
            commit = field.strip().partition(" ")[0]
            continue
        _, _, _, oid, status = field.split(" ")
        path = next(fields)
        if status[0] in "RC":
            yield FileChange(commit, next(fields), oid, path)
        elif oid.strip("0"):
            yield FileChange(commit, path, oid)
