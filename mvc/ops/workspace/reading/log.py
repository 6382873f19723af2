"""`mvc log`: a tracked path's versions."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, NamedTuple

from mvc.errors import MvcError
from mvc.objects.pointer import SUFFIX, path_of
from mvc.ops.shared.reports import MetricChange, matching_report, metric_changes, metric_values
from mvc.ops.shared.selection import TRACKED, adding_line
from mvc.project import Project
from mvc.quality.files import SUFFIX as REPORT
from mvc.scm.file_history import FileVersion, file_history
from mvc.scm.index import commit_line
from mvc.workspace.tracked import holder_of, parsed

if TYPE_CHECKING:
    from mvc.quality.reports.report import Report


class LogEntry(NamedTuple):
    """A version; `size` in bytes of content. Tag and metrics are from its report."""

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
    """None if there is no report for this content."""
    metrics: dict[str, float] | None = None
    changes: tuple[MetricChange, ...] = ()
    """The metrics beside those of the version before that has a report; empty without one of either."""


def log(project: Project, path: str) -> tuple[LogEntry, ...]:
    """Return the versions of the tracked `path` in HEAD's history, newest first.

    Raises:
        MvcError: it was never tracked.
    """
    path = path_of(path)
    found = file_history(project.git, path + SUFFIX, path + REPORT)
    entries: list[LogEntry] = []
    before: Report | None = None
    for version in reversed(_with_pointer(found)):
        entry, report = _entry(path, version)
        changes = metric_changes(before, report) if before and report else None
        entries.append(entry._replace(changes=changes or ()))
        before = report or before
    if not entries:
        raise MvcError(f"{path} has no version in this history", _committing_line(project, path))
    return tuple(reversed(entries))


def _committing_line(project: Project, path: str) -> str:
    """Return the command line that gives a path its first version."""
    tracked = project.tracked()
    if holder := holder_of(tracked, path):
        return project.shell.line("mvc log", holder)
    if path in tracked:
        return commit_line(project.git)
    if not path or project.tree.lstat(path) is None:
        return TRACKED
    add = adding_line(project, path)
    return add if add == TRACKED else f"{add} && {commit_line(project.git)}"


def _with_pointer(versions: list[FileVersion]) -> list[FileVersion]:
    """Leave out the commits that have only a report, with no pointer before or after."""
    older = [version.content for version in versions[1:]]
    return [item for item, last in zip_longest(versions, older) if item.content or last]


def _entry(path: str, version: FileVersion) -> tuple[LogEntry, Report | None]:
    """Return a version, and its report if it is of this content."""
    info = version.info
    entry = LogEntry(version.commit, info.author, info.date, info.subject, version.tags, "deleted")
    if version.content is None:
        return entry, None
    pointer = parsed(path, version.content).pointer
    if pointer is None:
        return entry._replace(state="invalid"), None
    entry = entry._replace(
        state="tracked", description=pointer.notes.desc, kind=pointer.kind, size=pointer.total, files=pointer.files,
        blake3=pointer.digest.blake3,
    )
    report = matching_report(version.beside, pointer.digest.blake3, path)
    return (entry._replace(tag=report.tag, metrics=metric_values(report)) if report else entry), report
