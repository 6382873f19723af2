"""Where git-lfs keeps content: its store is only read; what it lacks, git-lfs itself fetches."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator

from mvc.project import Project
from mvc.scm.plumbing import Git, reason_of

_MOST = 64 << 10
"""Bytes of patterns in one command line."""


class LfsStore:
    """The store of a repository: of all its worktrees."""

    def __init__(self, project: Project) -> None:
        self._git: Git = project.git
        configured = self._git.attempt("config", "--type=path", "--get", "lfs.storage").stdout
        folder = os.fsdecode(configured).removesuffix("\n") or "lfs"
        self._objects = os.path.join(project.layout.common_dir, folder, "objects")

    def path(self, sha256: str) -> str:
        """Return where an object is, if the store has it."""
        return f"{self._objects}/{sha256[:2]}/{sha256[2:4]}/{sha256}"

    def fetch(self, paths: Iterable[str]) -> str:
        """Let git-lfs fetch the content of these paths of HEAD; return why it failed, or nothing."""
        for patterns in _batches(map(_pattern, paths)):
            done = self._git.attempt("lfs", "fetch", f"--include={','.join(patterns)}", "--exclude=")
            if b"'lfs' is not a git command" in done.stderr:
                return "git-lfs is not installed"
            if done.returncode:
                return reason_of(done.stderr) or f"exit code {done.returncode}"
        return ""


def _pattern(path: str) -> str:
    """Return a pattern of git-lfs that matches the path; a list of patterns has no way to write a comma."""
    return "/" + re.sub(r"[,*?\[\]\\!]", "?", path)


def _batches(patterns: Iterable[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    size = 0
    for pattern in patterns:
        if size > _MOST:
            yield batch
            batch, size = [], 0
        batch.append(pattern)
        size += len(os.fsencode(pattern)) + 1
    if batch:
        yield batch
