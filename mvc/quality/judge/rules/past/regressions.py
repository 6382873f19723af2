"""A report compared with earlier ones: regressions, and the rows of the gate's table.

Numbers are compared as they are written, without rounding errors. A tolerance is relative to the old value or its
standard error, so the new report cannot widen it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from mvc.quality.finding import Comparison, Finding, Severity
from mvc.quality.judge import fixes, report_fixes
from mvc.quality.judge.facts import PairedTests, Past
from mvc.quality.judge.rules.figures import ModelReport, exact, reported_direction
from mvc.quality.judge.rules.past import references
from mvc.quality.judge.rules.past.least_errors import least_errors, with_least_errors
from mvc.quality.judge.rules.past.paired import Worse, judge_paired
from mvc.quality.judge.rules.past.pairing import (
    Measured,
    Pair,
    comparable,
    measured,
    missing_slices,
    pairs,
    separated_slices,
)
from mvc.quality.policy.demands import ANY, Against, Demands, Direction, MetricDemand, Regression
from mvc.quality.policy.policy import PAIRED, Tolerance
from mvc.quality.policy.stricter import measure
from mvc.quality.reports.report import Metric, Model, Report, label
from mvc.quality.words import clipped, number, short

_OLD: dict[Against, str] = {"base": "before", "registered": "in the registered version", "best": "at best"}
_SIGNS: dict[Direction | None, str] = {"higher": "-", "lower": "+", None: "±"}
_EMPTY = Report(1, Model(""))


class _Reports(NamedTuple):
    """A report, and those that it is compared with."""

    new: ModelReport
    past: Past
    base: ModelReport | None
    registered: ModelReport | None
    history: tuple[ModelReport, ...]
    directions: dict[str, Direction | None]
    """By metric: the better direction according to the report before, never to the new one alone."""
    paired: tuple[PairedTests, ...]

    def finding(self, code: str, message: str, fix: str, severity: Severity = "error") -> Finding:
        return self.new.finding(code, message, fix, severity)

    def direction(self, wanted: MetricDemand) -> Direction | None:
        """Return which direction is better according to the policy, else to the report before."""
        return wanted.direction or self.directions.get(wanted.name)


def compare(
    path: str, report: Report, demanded: Demands, past: Past, paired: tuple[PairedTests, ...] = (),
) -> tuple[tuple[Comparison, ...], tuple[Finding, ...]]:
    """Return the metrics of a matching report next to earlier ones, and findings about them."""
    reports = _reports(ModelReport(path, report), demanded, past, paired)
    lines = [line for wanted in demanded.metrics for line in _lines(reports, wanted)]
    findings = [*_newness(reports), *_loss(reports, demanded), *_slices_of_before(reports, demanded)]
    findings += (finding for wanted in demanded.metrics for finding in _direction(reports, wanted))
    findings += (finding for _, found in lines for finding in found)
    rows = [row for row, _ in lines]
    return (*rows, *_other_rows(reports, {row.metric for row in rows})), tuple(dict.fromkeys(findings))


def with_directions(demanded: Demands, past: Past) -> Demands:
    """Return the demands, with directions of the report before where the policy has none."""
    base = references.base(past) if any(item.regressions for item in demanded.metrics) else None
    if base is None:
        return demanded
    return demanded._replace(metrics=tuple(
        item._replace(direction=item.direction or reported_direction(base.report, item.name))
        for item in demanded.metrics
    ))


def _reports(new: ModelReport, demanded: Demands, past: Past, paired: tuple[PairedTests, ...]) -> _Reports:
    asked = [regression for wanted in demanded.metrics for regression in wanted.regressions]
    against = {regression.against for regression in asked}
    base = references.base(past)
    registered = (references.registered(past) or base) if "registered" in against else None
    history = references.every(past) if "best" in against else ()
    least = least_errors(past) if any(measure(regression.tolerance)[1] == "se" for regression in asked) else {}
    return _Reports(
        new, past,
        base and with_least_errors(base, least), registered and with_least_errors(registered, least),
        tuple(with_least_errors(item, least) for item in history),
        {item.name: reported_direction(base.report, item.name) for item in demanded.metrics} if base else {}, paired,
    )


# Missing earlier reports.


def _newness(reports: _Reports) -> Iterator[Finding]:
    """Yield MVC220 for a model that never had a report."""
    if reports.base is None and not references.had_reports(reports.past):
        reason = "the model is new" if reports.past.before is None else "the version before has no report"
        fix = fixes.shown(reports.new.path)
        yield reports.finding("MVC220", f"nothing to compare with: {reason}", fix, "note")


def _loss(reports: _Reports, demanded: Demands) -> Iterator[Finding]:
    """Yield MVC222 for a model without a readable earlier report; an error where the policy demands a comparison."""
    if reports.base is None and references.had_reports(reports.past):
        asked = {item.severity for item in demanded.metrics if item.regressions or item.optional}
        asked |= {"error"} if demanded.slices or demanded.gaps else set()
        severity: Severity = "error" if "error" in asked else "warning" if asked else "note"
        message = "nothing to compare with: no earlier report is readable and matches its model"
        yield reports.finding("MVC222", message, fixes.past_of(reports.new.path), severity)


def _direction(reports: _Reports, wanted: MetricDemand) -> Iterator[Finding]:
    """Yield MVC204 where only the new report has a direction for a metric, or another one than the report before."""
    if reports.base is None or not wanted.regressions or wanted.direction:
        return
    old, new = (reported_direction(item.report, wanted.name) for item in (reports.base, reports.new))
    name = clipped(wanted.name)
    if new and not old and any(metric.name == wanted.name for metric in reports.base.report.metrics):
        message = f"neither the policy nor the report before says which direction of {name} is better"
    elif new and old and new != old:
        message = f"{new} is better for {name} according to the report, {old} according to the one before"
    else:  # `figures` reports a new report without a direction
        return
    yield reports.finding("MVC204", message, fixes.policy_direction(wanted.name), wanted.severity)


# Missing slices.


def _slices_of_before(reports: _Reports, demanded: Demands) -> Iterator[Finding]:
    """Yield MVC225 for slices of the report before that are missing, where the policy demands all slices by a key."""
    base = reports.base
    if base is None:
        return
    for wanted in _sliced(demanded, base):
        for item in missing_slices(base, reports.new, wanted):
            yield _missing(reports, item, wanted, "was measured")
    for wanted in _spread(demanded, base):
        for item in separated_slices(base, reports.new, wanted):
            yield _missing(reports, item, wanted, "was measured together with other slices")


def _missing(reports: _Reports, item: Measured, wanted: MetricDemand, what: str) -> Finding:
    name = label(item.metric)
    fix = report_fixes.metric(reports.new.path, reports.new.report, name)
    return reports.finding("MVC225", f"{clipped(name)} {what} before, and is not any more", fix, wanted.severity)


def _sliced(demanded: Demands, base: ModelReport) -> Iterator[MetricDemand]:
    """Yield the demands on all slices by a key, for metrics of the report before.

    A key that is demanded of one metric by name is demanded of all metrics that have it.
    """
    yield from (wanted for wanted in demanded.metrics if wanted.optional)
    for name, key in _sliced_metrics(base):
        asked = (item for item in demanded.slices if item.key == key)
        yield from (MetricDemand(name, ((key, ANY),), item.datasets) for item in asked)
    yield from _spread(demanded, base)


def _spread(demanded: Demands, base: ModelReport) -> Iterator[MetricDemand]:
    """Yield the demands on the gap between slices, for metrics of the report before."""
    for name, key in _sliced_metrics(base):
        yield from (MetricDemand(name, ((key, ANY),), gap.datasets) for gap in demanded.gaps if gap.metric == name)


def _sliced_metrics(base: ModelReport) -> list[tuple[str, str]]:
    """Return name and key of the metrics that are sliced by one key."""
    return sorted({(item.name, next(iter(item.slice))) for item in base.report.metrics if len(item.slice) == 1})


# Metrics, one by one.


def _lines(reports: _Reports, wanted: MetricDemand) -> Iterator[tuple[Comparison, list[Finding]]]:
    """Yield a metric's rows, one for each metric that it is compared with, and findings about each."""
    for against, demand in _by_reference(wanted):
        found = list(_pairs(reports, demand, against))
        for pair in found:
            findings = [
                *_other_data(reports, demand, pair), *_regressed(reports, demand, pair),
                *_without_stderr(reports, demand, pair), *_paired(reports, demand, pair),
            ]
            yield _row(reports, demand, pair, findings), findings
        if not found and not wanted.optional:
            missing = Measured(Metric(wanted.name, 0, slice=dict(wanted.slice)), "", "")
            rule = _rule(reports, demand)
            yield Comparison(label(missing.metric), None, None, rule, passed=False, codes=("MVC201",)), []
    if reports.base and wanted.optional:
        for item in missing_slices(reports.base, reports.new, wanted):
            value, rule = item.metric.value, _rule(reports, wanted)
            yield Comparison(label(item.metric), value, None, rule, passed=False, codes=("MVC225",)), []


