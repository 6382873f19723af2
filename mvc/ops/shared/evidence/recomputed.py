"""Metrics of reports, computed again from the predictions in the cache."""

from __future__ import annotations

from mvc.errors import MissingObject
from mvc.evaluation.extra import require
from mvc.project import Project
from mvc.quality.judge.facts import Recomputed
from mvc.quality.reports.report import Predictions, Report
from mvc.store.cache.cache import Cache


def recomputed(project: Project, report: Report) -> Recomputed | None:
    """Return the metrics of a report computed again; None where it names no predictions.

    The content is proven by its digest first.

    Raises:
        UsageError: the packages of the extra `eval` are not installed.
    """
    if report.predictions is None:
        return None
    require()
    from mvc.evaluation.recompute import recompute  # noqa: PLC0415 - takes a second

    predictions = report.predictions
    if problem := problem_of(project.cache, predictions):
        return Recomputed(problem=problem, fix=project.shell.line("mvc fetch", predictions.path))
    with project.cache.buffered(predictions.blake3) as file:
        return recompute(report, predictions, file)


def problem_of(cache: Cache, predictions: Predictions) -> str:
    """Return why the content cannot be used; empty if the cache has it."""
    try:
        if cache.matches(predictions.blake3):
            return ""
    except MissingObject:
        return f"the cache does not have the predictions {predictions.path} {predictions.blake3[:12]}…"
    return f"the predictions {predictions.path} in the cache are damaged"
