"""Whether all parts of a model are tracked with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mvc.quality.finding import Finding
from mvc.quality.judge import fixes
from mvc.quality.judge.facts import Parts
from mvc.quality.reports.report import Report
from mvc.quality.words import clipped


def judge_parts(path: str, parts: Parts, report: Report | None, *, has_report: bool) -> Iterator[Finding]:
    """Yield MVC313 for parts that do not fit together, MVC314 for those that neither pointer nor report names.

    `report` is that of the pointer's content; there may be another one.
    """
    for problem in parts.problems:
        yield Finding.of("MVC313", path, problem, fixes.completed(path))
    for problem in parts.outside:
        yield Finding.of("MVC313", path, problem, fixes.saved_beside())
    known = {used.path for used in report.together} if report else set()
    if lost := {place: tracked for place, tracked in parts.apart if not _is_named(place, known)}:
        first, *rest = lost
        more = f" and {len(rest):,} more files" if rest else ""
        message = f"it has weights in {clipped(first)}{more}, tracked neither with it nor in `with` of its report"
        yield Finding.of("MVC314", path, message, fixes.in_one_directory(path, lost, has_report=has_report))


def _is_named(path: str, known: Iterable[str]) -> bool:
    """Whether a path, or a directory above it, is known."""
    return any(path == name or path.startswith(f"{name}/") for name in known)
