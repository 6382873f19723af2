"""Which tracked paths were modified and not added, by their stat data alone: the hook names them at `git commit -a`."""

from __future__ import annotations

import os
from array import array
from collections.abc import Container

from mvc.errors import MvcError
from mvc.fs.files import StatData
from mvc.objects.pointer import SUFFIX
from mvc.objects.visible import visible
from mvc.project import Project
from mvc.workspace.catalog import Snapshot

MOST_PATHS = 1000
"""Paths that are looked at: those that were read last. A commit must not wait for more."""
MOST_FILES = 256
"""Files of a directory that is looked at."""
_FEW = 3
"""Paths that are named before the rest is counted."""
_FIELDS = len(StatData._fields)


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
    tracked = {path: known for path, known in recent.items() if path + SUFFIX in pointers}
    return sorted(path for path, known in tracked.items() if _differs(project, path, known))


def _differs(project: Project, path: str, known: Snapshot) -> bool:
    if known.kind == "dir":
        return _directory_differs(project, path, known)
    try:
        status = os.stat(f"{project.root}/{path}")
    except OSError:
        return False
    return _times(array("q", known.stat_data)) != [(status.st_size, status.st_mtime_ns)]


def _directory_differs(project: Project, path: str, known: Snapshot) -> bool:
    from mvc.workspace.scan import scan  # noqa: PLC0415 - import time

    try:
        found = scan(project.tree, path, project.links)
    except (MvcError, OSError):
        return False
    if found.kind == "none" or found.is_bare:
        return False
    names = known.names.decode("utf-8", "surrogateescape").split("\0") if known.names else []
    then = dict(zip(names, _times(array("q", known.stat_data)), strict=True))
    return bool(found.refused) or dict(zip(found.names, _times(found.stat_data), strict=True)) != then


def _times(stat_data: array[int]) -> list[tuple[int, int]]:
    """Return size and mtime of each file; a link or `chmod` changes other stat data."""
    rows = (StatData(*stat_data[start : start + _FIELDS]) for start in range(0, len(stat_data), _FIELDS))
    return [(row.size, row.mtime_ns) for row in rows]
