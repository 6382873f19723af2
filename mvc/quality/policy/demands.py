"""The demands of a policy on a tracked path: the strictest matching rule applies.

A rule replaces a default. The keys of a policy: docs/policy.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple, TypeAlias

from mvc.objects.parsing import patterns
from mvc.quality.finding import Severity
from mvc.quality.policy.policy import Bound, Demand, Formats, Pinned, Policy, Rule, Tag, Tolerance, seconds
from mvc.quality.policy.stricter import ASSURANCE, PICKLE, REPORT

Direction: TypeAlias = Literal["higher", "lower"]
"""Which direction of a metric is better."""
Against: TypeAlias = Literal["base", "registered", "best"]
Pickle: TypeAlias = Literal["allow", "scan", "deny"]
Assurance: TypeAlias = Literal["self", "ci", "third-party"]

ANY = "*"
"""As the value of a slice: any value in the report."""


class Regression(NamedTuple):
    """How much worse a metric may be than in another report."""

    tolerance: Tolerance
    against: Against = "base"
    allow_dataset_change: bool = False


class MetricDemand(NamedTuple):
    """The limits of one metric, in one slice if `slice` is set."""

    name: str
    slice: tuple[tuple[str, str], ...] = ()
    """Keys and values, sorted; a value may be `ANY`."""
    datasets: tuple[str, ...] = ()
    """Judged on each of these; empty for all data sets that it was measured on."""
    severity: Severity = "error"
    min: float | None = None
    max: float | None = None
    regressions: tuple[Regression, ...] = ()
    direction: Direction | None = None
    """Which direction is better; None when the policy does not say it."""
    allow_dataset_change: bool = False
    """Whether the data may change, also its split and its number of examples."""

    @property
    def optional(self) -> bool:
        """Whether the metric may be missing from the report."""
        return any(value == ANY for _, value in self.slice)


class SliceDemand(NamedTuple):
    """A key that a metric must be sliced by."""

    key: str
    metric: str = ""
    """Empty for any."""
    datasets: tuple[str, ...] = ()


class GapDemand(NamedTuple):
    """The largest gap between slices of a metric by one key."""

    metric: str
    max_gap: float
    datasets: tuple[str, ...] = ()


class Demands(NamedTuple):
    """All demands on a tracked path."""

    report: Demand
    tags: tuple[Tag, ...]
    """All of them apply."""
    metrics: tuple[MetricDemand, ...] = ()
    slices: tuple[SliceDemand, ...] = ()
    gaps: tuple[GapDemand, ...] = ()
    datasets: tuple[Pinned, ...] = ()
    deny: tuple[str, ...] = ()
    """Formats and file patterns that a model must not have."""
    pickle: Pickle = "allow"
    assurance: Assurance = "self"
    signatures: int = 0
    max_age: int | None = None
    """Maximal age of a report in seconds."""
    by_default: bool = True
    """Whether no rule sets the report, so that another rule could make it optional."""
    pickle_allow: frozenset[str] = frozenset()
    """Names that a scanned pickle may use besides those on mvc's list."""
    evidence: bool = False
    """Whether the metrics must be computed from predictions."""
    companions: tuple[str, ...] = ()
    """Paths that the model must be evaluated with."""
    sources: Demand = "optional"
    """Whether what the model was derived from needs a report."""


def demands(policy: Policy, path: str, *, in_any_case: bool = False) -> Demands:
    """Return the demands of `policy` on the tracked path `path`; also of rules that match it apart from case."""
    matches = patterns.matches_in_any_case if in_any_case else patterns.matches
    rules = [rule for rule in policy.rules if matches(rule.match, path)]
    formats = [rule.formats for rule in rules if rule.formats] or [policy.defaults.formats]
    pickle = max((item.pickle for item in formats), key=PICKLE.index)
    reports = {word for rule in rules if (word := report_demand(rule))}
    return Demands(
        report=max(reports, key=REPORT.index) if reports else policy.defaults.report,
        tags=tuple(dict.fromkeys(rule.tag for rule in rules if rule.tag)) or (policy.defaults.tag,),
        metrics=_metrics(rules),
        slices=_slices(rules),
        gaps=_gaps(rules),
        datasets=tuple(dict.fromkeys(pinned for rule in rules for pinned in rule.datasets)),
        companions=tuple(sorted({path for rule in rules if rule.companions for path in rule.companions.required})),
        sources=max((rule.sources.report for rule in rules if rule.sources), key=REPORT.index, default="optional"),
        deny=_denied(formats, pickle),
        pickle=pickle,
        pickle_allow=_allowed(formats),
        assurance=max((rule.evaluator.assurance for rule in rules if rule.evaluator), key=rank, default="self"),
        signatures=max((rule.signatures.min for rule in rules if rule.signatures), default=0),
        max_age=min((seconds(rule.max_age) for rule in rules if rule.max_age), default=None),
        by_default=not reports,
        evidence=any(rule.evidence for rule in rules),
    )


