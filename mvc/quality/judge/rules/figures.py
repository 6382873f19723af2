"""What a report says, held against what is demanded of it: data sets, metrics, slices."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import groupby
from typing import NamedTuple

from mvc.quality.finding import Finding, Severity
from mvc.quality.judge import fixes
from mvc.quality.policy.demands import ANY, Demands, Direction, GapDemand, MetricDemand, SliceDemand
from mvc.quality.policy.policy import Pinned
from mvc.quality.reports.report import Metric, Report, label
from mvc.quality.words import clipped, number, short


class Evidence(NamedTuple):
    """A report of the model at `path`."""

    path: str
    report: Report

    def finding(self, code: str, message: str, fix: str, severity: Severity = "error") -> Finding:
        """Return a finding about it."""
        return Finding.of(code, self.path, message, fix, severity)

    def on(self, place: str) -> list[Metric]:
        """Return the metrics of a data set; all of them when `place` is empty."""
        return [metric for metric in self.report.metrics if place in ("", self.place(metric))]

    def place(self, metric: Metric) -> str:
        """Return the data set of a metric; a report that has just one need not say it each time."""
        datasets = self.report.datasets
        return datasets[0].id if not metric.dataset and len(datasets) == 1 else metric.dataset


def judge_figures(path: str, report: Report, demanded: Demands) -> Iterator[Finding]:
    """Yield what is wrong with data sets, metrics and slices of a report that is bound to its model."""
    evidence = Evidence(path, report)
    for pinned in demanded.datasets:
        yield from _dataset(evidence, pinned)
    for metric in demanded.metrics:
        yield from _metric(evidence, metric)
    for sliced in demanded.slices:
        yield from _slice(evidence, sliced)
    for gap in demanded.gaps:
        yield from _gap(evidence, gap)


def _dataset(evidence: Evidence, pinned: Pinned) -> Iterator[Finding]:
    fix = fixes.dataset(evidence.path, evidence.report, pinned)
    name = clipped(pinned.id)
    found = next((dataset for dataset in evidence.report.datasets if dataset.id == pinned.id), None)
    if found is None:
        yield evidence.finding("MVC207", f"the report has no data set {name}", fix)
    elif pinned.blake3 and found.blake3 != pinned.blake3:
        have, want = short(found.blake3, pinned.blake3), short(pinned.blake3, found.blake3)
        yield evidence.finding("MVC208", f"the data set {name} is {have}, the policy says {want}", fix)


# Metrics.


def _metric(evidence: Evidence, wanted: MetricDemand) -> Iterator[Finding]:
    for place in wanted.datasets or ("",):
        found = [metric for metric in evidence.on(place) if is_meant(wanted, metric)]
        if not found and not wanted.optional:
            name = label(Metric(wanted.name, 0, slice=dict(wanted.slice)))
            yield _lacking(evidence, name, place, wanted.severity)
        for metric in found:
            yield from _limits(evidence, wanted, metric)
    if wanted.regressions and _is_unclear(evidence.report, wanted):
        message = f"neither policy nor report says which way {clipped(wanted.name)} is better"
        fix = fixes.direction(evidence.path, evidence.report, wanted.name)
        yield evidence.finding("MVC204", message, fix, wanted.severity)


def _lacking(evidence: Evidence, name: str, place: str, severity: Severity = "error") -> Finding:
    fix = fixes.metric(evidence.path, evidence.report, name, place)
    wanted = f"{name}@{place}" if place else name
    return evidence.finding("MVC201", f"the report has no {clipped(wanted)}", fix, severity)


def is_meant(wanted: MetricDemand, metric: Metric) -> bool:
    """Whether a demand is about a metric, as far as name and slice tell."""
    if metric.name != wanted.name or len(metric.slice) != len(wanted.slice):
        return False
    return all(key in metric.slice and value in (ANY, metric.slice[key]) for key, value in wanted.slice)


def _limits(evidence: Evidence, wanted: MetricDemand, metric: Metric) -> Iterator[Finding]:
    fix = fixes.next_report(evidence.path, evidence.report, "once it is trained again")
    value = f"{clipped(label(metric))} is {number(metric.value)}"
    # "Not at least", where "less" would do: so whatever cannot be compared does not pass.
    if wanted.min is not None and not metric.value >= wanted.min:
        message = f"{value}, at least {number(wanted.min)} is required"
        yield evidence.finding("MVC202", message, fix, wanted.severity)
    if wanted.max is not None and not metric.value <= wanted.max:
        message = f"{value}, at most {number(wanted.max)} is allowed"
        yield evidence.finding("MVC203", message, fix, wanted.severity)


def _is_unclear(report: Report, wanted: MetricDemand) -> bool:
    """Whether the metric is there, and nobody says which way it is better."""
    there = any(metric.name == wanted.name for metric in report.metrics)
    return there and (wanted.direction or told_direction(report, wanted.name)) is None


def told_direction(report: Report, name: str) -> Direction | None:
    """Return which way a report says that a metric is better; None when it says nothing, or both."""
    said = {metric.higher_is_better for metric in report.metrics if metric.name == name} - {None}
    if len(said) != 1:
        return None
    return "higher" if said.pop() else "lower"


# Slices.


def _slice(evidence: Evidence, wanted: SliceDemand) -> Iterator[Finding]:
    for place in wanted.datasets or ("",):
        names = [metric.name for metric in evidence.on(place) if set(metric.slice) == {wanted.key}]
        if not names or wanted.metric not in ("", *names):
            what = f"{clipped(wanted.metric or 'metric')} by {clipped(wanted.key)}"
            message = f"the report has no {what}{f' on {clipped(place)}' if place else ''}"
            yield evidence.finding("MVC205", message, fixes.sliced(evidence.path, evidence.report, wanted, place))


def _gap(evidence: Evidence, wanted: GapDemand) -> Iterator[Finding]:
    for place in wanted.datasets or ("",):
        metrics = [metric for metric in evidence.on(place) if metric.name == wanted.metric]
        if not metrics:
            yield _lacking(evidence, wanted.metric, place)
        for slices in _by_key(evidence, metrics):
            yield from _spread(evidence, wanted.max_gap, slices)


def _by_key(evidence: Evidence, metrics: Iterable[Metric]) -> list[list[Metric]]:
    """Return the slices by one key, together by key and data set."""

    def group(metric: Metric) -> tuple[str, ...]:
        return evidence.place(metric), *metric.slice

    single = sorted((metric for metric in metrics if len(metric.slice) == 1), key=group)
    return [list(items) for _, items in groupby(single, group)]


def _spread(evidence: Evidence, max_gap: float, slices: list[Metric]) -> Iterator[Finding]:
    low, high = (choose(slices, key=lambda metric: metric.value) for choose in (min, max))
    gap = exact(high.value) - exact(low.value)
    if not gap <= exact(max_gap):
        told = " and ".join(f"{clipped(label(metric))} {number(metric.value)}" for metric in (high, low))
        message = f"{told} lie {number(float(gap))} apart, at most {number(max_gap)} is allowed"
        fix = fixes.next_report(evidence.path, evidence.report, "once it is trained again")
        yield evidence.finding("MVC206", message, fix)


def exact(value: float) -> Decimal:
    """Return a number as it is written: 0.93 and 0.88 lie 0.05 apart, which as floats they do not."""
    return Decimal(repr(float(value)))
