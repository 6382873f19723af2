"""`mvc log`: a tracked path's versions."""

from __future__ import annotations

from itertools import zip_longest
from typing import NamedTuple

from mvc.errors import MvcError
from mvc.objects.pointer import SUFFIX, path_of
from mvc.ops.shared.reports import matching_report, metric_values
from mvc.project import Project
from mvc.quality.files import SUFFIX as REPORT
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
    tag: str | None = None
    """None where there is no report of these bytes."""
    metrics: dict[str, float] | None = None


def log(project: Project, path: str) -> tuple[LogEntry, ...]:
    """Return the versions of the tracked `path` in HEAD's history, the newest first.

    Raises:
        MvcError: it never was tracked.

    """
    path = path_of(path)
    found = _meant(history(project.git, path + SUFFIX, path + REPORT))
    versions = tuple(_entry(path, version) for version in found)
    if not versions:
        raise MvcError(f"{path} has no version in this history", project.shell.line("mvc add", path) + " && git commit")
    return versions


def _meant(versions: list[Version]) -> list[Version]:
    """Leave out the commits that have a report, and no pointer before or after."""
    older = [version.content for version in versions[1:]]
    return [item for item, last in zip_longest(versions, older) if item.content or last]


def _entry(path: str, version: Version) -> LogEntry:
    if version.content is None:
        return LogEntry(*version[:5], "deleted")
    pointer = parsed(path, version.content).pointer
    if pointer is None:
        return LogEntry(*version[:5], "invalid")
    entry = LogEntry(
        *version[:5], "tracked", pointer.notes.desc, pointer.kind, pointer.total, pointer.files, pointer.digest.blake3,
    )
    report = matching_report(version.beside, pointer.digest.blake3, path)
    return entry._replace(tag=report.tag, metrics=metric_values(report)) if report else entry
