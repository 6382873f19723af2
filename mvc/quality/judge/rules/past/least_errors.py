"""The least standard error that is known of a metric, so that evaluating a model again cannot widen a tolerance."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from mvc.quality.judge.facts import Past
from mvc.quality.judge.rules.figures import ModelReport
from mvc.quality.judge.rules.past import references
from mvc.quality.judge.rules.past.pairing import Measured, comparable, measured
from mvc.quality.reports.binding import digests


def with_least_errors(found: references.Reference, least: Mapping[object, float]) -> ModelReport:
    """Return an earlier report, with its standard errors lowered to the least that are known."""
    report = ModelReport(found.version.path, found.report)
    if not least:
        return report
    metrics = [
        item.metric if item.metric.stderr is None
        else replace(item.metric, stderr=min(least.get(key, item.metric.stderr) for key in _measurements(report, item)))
        for item in measured(report)
    ]
    return report._replace(report=replace(found.report, metrics=metrics))


def least_errors(past: Past) -> dict[object, float]:
    """Return the least standard error of each metric in all reports of the same content and data."""
    found: dict[object, float] = {}
    for reference in references.every(past):
        report = ModelReport(reference.version.path, reference.report)
        for item in measured(report):
            if item.metric.stderr is not None:
                for key in _measurements(report, item):
                    found[key] = min(item.metric.stderr, found.get(key, item.metric.stderr))
    return found


def _measurements(of: ModelReport, item: Measured) -> list[object]:
    """Return the content of the model, in each of its digests, with the metric and the data."""
    return [(digest, comparable(item)) for digest in digests(of.report.model)]
