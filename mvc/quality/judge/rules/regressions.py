"""What a report says, held against what was there before: regressions, and the rows of the gate's table.

Numbers are compared as they are written, without a rounding error. A tolerance is a part of the old value, or of
its standard error: what the new report says of itself widens nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from msgspec.structs import replace

from mvc.quality.finding import Comparison, Finding, Severity
from mvc.quality.judge import fixes
from mvc.quality.judge.facts import Past
from mvc.quality.judge.rules import references
from mvc.quality.judge.rules.figures import Evidence, exact, told_direction
from mvc.quality.judge.rules.pairing import Pair, Seen, gone, kind_of, pairs, parted, seen
from mvc.quality.policy.demands import ANY, Against, Demands, Direction, MetricDemand, Regression
from mvc.quality.policy.policy import Change
from mvc.quality.policy.stricter import measure
from mvc.quality.reports.report import Metric, Model, Report, label
from mvc.quality.words import clipped, number, short

_OLD: dict[Against, str] = {"base": "before", "registered": "in the registered version", "best": "at best"}
_SIGNS: dict[Direction | None, str] = {"higher": "-", "lower": "+", None: "±"}
_NOTHING = Report(1, Model(""))


class _Case(NamedTuple):
    """A report, and those that it is held against."""

    evidence: Evidence
    past: Past
    base: Evidence | None
    registered: Evidence | None
    history: tuple[Evidence, ...]
    directions: dict[str, Direction | None]
    """By metric: which way is better, by the report before; never by the new one alone."""

    def finding(self, code: str, message: str, fix: str, severity: Severity = "error") -> Finding:
        return self.evidence.finding(code, message, fix, severity)

    def direction(self, wanted: MetricDemand) -> Direction | None:
        """Return which way is better, by the policy, else by the report before."""
        return wanted.direction or self.directions.get(wanted.name)


def compare(
    path: str, report: Report, demanded: Demands, past: Past,
) -> tuple[tuple[Comparison, ...], tuple[Finding, ...]]:
    """Return the metrics of a bound report beside those before, and what is wrong with them."""
    case = _case(path, report, demanded, past)
    lines = [line for wanted in demanded.metrics for line in _lines(case, wanted)]
    findings = [*_newness(case), *_loss(case, demanded), *_slices_of_before(case, demanded)]
    findings += (finding for wanted in demanded.metrics for finding in _direction(case, wanted))
    findings += (finding for _, found in lines for finding in found)
    rows = [row for row, _ in lines]
    return (*rows, *_other_rows(case, {row.metric for row in rows})), tuple(dict.fromkeys(findings))


def directed(demanded: Demands, past: Past) -> Demands:
    """Return what is demanded, with the directions that the report before says where the policy says none."""
    base = references.base(past) if any(item.regressions for item in demanded.metrics) else None
    if base is None:
        return demanded
    told = [item.direction or told_direction(base.report, item.name) for item in demanded.metrics]
    metrics = (item._replace(direction=way) for item, way in zip(demanded.metrics, told, strict=True))
    return demanded._replace(metrics=tuple(metrics))


def _case(path: str, report: Report, demanded: Demands, past: Past) -> _Case:
    asked = [regression for wanted in demanded.metrics for regression in wanted.regressions]
    against = {regression.against for regression in asked}
    base = references.base(past)
    registered = (references.registered(past) or base) if "registered" in against else None
    history = references.every(past) if "best" in against else ()
    least = _least_errors(past) if any(measure(regression.change)[1] == "se" for regression in asked) else {}
    return _Case(
        Evidence(path, report), past, base and _evidence(base, least), registered and _evidence(registered, least),
        tuple(_evidence(item, least) for item in history),
        {item.name: told_direction(base.report, item.name) for item in demanded.metrics} if base else {},
    )


def _evidence(found: references.Reference, least: Mapping[object, float]) -> Evidence:
    """Return a report to be held against, with no standard error above the least that is known of it."""
    evidence = Evidence(found.version.path, found.report)
    if not least:
        return evidence
    metrics = [
        item.metric if item.metric.stderr is None
        else replace(item.metric, stderr=least.get(_measured(evidence, item), item.metric.stderr))
        for item in seen(evidence)
    ]
    return evidence._replace(report=replace(found.report, metrics=metrics))


def _least_errors(past: Past) -> dict[object, float]:
    """Return the least standard error that any report of the same bytes says of a metric on the same data.

    So nobody widens a tolerance by evaluating what is there once more.
    """
    found: dict[object, float] = {}
    for reference in references.every(past):
        evidence = Evidence(reference.version.path, reference.report)
        for item in seen(evidence):
            if item.metric.stderr is not None:
                key = _measured(evidence, item)
                found[key] = min(item.metric.stderr, found.get(key, item.metric.stderr))
    return found


def _measured(evidence: Evidence, item: Seen) -> object:
    """Return what was measured on what: bytes, metric and data."""
    return evidence.report.model.blake3, _comparable(item)


# What there is to compare with.


def _newness(case: _Case) -> Iterator[Finding]:
    """Note that there is nothing to compare with, because there never was."""
    if case.base is None and not references.had_reports(case.past):
        what = "it is new" if case.past.before is None else "it had no report before"
        fix = fixes.shown(case.evidence.path)
        yield case.finding("MVC220", f"{what}, so there is nothing to compare it with", fix, "note")


def _loss(case: _Case, demanded: Demands) -> Iterator[Finding]:
    """Find fault with a past that nobody can read, where a demand is about the past."""
    if case.base is None and references.had_reports(case.past):
        asked = {item.severity for item in demanded.metrics if item.regressions or item.optional}
        asked |= {"error"} if demanded.slices or demanded.gaps else set()
        severity: Severity = "error" if "error" in asked else "warning" if asked else "note"
        message = "no report before can be read and is of its model's bytes, so there is nothing to compare it with"
        yield case.finding("MVC222", message, fixes.past_of(case.evidence.path), severity)


def _direction(case: _Case, wanted: MetricDemand) -> Iterator[Finding]:
    """Find fault with a metric of which only the new report says which way is better, or says otherwise than before."""
    if case.base is None or not wanted.regressions or wanted.direction:
        return
    old, new = (told_direction(item.report, wanted.name) for item in (case.base, case.evidence))
    name = clipped(wanted.name)
    if new and not old and any(metric.name == wanted.name for metric in case.base.report.metrics):
        message = f"neither policy nor the report before says which way {name} is better"
    elif new and old and new != old:
        message = f"the report says that {new} is better for {name}, the one before says {old}"
    else:  # the judge of figures speaks of a new report that says nothing
        return
    yield case.finding("MVC204", message, fixes.policy_direction(wanted.name), wanted.severity)


# Slices that are gone.


def _slices_of_before(case: _Case, demanded: Demands) -> Iterator[Finding]:
    """Find fault with a report that lacks a slice of before, of those that are judged by whatever values they have."""
    base = case.base
    if base is None:
        return
    for wanted in _sliced(demanded, base):
        yield from (_missing(case, item, wanted, "was there") for item in gone(base, case.evidence, wanted))
    for wanted in _spread(demanded, base):
        for item in parted(base, case.evidence, wanted):
            yield _missing(case, item, wanted, "was measured beside other slices")


def _missing(case: _Case, item: Seen, wanted: MetricDemand, what: str) -> Finding:
    name = label(item.metric)
    fix = fixes.metric(case.evidence.path, case.evidence.report, name)
    return case.finding("MVC225", f"{clipped(name)} {what} before, and is not now", fix, wanted.severity)


def _sliced(demanded: Demands, base: Evidence) -> Iterator[MetricDemand]:
    """Yield what is demanded of all slices by some key, of metrics that base has.

    A key that is demanded of one metric by name is demanded of all that have it: no rule besides takes that back.
    """
    yield from (wanted for wanted in demanded.metrics if wanted.optional)
    for name, part in _parts(base):
        yield from (MetricDemand(name, part, asked.datasets) for asked in demanded.slices if asked.key == part[0][0])
    yield from _spread(demanded, base)


def _spread(demanded: Demands, base: Evidence) -> Iterator[MetricDemand]:
    """Yield what is demanded of how far slices lie apart, of metrics that base has."""
    for name, part in _parts(base):
        yield from (MetricDemand(name, part, gap.datasets) for gap in demanded.gaps if gap.metric == name)


def _parts(base: Evidence) -> list[tuple[str, tuple[tuple[str, str]]]]:
    """Return the metrics of a report that have slices by one key, with all slices by that."""
    single = {(item.name, next(iter(item.slice))) for item in base.report.metrics if len(item.slice) == 1}
    return [(name, ((key, ANY),)) for name, key in sorted(single)]


# Metrics, one by one.


def _lines(case: _Case, wanted: MetricDemand) -> Iterator[tuple[Comparison, list[Finding]]]:
    """Yield a metric's rows, a row for each that it is held against, and what is wrong with each."""
    for against, held in _by_reference(wanted):
        found = list(_pairs(case, held, against))
        for pair in found:
            findings = [*_other_data(case, held, pair), *_regressed(case, held, pair), *_unmeasured(case, held, pair)]
            yield _row(case, held, pair, findings), findings
        if not found and not wanted.optional:
            missing = Seen(Metric(wanted.name, 0, slice=dict(wanted.slice)), "", "")
            yield Comparison(label(missing.metric), None, None, _rule(case, held), passed=False, codes=("MVC201",)), []
    if case.base and wanted.optional:
        for item in gone(case.base, case.evidence, wanted):
            value, rule = item.metric.value, _rule(case, wanted)
            yield Comparison(label(item.metric), value, None, rule, passed=False, codes=("MVC225",)), []