def _by_reference(wanted: MetricDemand) -> Iterator[tuple[Against, MetricDemand]]:
    """Yield a demand for each version that it compares with; the first one has the limits."""
    groups: dict[Against, tuple[Regression, ...]] = {} if wanted.regressions else {"base": ()}
    for regression in wanted.regressions:
        groups[regression.against] = (*groups.get(regression.against, ()), regression)
    for against, regressions in groups.items():
        yield against, wanted._replace(regressions=regressions)
        wanted = wanted._replace(min=None, max=None)


def _pairs(reports: _Reports, wanted: MetricDemand, against: Against) -> Iterator[Pair]:
    old = reports.registered if against == "registered" else reports.base
    found = pairs(old or ModelReport(reports.new.path, _EMPTY), reports.new, wanted)
    return _with_the_best(reports, wanted, found) if against == "best" else found


def _with_the_best(reports: _Reports, wanted: MetricDemand, found: Iterable[Pair]) -> Iterator[Pair]:
    """Pair each metric with the best earlier one on the same data."""
    there: dict[object, list[Measured]] = {}
    for item in (item for report in reports.history for item in measured(report, wanted)):
        there.setdefault(comparable(item), []).append(item)
    choose = min if reports.direction(wanted) == "lower" else max
    for pair in found:
        olds = there.get(comparable(pair.new), []) if pair.new else []
        yield Pair(choose(olds, key=lambda item: item.metric.value), pair.new) if olds else pair


