"""A report compared with the demands: data sets, metrics, slices."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import groupby
from typing import NamedTuple

from mvc.quality.finding import Finding, Severity
from mvc.quality.judge import report_fixes
from mvc.quality.policy.demands import ANY, Demands, Direction, GapDemand, MetricDemand, SliceDemand
from mvc.quality.policy.policy import Pinned
from mvc.quality.reports.report import Metric, Report, label
from mvc.quality.words import clipped, number, short


class ModelReport(NamedTuple):
    """A report of the model at `path`."""

    path: str
    report: Report

    def finding(self, code: str, message: str, fix: str, severity: Severity = "error") -> Finding:
        """Return a finding about it."""
        return Finding.of(code, self.path, message, fix, severity)

    def metrics_on(self, dataset: str) -> list[Metric]:
        """Return the metrics of a data set, or all metrics when `dataset` is empty."""
        return [metric for metric in self.report.metrics if dataset in ("", self.report.dataset_of(metric))]


def judge_figures(path: str, report: Report, demanded: Demands) -> Iterator[Finding]:
    """Yield findings about data sets, metrics and slices of a report that matches its model."""
    judged = ModelReport(path, report)
    for pinned in demanded.datasets:
        yield from _dataset(judged, pinned)
    found = [
        *(finding for metric in demanded.metrics for finding in _metric(judged, metric)),
        *(finding for sliced in demanded.slices for finding in _slice(judged, sliced)),
        *(finding for gap in demanded.gaps for finding in _gap(judged, gap)),
    ]
    yield from found
    if not report.metrics and demanded.report == "required" and all(item.severity != "error" for item in found):
        yield judged.finding("MVC209", "the report has no metrics", report_fixes.metric(path, report, "NAME"))


def _dataset(judged: ModelReport, pinned: Pinned) -> Iterator[Finding]:
    fix = report_fixes.missing_dataset(judged.path, judged.report, pinned)
    name = clipped(pinned.id)
    found = next((dataset for dataset in judged.report.datasets if dataset.id == pinned.id), None)
    if found is None:
        yield judged.finding("MVC207", f"the report has no data set {name}", fix)
    elif pinned.blake3 and found.blake3 != pinned.blake3:
        have, want = short(found.blake3, pinned.blake3), short(pinned.blake3, found.blake3)
        yield judged.finding("MVC208", f"data set {name} is {have}, expected {want}", fix)
    elif pinned.full and found.used is not None and found.used != found.n:
        whole = "an unknown number of" if found.n is None else f"{found.n:,}"
        message = f"{found.used:,} of {whole} examples of data set {name} were evaluated, expected all"
        yield judged.finding("MVC210", message, report_fixes.evaluated_in_full(judged.path, judged.report))


# Metrics.


def _metric(judged: ModelReport, wanted: MetricDemand) -> Iterator[Finding]:
    for dataset in wanted.datasets or ("",):
        found = [metric for metric in judged.metrics_on(dataset) if matches(wanted, metric)]
        if not found and not wanted.optional:
            name = label(Metric(wanted.name, 0, slice=dict(wanted.slice)))
            yield _missing(judged, name, dataset, wanted.severity)
        for metric in found:
            yield from _limits(judged, wanted, metric)
    if wanted.regressions and _has_no_direction(judged.report, wanted):
        message = f"neither the policy nor the report says which direction of {clipped(wanted.name)} is better"
        fix = report_fixes.direction(judged.path, judged.report, wanted.name)
        yield judged.finding("MVC204", message, fix, wanted.severity)


def _missing(judged: ModelReport, name: str, dataset: str, severity: Severity = "error") -> Finding:
    fix = report_fixes.metric(judged.path, judged.report, name, dataset)
    wanted = f"{name}@{dataset}" if dataset else name
    return judged.finding("MVC201", f"the report has no {clipped(wanted)}", fix, severity)


def matches(wanted: MetricDemand, metric: Metric) -> bool:
    """Whether name and slice of a metric are those of a demand."""
    if metric.name != wanted.name or len(metric.slice) != len(wanted.slice):
        return False
    return all(key in metric.slice and value in (ANY, metric.slice[key]) for key, value in wanted.slice)


def _limits(judged: ModelReport, wanted: MetricDemand, metric: Metric) -> Iterator[Finding]:
    fix = report_fixes.next_report(judged.path, judged.report, "once it is trained again")
    value = f"{clipped(label(metric))} is {number(metric.value)}"
    # "not >=" instead of "<": a value that does not compare, such as NaN, must not pass.
    if wanted.min is not None and not metric.value >= wanted.min:
        yield judged.finding("MVC202", f"{value}, expected at least {number(wanted.min)}", fix, wanted.severity)
    if wanted.max is not None and not metric.value <= wanted.max:
        yield judged.finding("MVC203", f"{value}, expected at most {number(wanted.max)}", fix, wanted.severity)


def _has_no_direction(report: Report, wanted: MetricDemand) -> bool:
    """Whether the report has the metric, and neither report nor policy a direction for it."""
    there = any(metric.name == wanted.name for metric in report.metrics)
    return there and (wanted.direction or reported_direction(report, wanted.name)) is None


def reported_direction(report: Report, name: str) -> Direction | None:
    """Return which direction of a metric is better according to a report; None for neither or both."""
    directions = {metric.higher_is_better for metric in report.metrics if metric.name == name} - {None}
    if len(directions) != 1:
        return None
    return "higher" if directions.pop() else "lower"


# Slices.


def _slice(judged: ModelReport, wanted: SliceDemand) -> Iterator[Finding]:
    for dataset in wanted.datasets or ("",):
        names = [metric.name for metric in judged.metrics_on(dataset) if set(metric.slice) == {wanted.key}]
        if not names or wanted.metric not in ("", *names):
            what = f"{clipped(wanted.metric or 'metric')} by {clipped(wanted.key)}"
            message = f"the report has no {what}{f' on {clipped(dataset)}' if dataset else ''}"
            yield judged.finding("MVC205", message, report_fixes.sliced(judged.path, judged.report, wanted, dataset))


def _gap(judged: ModelReport, wanted: GapDemand) -> Iterator[Finding]:
    for dataset in wanted.datasets or ("",):
        metrics = [metric for metric in judged.metrics_on(dataset) if metric.name == wanted.metric]
        if not metrics:
            yield _missing(judged, wanted.metric, dataset)
        for slices in _by_key(judged, metrics):
            yield from _spread(judged, wanted.max_gap, slices)


def _by_key(judged: ModelReport, metrics: Iterable[Metric]) -> list[list[Metric]]:
    """Return the metrics with a slice by one key, grouped by data set and key."""

    def group(metric: Metric) -> tuple[str, ...]:
        return judged.report.dataset_of(metric), *metric.slice

    single = sorted((metric for metric in metrics if len(metric.slice) == 1), key=group)
    return [list(items) for _, items in groupby(single, group)]


def _spread(judged: ModelReport, max_gap: float, slices: list[Metric]) -> Iterator[Finding]:
    low, high = (choose(slices, key=lambda metric: metric.value) for choose in (min, max))
    gap = exact(high.value) - exact(low.value)
    if not gap <= exact(max_gap):
        values = " and ".join(f"{clipped(label(metric))} {number(metric.value)}" for metric in (high, low))
        message = f"gap of {number(float(gap))} between {values}, expected at most {number(max_gap)}"
        fix = report_fixes.next_report(judged.path, judged.report, "once it is trained again")
        yield judged.finding("MVC206", message, fix)


def exact(value: float) -> Decimal:
    """Return a number as written: unlike floats, 0.93 - 0.88 is 0.05."""
    return Decimal(repr(float(value)))
