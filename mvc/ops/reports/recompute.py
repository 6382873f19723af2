"""`mvc eval recompute`: the metrics of reports again, from their predictions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from mvc.errors import InvalidFormat
from mvc.ops.shared.evidence.recomputed import recomputed
from mvc.ops.shared.finding_lines import relative_findings
from mvc.ops.shared.reports import model_of, report_in
from mvc.ops.shared.selection import chosen
from mvc.project import Project
from mvc.quality.files import SUFFIX
from mvc.quality.finding import Finding
from mvc.quality.judge import report_fixes
from mvc.quality.judge.facts import Difference
from mvc.quality.reports.report import Report
from mvc.quality.reports.report_document import parse_report


class RecomputedReport(NamedTuple):
    """A report and its predictions."""

    path: str
    """The model."""
    predictions: str
    """Empty where the report names none."""
    metrics: int
    """Those that were computed again."""
    differences: tuple[Difference, ...]
    problem: str = ""
    """Why they could not be computed; empty when they were."""
    fix: str = ""
    """What to type; empty if nothing is wrong."""


def recompute(project: Project, paths: Iterable[str]) -> tuple[RecomputedReport, ...]:
    """Return the metrics of the reports at tracked `paths`, or of all that name predictions.

    Raises:
        UsageError: the packages of the extra `eval` are not installed.
        MvcError: a path is not tracked.
    """
    asked = [model_of(path) for path in paths]
    return tuple(_reports(project, asked, all_of_them=not asked))


def _again(project: Project, path: str, report: Report) -> str:
    """Return the line that scores the predictions once more."""
    (shown,) = relative_findings(project.shell, [Finding("", "error", path, "", report_fixes.scored(path, report))])
    return shown.fix


def _reports(project: Project, paths: list[str], *, all_of_them: bool) -> Iterator[RecomputedReport]:
    for selection in chosen(project, project.tracked(), paths):
        path = selection.item.path
        raw = report_in(project.tree, path + SUFFIX)
        try:
            report = parse_report(raw, path + SUFFIX) if raw else None
        except InvalidFormat as error:
            yield RecomputedReport(path, "", 0, (), error.message, error.fix)
            continue
        found = recomputed(project, report) if report else None
        if found and report and report.predictions:
            again = _again(project, path, report) if found.differences else found.fix
            differences, problem = found.differences, found.problem
            yield RecomputedReport(path, report.predictions.path, len(found.metrics), differences, problem, again)
        elif not all_of_them:
            problem = "its report names no predictions" if report else "it has no report"
            line = project.shell.line("mvc eval score", path)
            yield RecomputedReport(path, "", 0, (), problem, f"{line} --predictions FILE --bump patch")