def _other_data(reports: _Reports, wanted: MetricDemand, pair: Pair) -> Iterator[Finding]:
    """Yield MVC224 for a metric that was measured on other data than before."""
    if pair.old is None or pair.same_data or all(item.allow_dataset_change for item in wanted.regressions):
        return
    name, old = clipped(pair.old.metric.name), pair.old
    if pair.new is None:
        message = f"{name} was measured on {_data(old)} before, and is not any more"
    else:
        message = f"{name} was measured on {_data(old, pair.new)} before, now on {_data(pair.new, old)}"
    fix = report_fixes.same_data(reports.new.path, reports.new.report, old.dataset)
    yield reports.finding("MVC224", message, fix, wanted.severity)


def _data(item: Measured, other: Measured | None = None) -> str:
    """Return the data that a metric was measured on, so that it differs from the other's."""
    name = clipped(item.dataset) or "unnamed data"
    digest = short(item.content, other.content if other else "") if item.content and item.dataset else ""
    return f"{name} {digest}".strip()


class _Step(NamedTuple):
    """A metric before and now, and the allowed regression."""

    regression: Regression
    old: Metric
    new: Metric
    worse: Fraction
    """How much worse it is than before; negative for better."""


def _steps(reports: _Reports, wanted: MetricDemand, pair: Pair) -> Iterator[_Step]:
    direction = reports.direction(wanted)
    if pair.old and pair.new and direction:
        old, new = pair.old.metric, pair.new.metric
        fall = Fraction(exact(old.value)) - Fraction(exact(new.value))
        for regression in wanted.regressions:
            if pair.same_data or regression.allow_dataset_change:
                yield _Step(regression, old, new, fall if direction == "higher" else -fall)


def _regressed(reports: _Reports, wanted: MetricDemand, pair: Pair) -> Iterator[Finding]:
    """Yield MVC221 for a metric that is worse than before by more than the tolerance."""
    for step in _steps(reports, wanted, pair):
        tolerance = _tolerance(step.regression.tolerance, step.old)
        if tolerance is not None and not step.worse <= tolerance:
            there = f"{_OLD[step.regression.against]} {number(step.old.value)}"
            allowed = _allowed(step.regression.tolerance, tolerance)
            message = (
                f"{clipped(label(step.new))} is {number(step.new.value)}, {there}: "
                f"worse by {_decimal(step.worse)}, expected at most {allowed}"
            )
            fix = report_fixes.next_report(reports.new.path, reports.new.report, "once it is trained again")
            yield reports.finding("MVC221", message, fix, wanted.severity)


