"""The files of the workspace that commands are given: what they read, and where they write."""

from __future__ import annotations

import os

from mvc.errors import UsageError
from mvc.project import Project


def check_rows(project: Project, path: str, option: str) -> None:
    """Check that there is a file of rows at `path`, from the top of the worktree; `option` says how to name another.

    Raises:
        UsageError: there is none.
    """
    if not os.path.isfile(full := f"{project.root}/{path}"):
        problem = "is a directory, expected a file of rows" if os.path.isdir(full) else "does not exist"
        raise UsageError(f"{project.shell.show(path)} {problem}", option)


def check_folder(project: Project, path: str) -> None:
    """Check that a file can be made at `path`, from the top of the worktree.

    Raises:
        UsageError: its directory does not exist.
    """
    folder = os.path.dirname(path)
    if not os.path.isdir(f"{project.root}/{folder}"):
        raise UsageError(f"{project.shell.show(folder)} does not exist", project.shell.line("mkdir -p --", folder))