def _by_reference(wanted: MetricDemand) -> Iterator[tuple[Against, MetricDemand]]:
    """Yield a demand by what it is held against; its limits stand with the first."""
    groups: dict[Against, tuple[Regression, ...]] = {} if wanted.regressions else {"base": ()}
    for regression in wanted.regressions:
        groups[regression.against] = (*groups.get(regression.against, ()), regression)
    for against, regressions in groups.items():
        yield against, wanted._replace(regressions=regressions)
        wanted = wanted._replace(min=None, max=None)


def _pairs(case: _Case, wanted: MetricDemand, against: Against) -> Iterator[Pair]:
    old = case.registered if against == "registered" else case.base
    found = pairs(old or Evidence(case.evidence.path, _NOTHING), case.evidence, wanted)
    return _with_the_best(case, wanted, found) if against == "best" else found


def _with_the_best(case: _Case, wanted: MetricDemand, found: Iterable[Pair]) -> Iterator[Pair]:
    """Hold each metric against the best of all there were on the same data."""
    there: dict[object, list[Seen]] = {}
    for item in (item for evidence in case.history for item in seen(evidence, wanted)):
        there.setdefault(_comparable(item), []).append(item)
    choose = min if case.direction(wanted) == "lower" else max
    for pair in found:
        olds = there.get(_comparable(pair.new), []) if pair.new else []
        yield Pair(choose(olds, key=lambda item: item.metric.value), pair.new) if olds else pair


