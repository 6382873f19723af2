"""History through GitPython: who committed what, when, under which tags.

GitPython is slow to import and is never given an option or URL from outside, nor the index
(mvc.scm.plumbing says why); so it is for commands in which a person reads the answer.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

from git import Commit, GitCommandError, Repo

from mvc.errors import MvcError
from mvc.scm.plumbing import Git


class Version(NamedTuple):
    """A file as one commit left it."""

    commit: str
    author: str
    date: str
    """ISO 8601, with the author's time zone."""
    subject: str
    tags: tuple[str, ...]
    content: bytes | None
    """None when the commit deleted the file."""
    beside: bytes | None = None
    """What the commit has of the other file."""


def history(git: Git, path: str, beside: str) -> list[Version]:
    """Return every version of the file `path` and the one `beside` it that HEAD's history has, the newest first.

    Both are from the top of the worktree. On an unborn branch there is none.

    Raises:
        MvcError: Git cannot walk the history.

    """
    with _environment(git.environ), Repo(git.cwd) as repo:
        if not repo.head.is_valid():
            return []
        tags = _tags(repo)
        try:
            commits = repo.iter_commits("HEAD", paths=[f":(top,literal){name}" for name in (path, beside)])
            return [_version(commit, (path, beside), tags.get(commit.hexsha, ())) for commit in commits]
        except GitCommandError as error:
            raise MvcError(f"git failed: {str(error.stderr).strip()}", "git fsck") from None


@contextmanager
def _environment(environ: Mapping[str, str]) -> Iterator[None]:
    """Let GitPython see just `environ`: it asks the process's own, where `GIT_DIR` and the like may have leaked in."""
    before = dict(os.environ)
    try:
        os.environ.clear()
        os.environ.update(environ)
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _tags(repo: Repo) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = defaultdict(list)
    for tag in repo.tags:
        try:
            found[tag.commit.hexsha].append(tag.name)
        except ValueError:  # a tag of a tree or a blob
            continue
    return {commit: tuple(sorted(names)) for commit, names in found.items()}


def _version(commit: Commit, paths: tuple[str, str], tags: tuple[str, ...]) -> Version:
    content, beside = (_content(commit, path) for path in paths)
    return Version(
        commit.hexsha,
        str(commit.author.name),
        commit.authored_datetime.isoformat(),
        str(commit.summary),
        tags,
        content,
        beside,
    )


def _content(commit: Commit, path: str) -> bytes | None:
    try:
        return bytes((commit.tree / path).data_stream.read())
    except KeyError:
        return None
