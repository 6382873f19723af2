"""`mvc log`: a tracked path's versions."""

from __future__ import annotations

from typing import NamedTuple

from mvc.errors import MvcError
from mvc.objects.pointer import SUFFIX, path_of
from mvc.project import Project
from mvc.scm.repo import Version, history
from mvc.workspace.tracked import parsed


class LogEntry(NamedTuple):
    """One version; `size` in bytes of content. Tag and metrics are those of its report."""

    commit: str
    author: str
    date: str
    subject: str
    tags: tuple[str, ...]
    """Git tags of the commit."""
    state: str
    """`tracked`, `deleted`, or `invalid` when the pointer can't be read."""
    description: str = ""
    kind: str = ""
    size: int = 0
    files: int = 0
    blake3: str = ""
    tag: None = None
    metrics: None = None


def log(project: Project, path: str) -> tuple[LogEntry, ...]:
    """Return the versions of the tracked `path` in HEAD's history, the newest first.

    Raises:
        MvcError: it never was tracked.

    """
    path = path_of(path)
    versions = tuple(_entry(path, version) for version in history(project.git, path + SUFFIX))
    if not versions:
        raise MvcError(f"{path} has no version in this history", project.line("mvc add", path) + " && git commit")
    return versions


def _entry(path: str, version: Version) -> LogEntry:
    if version.content is None:
        return LogEntry(*version[:5], "deleted")
    pointer = parsed(path, version.content).pointer
    if pointer is None:
        return LogEntry(*version[:5], "invalid")
    return LogEntry(
        *version[:5], "tracked", pointer.notes.desc, pointer.kind, pointer.total, pointer.files, pointer.digest.blake3,
    )
