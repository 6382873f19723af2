"""Which tracked paths were modified and not added, by their stat data alone: the hook names them at `git commit -a`."""

from __future__ import annotations

import os
from collections.abc import Container, Iterable
from typing import TypeAlias

from mvc.errors import MvcError
from mvc.objects.pointer import SUFFIX
from mvc.objects.visible import visible
from mvc.project import Project
from mvc.workspace.stat_index import Files

MOST_PATHS = 256
"""Paths that are looked at: those that were read last. 1,000 take 3 ms more, and a commit waits for them."""
MOST_FILES = 256
"""Files of a directory that is looked at."""
_FEW = 3
"""Paths that are named before the rest is counted."""
Times: TypeAlias = dict[str, tuple[int, int]]


def unadded_note(project: Project, pointers: Container[str]) -> str:
    """Return the note about what `unadded` finds, for a terminal; empty if there is nothing."""
    if not os.path.exists(project.catalog_path) or not (paths := unadded(project, pointers)):
        return ""
    more = f" and {len(paths) - _FEW} more" if len(paths) > _FEW else ""
    names = ", ".join(visible(project.shell.show(path)) for path in paths[:_FEW])
    return f"note: modified but not added: {names}{more}\n  try: mvc add -u  # for the next commit\n"


def unadded(project: Project, pointers: Container[str]) -> list[str]:
    """Return the paths, of those with `pointers`, whose files have other sizes or times than when they were read."""
    recent = project.catalog.recent(MOST_PATHS, MOST_FILES)
    tracked = (row for row in recent if row[0] + SUFFIX in pointers)
    return sorted(path for path, kind, known in tracked if _differs(project, path, kind, known))


def _differs(project: Project, path: str, kind: str, known: Files) -> bool:
    if kind == "dir":
        return _directory_differs(project, path, _times([known]))
    try:
        status = os.stat(f"{project.root}/{path}")
    except OSError:
        return False
    then = known.stat(0)
    return (then.size, then.mtime_ns) != (status.st_size, status.st_mtime_ns)


def _directory_differs(project: Project, path: str, then: Times) -> bool:
    from mvc.workspace.scan import scan  # noqa: PLC0415 - import time

    try:
        found = scan(project.tree, path, project.links)
    except (MvcError, OSError):
        return False
    if found.kind == "none" or found.is_bare:
        return False
    return bool(found.refused) or _times(found.groups) != then


def _times(groups: Iterable[Files]) -> Times:
    """Return size and mtime of each file; a link or `chmod` changes other stat data."""
    return {
        name: (stat_data.size, stat_data.mtime_ns)
        for files in groups for at, name in enumerate(files.paths) if (stat_data := files.stat(at))
    }