def asks_for_report(policy: Policy, path: str) -> bool:
    """Whether a rule, and not only the defaults, demands a report of `path`."""
    found = demands(policy, path)
    return found.report == "required" and not found.by_default


def rank(assurance: Assurance) -> int:
    """Return the position of an assurance in the order of strength."""
    return ASSURANCE.index(assurance)


def report_demand(rule: Rule) -> Demand | Literal[""]:
    """Return the demand of a rule on the report; empty if not set."""
    return rule.report or ("required" if _needs_a_report(rule) else "")


def _needs_a_report(rule: Rule) -> bool:
    """Whether a rule has demands that only a report can meet, so that it demands one by default."""
    inputs = rule.companions or (rule.sources and rule.sources.report == "required")
    trust = rule.evaluator or rule.signatures or rule.max_age or rule.evidence
    return bool(rule.datasets or rule.metrics or rule.slices or inputs or trust)


def _denied(formats: Iterable[Formats], pickle: Pickle) -> tuple[str, ...]:
    names = {name for item in formats for name in item.deny}
    return tuple(sorted(names | ({"pickle"} if pickle == "deny" else set())))


def _allowed(formats: Iterable[Formats]) -> frozenset[str]:
    """Return the names that all scans allow."""
    names = [frozenset(item.pickle_allow) for item in formats if item.pickle == "scan"]
    return frozenset.intersection(*names) if names else frozenset()


# Metrics.


def split(name: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Return name and slice of a metric in a policy: `auc[country=DE]`."""
    base, _, inside = name.rstrip("]").partition("[")
    pairs = (pair.partition("=") for pair in inside.split(",") if pair)
    return base.strip(), tuple(sorted((key.strip(), value.strip()) for key, _, value in pairs))


def _metrics(rules: Iterable[Rule]) -> tuple[MetricDemand, ...]:
    bounds = [(split(name), _ids(rule), bound) for rule in rules for name, bound in rule.metrics.items()]
    merged: dict[tuple[object, ...], MetricDemand] = {}
    for (name, part), ids, bound in bounds:
        severity: Severity = "warning" if bound.severity == "warn" else "error"
        one = MetricDemand(
            name, part, ids, severity, bound.min, bound.max, _regressions(bound),
            allow_dataset_change=bound.allow_dataset_change,
        )
        key = name, part, ids, severity
        merged[key] = _merged(merged[key], one) if key in merged else one
    names = {name for (name, _), _, _ in bounds}
    directions = {name: _direction([bound for (other, _), _, bound in bounds if other == name]) for name in names}
    return tuple(item._replace(direction=directions[item.name]) for item in merged.values())


def _ids(rule: Rule) -> tuple[str, ...]:
    return tuple(sorted({pinned.id for pinned in rule.datasets}))


def _regressions(bound: Bound) -> tuple[Regression, ...]:
    if bound.max_regression is None:
        return ()
    return (Regression(bound.max_regression, bound.against, bound.allow_dataset_change),)


def _merged(one: MetricDemand, other: MetricDemand) -> MetricDemand:
    lows = [item.min for item in (one, other) if item.min is not None]
    highs = [item.max for item in (one, other) if item.max is not None]
    return one._replace(
        min=max(lows, default=None),
        max=min(highs, default=None),
        regressions=tuple(dict.fromkeys((*one.regressions, *other.regressions))),
        allow_dataset_change=one.allow_dataset_change and other.allow_dataset_change,
    )


def _direction(bounds: Iterable[Bound]) -> Direction | None:
    """Return the direction that is set, else the one that limits imply; None when they disagree or there is none."""
    explicit: set[Direction] = set()
    implied: set[Direction] = set()
    for bound in bounds:
        if bound.direction:
            explicit.add(bound.direction)
        elif (bound.min is None) != (bound.max is None):
            implied.add("lower" if bound.min is None else "higher")
    found = explicit or implied
    return found.pop() if len(found) == 1 else None


# Slices.


def _slices(rules: Sequence[Rule]) -> tuple[SliceDemand, ...]:
    """Return the required keys; for each metric that some rule judges by that key, else for any."""
    found = []
    for rule in rules:
        for key in rule.slices.required if rule.slices else ():
            found += [SliceDemand(key, name, _ids(rule)) for name in _judged_by(key, rules) or [""]]
    return tuple(dict.fromkeys(found))


def _judged_by(key: str, rules: Iterable[Rule]) -> list[str]:
    names = set()
    for rule in rules:
        names |= {base for base, part in map(split, rule.metrics) if part == ((key, ANY),)}
        names |= set(rule.slices.max_gap) if rule.slices else set()
    return sorted(names)


def _gaps(rules: Iterable[Rule]) -> tuple[GapDemand, ...]:
    smallest: dict[tuple[str, tuple[str, ...]], float] = {}
    for rule in rules:
        for name, gap in rule.slices.max_gap.items() if rule.slices else ():
            key = name, _ids(rule)
            smallest[key] = min(gap, smallest.get(key, gap))
    return tuple(GapDemand(name, gap, ids) for (name, ids), gap in smallest.items())