def _without_stderr(reports: _Reports, wanted: MetricDemand, pair: Pair) -> Iterator[Finding]:
    """Yield MVC223 for a worse metric whose tolerance needs a standard error that the old report does not have."""
    for step in _steps(reports, wanted, pair):
        tolerance = step.regression.tolerance
        if tolerance != PAIRED and _tolerance(tolerance, step.old) is None and not step.worse <= 0:
            there = f"{_OLD[step.regression.against]} {number(step.old.value)}"
            value = f"{clipped(label(step.new))} is {number(step.new.value)}"
            message = f"{value}, {there} without stderr, which {step.regression.tolerance} needs"
            fix = report_fixes.with_stderr(reports.new.path)
            yield reports.finding("MVC223", message, fix, wanted.severity)


def _paired(reports: _Reports, wanted: MetricDemand, pair: Pair) -> Iterator[Finding]:
    for step in _steps(reports, wanted, pair):
        against = step.regression.against
        old = reports.registered if against == "registered" else reports.base
        if step.regression.tolerance == PAIRED and old and not step.worse <= 0:
            metric = Worse(step.old, step.new, _OLD[against], wanted.severity)
            yield from judge_paired(reports.new, old.report, reports.paired, metric)


def _tolerance(change: Tolerance, old: Metric) -> Fraction | None:
    """Return by how much a metric may be worse; None if a test decides, or the needed standard error is missing."""
    size, unit = measure(change)
    if unit == PAIRED:
        return None
    if unit == "%":
        return size / 100 * abs(Fraction(exact(old.value)))
    if unit == "se":
        return None if old.stderr is None else size * Fraction(exact(old.stderr))
    return size


def _allowed(change: Tolerance, tolerance: Fraction) -> str:
    return f"{change} ({_decimal(tolerance)})" if isinstance(change, str) else number(change)


def _decimal(value: Fraction) -> str:
    return number(float(Decimal(value.numerator) / Decimal(value.denominator)))


# Rows.


def _row(reports: _Reports, wanted: MetricDemand, pair: Pair, findings: Iterable[Finding]) -> Comparison:
    old, new = (item.metric if item else None for item in pair)
    codes = {finding.code for finding in findings if finding.severity != "note"}
    codes |= set(_broken(wanted, new)) if new else set()
    if wanted.regressions and old and reports.direction(wanted) is None:
        codes.add("MVC204")
    name, values = label(new or old or Metric(wanted.name, 0)), (old.value if old else None, new.value if new else None)
    return Comparison(name, *values, _rule(reports, wanted), not codes and new is not None, tuple(sorted(codes)))


def _broken(wanted: MetricDemand, metric: Metric) -> Iterator[str]:
    """Yield the codes of the limits that a metric violates; `figures` has the findings."""
    if wanted.min is not None and not metric.value >= wanted.min:
        yield "MVC202"
    if wanted.max is not None and not metric.value <= wanted.max:
        yield "MVC203"


def _rule(reports: _Reports, wanted: MetricDemand) -> str:
    """Return the limits of a metric: `≥ 0.9, -1% of base`."""
    limits = [f"{sign} {number(limit)}" for sign, limit in (("≥", wanted.min), ("≤", wanted.max)) if limit is not None]
    limits += [_allowance(regression, reports.direction(wanted)) for regression in wanted.regressions]
    return ", ".join(limits or ["required"]) + (" (warning)" if wanted.severity == "warning" else "")


def _allowance(regression: Regression, direction: Direction | None) -> str:
    change, against = regression.tolerance, regression.against
    if change == PAIRED:
        return f"no worse than {against} (paired)"
    if isinstance(change, str):
        return f"{_SIGNS[direction]}{change} of {against}"
    return f"{_SIGNS[direction]}{number(change)} from {against}" if change else f"no worse than {against}"


def _other_rows(reports: _Reports, judged: Collection[str]) -> Iterator[Comparison]:
    """Yield the metrics without a rule."""
    old = reports.base or ModelReport(reports.new.path, _EMPTY)
    for pair in pairs(old, reports.new):
        if pair.new and label(pair.new.metric) not in judged:
            before = pair.old if pair.old and (pair.same_data or pair.old.dataset == pair.new.dataset) else None
            value = before.metric.value if before else None
            yield Comparison(label(pair.new.metric), value, pair.new.metric.value, "", passed=True)
