"""What `git rm` and `git mv` of a pointer leave: content, and its line in `.gitignore`, which hides it from Git."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from typing import NamedTuple

from mvc.errors import MvcError
from mvc.project import Project
from mvc.scm.index import index_paths, tracked_ignore_files
from mvc.workspace import gitignore
from mvc.workspace.ignore import in_workspace, not_excluded
from mvc.workspace.tracked import Tracked, folders_above, holder_of


class Leftover(NamedTuple):
    """A path whose pointer is gone, and whose line in `.gitignore` is not."""

    path: str
    there: bool
    """Whether the workspace still has content there."""
    fix: str
    """The command to type."""


def find_leftovers(project: Project, tracked: dict[str, Tracked]) -> list[Leftover]:
    """Return what is left of paths that are no longer `tracked`, by the lines that mvc wrote into `.gitignore`."""
    found = []
    for file in tracked_ignore_files(project.git):
        raw = b""
        with suppress(MvcError, OSError):  # a file that cannot be read says nothing
            raw = project.tree.read(file, gitignore.MAX_BYTES) or b""
        folder = file.rpartition("/")[0]
        names = gitignore.names(raw.decode("utf-8", "surrogateescape"))
        found += [path for name in names if (path := f"{folder}/{name}" if folder else name) not in tracked]
    return [_leftover(project, path) for path in sorted(untracked(project, tracked, found))] if found else []


def _leftover(project: Project, path: str) -> Leftover:
    return Leftover(path, os.path.lexists(f"{project.root}/{path}"), project.shell.line("mvc checkout", path))


def untracked(project: Project, tracked: dict[str, Tracked], paths: Iterable[str]) -> list[str]:
    """Return which of `paths` are tracked neither by Git nor by mvc, alone or as part of a directory."""
    index, above, rules = index_paths(project.git), folders_above(tracked), in_workspace(project.tree)
    free = (path for path in paths if path not in tracked and path not in above and not holder_of(tracked, path))
    return [path for path in free if not not_excluded(rules, path, index.at_or_below(path))]