def _comparable(item: Seen) -> object:
    """Return what two metrics have in common that were measured on the same."""
    return kind_of(item.metric), item.content or f"in {item.place}"


def _other_data(case: _Case, wanted: MetricDemand, pair: Pair) -> Iterator[Finding]:
    """Find fault with a metric that was measured on other data than before."""
    if pair.old is None or pair.same_data or all(item.allow_dataset_change for item in wanted.regressions):
        return
    name, old = clipped(pair.old.metric.name), pair.old
    if pair.new is None:
        message = f"{name} was measured on {_data(old)} before, and is not now"
    else:
        message = f"{name} was measured on {_data(old, pair.new)} before, now on {_data(pair.new, old)}"
    fix = fixes.same_data(case.evidence.path, case.evidence.report, old.place)
    yield case.finding("MVC224", message, fix, wanted.severity)


def _data(item: Seen, other: Seen | None = None) -> str:
    """Return the data that a metric was measured on, to be told from another's."""
    name = clipped(item.place) or "unnamed data"
    digest = short(item.content, other.content if other else "") if item.content and item.place else ""
    return f"{name} {digest}".strip()


class _Step(NamedTuple):
    """A metric before and now, and how much worse it may be."""

    regression: Regression
    old: Metric
    new: Metric
    worse: Fraction
    """Than before; negative where it is better."""


def _steps(case: _Case, wanted: MetricDemand, pair: Pair) -> Iterator[_Step]:
    direction = case.direction(wanted)
    if pair.old and pair.new and direction:
        old, new = pair.old.metric, pair.new.metric
        fall = Fraction(exact(old.value)) - Fraction(exact(new.value))
        for regression in wanted.regressions:
            if pair.same_data or regression.allow_dataset_change:
                yield _Step(regression, old, new, fall if direction == "higher" else -fall)


