"""Whether one policy is at least as strict as another, by their text.

Conservative: anything not plainly as strict counts as weakened. If nothing is reported here, the new policy demands
of every path at least what the old one did; a property test checks that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import NamedTuple, TypeVar

from mvc.quality.policy.demands import Assurance, rank, report_demand, split
from mvc.quality.policy.policy import Bound, Formats, Policy, Rule, Signatures, Stage, Tag, Tolerance, max_blob, seconds
from mvc.quality.policy.stricter import (
    PICKLE,
    REPORT,
    ROLLBACK,
    SEVERITY,
    is_as_high,
    is_as_low,
    is_no_wider,
    is_pinned,
)

T = TypeVar("T")


def weakened(old: Policy, new: Policy) -> list[str]:
    """Return what `new` demands less than `old`, or may; empty when it is at least as strict."""
    parts = (of_defaults(old, new), of_rules(old, new), of_additions(old, new), of_the_rest(old, new))
    return list(dict.fromkeys(chain.from_iterable(parts)))


# Defaults.


def of_defaults(old: Policy, new: Policy) -> Iterator[str]:
    """Yield what the new `defaults` allow that the old ones refused."""
    was, now = old.defaults, new.defaults
    yield from _lower("defaults: report", REPORT, was.report, now.report)
    yield from (f"defaults: {reason}" for reason in chain(_tag(was.tag, now.tag), _formats(was.formats, now.formats)))
    if not max_blob(new) <= max_blob(old):
        yield f"defaults: git: max_blob goes from {was.git.max_blob} to {now.git.max_blob}"
    if not _extends(was.git.forbid, now.git.forbid):
        yield "defaults: git: forbid has fewer patterns"
    if not _extends(now.git.allow, was.git.allow):
        yield "defaults: git: allow has more patterns"


def _extends(short: Sequence[str], long: Sequence[str]) -> bool:
    """Whether `long` is `short` with more patterns in between, none of them negated."""
    rest = iter(short)
    wanted = next(rest, None)
    for pattern in long:
        if pattern == wanted:
            wanted = next(rest, None)
        elif pattern.startswith("!"):
            return False
    return wanted is None


# Tags and formats.


def _tag(old: Tag, new: Tag) -> Iterator[str]:
    if new.pattern != old.pattern:
        yield f"tag: pattern goes from {old.pattern!r} to {new.pattern!r}"
    if old.unique and not new.unique:
        yield "tag: unique is off"
    if old.monotonic and not new.monotonic:
        yield "tag: monotonic is off"
    yield from _lower("tag: rollback", ROLLBACK, old.rollback, new.rollback)


def _formats(old: Formats, new: Formats) -> Iterator[str]:
    if gone := _denied(old) - _denied(new):
        yield f"formats: {', '.join(sorted(gone))} is no longer denied"
    yield from _lower("formats: pickle", PICKLE, old.pickle, new.pickle)
    if old.pickle == new.pickle == "scan" and (more := set(new.pickle_allow) - set(old.pickle_allow)):
        yield f"formats: pickle_allow has {', '.join(sorted(more))} as well"


def _denied(formats: Formats) -> set[str]:
    return {*formats.deny, *(("pickle",) if formats.pickle == "deny" else ())}


# Old rules: each must still exist.


def of_rules(old: Policy, new: Policy) -> Iterator[str]:
    """Yield what an old rule demanded and no new rule with the same `match` demands."""
    directions = _Directions.of(old)
    for rule in old.rules:
        found = [item for item in new.rules if item.match == rule.match]
        if not found and any(_of_rule(rule, Rule(rule.match), directions)):
            yield f"rule {rule.match!r} is removed"
        else:
            said = [list(_of_rule(rule, item, directions)) for item in (*found, Rule(rule.match))]
            yield from (f"{rule.match!r}: {reason}" for reason in min(said, key=len))


def _of_rule(old: Rule, new: Rule, directions: _Directions) -> Iterator[str]:
    """Yield what `new` demands less than `old`, a rule with the same paths."""
    yield from _report(old, new)
    if old.tag:
        yield from _tag(old.tag, new.tag) if new.tag else ["tag is removed"]
    if old.formats:
        yield from _formats(old.formats, new.formats or Formats())
    yield from _datasets(old, new)
    for name, bound in old.metrics.items():
        yield from (f"{name}: {reason}" for reason in _metric(split(name), bound, new, directions))
    yield from _slices(old, new)
    yield from _inputs(old, new)
    if not rank(_assurance(new)) >= rank(_assurance(old)):
        yield f"assurance goes from {_assurance(old)} to {_assurance(new)}"
    yield from _of_trust(old.signatures, new.signatures, old.max_age, new.max_age)
    if old.evidence and not new.evidence:
        yield f"evidence: {old.evidence} is no longer demanded"


def _report(old: Rule, new: Rule) -> Iterator[str]:
    """`optional` only replaces a default, so removing it weakens nothing."""
    if report_demand(old) == "required" and report_demand(new) != "required":
        yield "a report is no longer required"


def _datasets(old: Rule, new: Rule) -> Iterator[str]:
    for pinned in old.datasets:
        if not is_pinned(pinned, new.datasets):
            yield f"data set {pinned.id} is changed or removed"
    judged = old.metrics or (old.slices and (old.slices.required or old.slices.max_gap))
    if judged and {item.id for item in old.datasets} != {item.id for item in new.datasets}:
        yield "metrics are judged on other data sets"


def _slices(old: Rule, new: Rule) -> Iterator[str]:
    required = set(old.slices.required if old.slices else ()) - set(new.slices.required if new.slices else ())
    if required:
        yield f"slices: {', '.join(sorted(required))} is no longer required"
    gaps = new.slices.max_gap if new.slices else {}
    for name, gap in old.slices.max_gap.items() if old.slices else ():
        if not gaps.get(name, float("inf")) <= gap:
            yield f"slices: max_gap of {name} is larger or removed"


def _inputs(old: Rule, new: Rule) -> Iterator[str]:
    there = new.companions.required if new.companions else ()
    if gone := set(old.companions.required if old.companions else ()) - set(there):
        yield f"with: {', '.join(sorted(gone))} is no longer required"
    was, now = (rule.sources.report if rule.sources else "optional" for rule in (old, new))
    yield from _lower("from: report", REPORT, was, now)


def _assurance(rule: Rule) -> Assurance:
    return rule.evaluator.assurance if rule.evaluator else "self"


def _of_trust(old: Signatures | None, new: Signatures | None, old_age: str, new_age: str) -> Iterator[str]:
    was, now = old.min if old else 0, new.min if new else 0
    if not now >= was:
        yield f"signatures go from {was} to {now}"
    if old_age and not (new_age and seconds(new_age) <= seconds(old_age)):
        yield f"max_age goes from {old_age} to {new_age or 'none'}"


# Metrics.


_Name = tuple[str, tuple[tuple[str, str], ...]]


def _metric(name: _Name, old: Bound, rule: Rule, directions: _Directions) -> Iterator[str]:
    """Yield what a rule demands less of a metric than `old`."""
    bounds = [bound for other, bound in rule.metrics.items() if split(other) == name]
    if not bounds:
        yield "it is no longer judged"
        return
    said = [[*_bound(old, bound), *_direction(name[0], old, bound, directions)] for bound in bounds]
    yield from min(said, key=len)


def _bound(old: Bound, new: Bound) -> Iterator[str]:
    if not is_as_high(new.min, old.min):
        yield f"min goes from {old.min} to {'none' if new.min is None else new.min}"
    if not is_as_low(new.max, old.max):
        yield f"max goes from {old.max} to {'none' if new.max is None else new.max}"
    yield from _lower("severity", SEVERITY, old.severity, new.severity)
    if new.allow_dataset_change and not old.allow_dataset_change:
        yield "allow_dataset_change is on"
    if old.max_regression is not None:
        yield from _regression(old, new, old.max_regression)


def _direction(name: str, old: Bound, new: Bound, directions: _Directions) -> Iterator[str]:
    """Yield that the direction of a metric with a max_regression is changed.

    A direction that was implied and is now said, or the reverse, stays the same if no other bound contradicts it.
    """
    if name in directions.regressed and not directions.agree(name, _said_of_direction(old), _said_of_direction(new)):
        yield "direction is changed"


def _regression(old: Bound, new: Bound, tolerance: Tolerance) -> Iterator[str]:
    if new.max_regression is None or not is_no_wider(new.max_regression, tolerance):
        yield f"max_regression goes from {tolerance} to {new.max_regression}"
    if new.against != old.against:
        yield f"against goes from {old.against} to {new.against}"


def _said_of_direction(bound: Bound) -> tuple[str, str]:
    """Return how a bound tells a direction (`said` or `implied`), and which; see `demands.MetricDemand.direction`."""
    if bound.direction:
        return "said", bound.direction
    if (bound.min is None) != (bound.max is None):
        return "implied", "lower" if bound.min is None else "higher"
    return "", ""


class _Directions(NamedTuple):
    """The directions of metrics in all bounds of a policy."""

    regressed: frozenset[str]
    """Metrics with a max_regression."""
    all: dict[str, set[str]]
    """The directions that the bounds of each such metric tell."""
    told: dict[str, str]
    """The direction of each such metric; empty when the bounds disagree, or one with a max_regression has none."""

    @classmethod
    def of(cls, policy: Policy) -> _Directions:
        bounds = [(split(name)[0], bound) for rule in policy.rules for name, bound in rule.metrics.items()]
        regressed = frozenset(name for name, bound in bounds if bound.max_regression is not None)
        every = {name: [bound for other, bound in bounds if other == name] for name in regressed}
        found = {name: {_said_of_direction(bound)[1] for bound in items} - {""} for name, items in every.items()}
        return cls(regressed, found, {name: _only(found[name], items) for name, items in every.items()})

    def agree(self, name: str, one: tuple[str, str], other: tuple[str, str]) -> bool:
        """Whether two ways to tell the direction of a metric have the same effect on every path."""
        return one == other or {one[1]} == {other[1]} == self.all[name]


def _only(found: set[str], bounds: Iterable[Bound]) -> str:
    """Return the only direction `found` in the bounds of a metric; empty where a path may have another, or none."""
    unsaid = any(bound.max_regression is not None and not _said_of_direction(bound)[1] for bound in bounds)
    return next(iter(found)) if len(found) == 1 and not unsaid else ""


# New rules: they may add demands, but not replace a stricter default.


def of_additions(old: Policy, new: Policy) -> Iterator[str]:
    """Yield what additions to the rules allow that was refused before."""
    directions = _Directions.of(old)
    for rule in new.rules:
        before = [item for item in old.rules if item.match == rule.match]
        yield from (f"{rule.match!r}: {reason}" for reason in _added(rule, before, old))
        yield from (f"{rule.match!r}: {reason}" for reason in _directed(rule, before, directions))


def _added(rule: Rule, before: Sequence[Rule], old: Policy) -> Iterator[str]:
    """Yield what a rule allows in place of a default."""
    optional = report_demand(rule) == "optional" and old.defaults.report == "required"
    if optional and not any(map(report_demand, before)):
        yield "the report becomes optional"
    if rule.tag and not any(item.tag for item in before):
        yield from _tag(old.defaults.tag, rule.tag)
    if rule.formats and not any(item.formats for item in before):
        yield from _formats(old.defaults.formats, rule.formats)


def _directed(rule: Rule, before: Sequence[Rule], directions: _Directions) -> Iterator[str]:
    """Yield new directions of metrics for which an old rule has a max_regression."""
    known = [(split(name), _said_of_direction(bound)) for item in before for name, bound in item.metrics.items()]
    for name, bound in rule.metrics.items():
        (base, _), said = split(name), _said_of_direction(bound)
        if base in directions.regressed and said[1] not in ("", directions.told[base]):
            there = (other for metric, other in known if metric == split(name))
            if not any(directions.agree(base, said, other) for other in there):
                yield f"{name}: direction is changed"


# Evaluators, pointers, stages.


def of_the_rest(old: Policy, new: Policy) -> Iterator[str]:
    """Yield new evaluators, pointers that are no longer judged, and stages that demand less."""
    for assurance, names in new.evaluators.items():
        if more := set(names) - set(old.evaluators.get(assurance, ())):
            yield f"evaluators: {', '.join(sorted(more))} added to {assurance}"
    if gone := set(old.pointers) - set(new.pointers):
        yield f"pointers: {', '.join(sorted(gone))} are no longer judged"
    directions = _Directions.of(old)
    for name, stage in old.stages.items():
        reasons = _of_rule(stage.rule, new.stages.get(name, Stage()).rule, directions)
        yield from (f"stages: {name}: {reason}" for reason in reasons)


def _lower(what: str, order: Sequence[T], old: T, new: T) -> Iterator[str]:
    """Yield a reason when `new` comes before `old` in an order that ends with the strictest."""
    if not order.index(new) >= order.index(old):
        yield f"{what} goes from {old} to {new}"