def _regressed(case: _Case, wanted: MetricDemand, pair: Pair) -> Iterator[Finding]:
    """Find fault with a metric that is worse than before by more than it may be."""
    for step in _steps(case, wanted, pair):
        tolerance = _tolerance(step.regression.change, step.old)
        if tolerance is not None and not step.worse <= tolerance:
            there = f"{_OLD[step.regression.against]} {number(step.old.value)}"
            change = _said(step.regression.change, tolerance)
            message = (
                f"{clipped(label(step.new))} is {number(step.new.value)}, {there}: "
                f"worse by {_decimal(step.worse)}, at most {change} is allowed"
            )
            fix = fixes.next_report(case.evidence.path, case.evidence.report, "once it is trained again")
            yield case.finding("MVC221", message, fix, wanted.severity)


def _unmeasured(case: _Case, wanted: MetricDemand, pair: Pair) -> Iterator[Finding]:
    """Find fault with a metric that is worse than one without a standard error, where that is the measure."""
    for step in _steps(case, wanted, pair):
        if _tolerance(step.regression.change, step.old) is None and not step.worse <= 0:
            there = f"{_OLD[step.regression.against]} {number(step.old.value)}"
            value = f"{clipped(label(step.new))} is {number(step.new.value)}"
            message = f"{value}, {there} without the stderr that {step.regression.change} needs"
            fix = fixes.with_stderr(case.evidence.path)
            yield case.finding("MVC223", message, fix, wanted.severity)


def _tolerance(change: Change, old: Metric) -> Fraction | None:
    """Return by how much a metric may be worse; None when that is counted in standard errors, and there is none."""
    size, unit = measure(change)
    if unit == "%":
        return size / 100 * abs(Fraction(exact(old.value)))
    if unit == "se":
        return None if old.stderr is None else size * Fraction(exact(old.stderr))
    return size


def _said(change: Change, tolerance: Fraction) -> str:
    return f"{change} ({_decimal(tolerance)})" if isinstance(change, str) else number(change)


def _decimal(value: Fraction) -> str:
    return number(float(Decimal(value.numerator) / Decimal(value.denominator)))


# Rows.


def _row(case: _Case, wanted: MetricDemand, pair: Pair, findings: Iterable[Finding]) -> Comparison:
    old, new = (item.metric if item else None for item in pair)
    codes = {finding.code for finding in findings}.union(_broken(wanted, new) if new else ())
    if wanted.regressions and old and case.direction(wanted) is None:
        codes.add("MVC204")
    name, values = label(new or old or Metric(wanted.name, 0)), (old.value if old else None, new.value if new else None)
    return Comparison(name, *values, _rule(case, wanted), not codes and new is not None, tuple(sorted(codes)))


def _broken(wanted: MetricDemand, metric: Metric) -> Iterator[str]:
    """Yield the codes of the limits that a metric does not keep; `figures` finds fault with it."""
    if wanted.min is not None and not metric.value >= wanted.min:
        yield "MVC202"
    if wanted.max is not None and not metric.value <= wanted.max:
        yield "MVC203"


def _rule(case: _Case, wanted: MetricDemand) -> str:
    """Return the limits of a metric in short: `≥ 0.9, -1% of base`."""
    said = [f"{sign} {number(limit)}" for sign, limit in (("≥", wanted.min), ("≤", wanted.max)) if limit is not None]
    said += [_allowance(regression, case.direction(wanted)) for regression in wanted.regressions]
    return ", ".join(said or ["required"]) + (" (warning)" if wanted.severity == "warning" else "")


def _allowance(regression: Regression, direction: Direction | None) -> str:
    change, against = regression.change, regression.against
    if isinstance(change, str):
        return f"{_SIGNS[direction]}{change} of {against}"
    return f"{_SIGNS[direction]}{number(change)} from {against}" if change else f"no worse than {against}"


def _other_rows(case: _Case, judged: Collection[str]) -> Iterator[Comparison]:
    """Yield the metrics of which no rule speaks."""
    old = case.base or Evidence(case.evidence.path, _NOTHING)
    for pair in pairs(old, case.evidence):
        if pair.new and label(pair.new.metric) not in judged:
            before = pair.old if pair.old and (pair.same_data or pair.old.place == pair.new.place) else None
            value = before.metric.value if before else None
            yield Comparison(label(pair.new.metric), value, pair.new.metric.value, "", passed=True)
