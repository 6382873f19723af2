"""What a policy demands of a model, as lines."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from mvc.quality.judge.rules.trust import span
from mvc.quality.policy.demands import Demands, MetricDemand, demands, report_demand
from mvc.quality.policy.policy import Policy, Rule
from mvc.quality.reports.report import Metric, label
from mvc.quality.words import rounded


def demand_lines(policy: Policy, path: str) -> tuple[str, ...]:
    """Return what the rules and the defaults demand of a tracked path."""
    found = demands(policy, path)
    tags = (f"tag: {item.pattern}{', unique' * item.unique}{', increasing' * item.monotonic}" for item in found.tags)
    return (f"report: {found.report}", *tags, *_lines(found))


def stage_lines(policy: Policy, stage: str, path: str) -> tuple[str, ...]:
    """Return what a stage demands besides."""
    return tuple(_lines(demands(Policy(1, rules=[policy.stages[stage].rule]), path)))


def rule_lines(rule: Rule) -> tuple[str, ...]:
    """Return what one rule demands."""
    alone = demands(Policy(1, rules=[replace(rule, match="**")]), "x")
    report = (f"report: {alone.report}",) if report_demand(rule) else ()
    return (*report, *_lines(alone))


def _lines(found: Demands) -> Iterator[str]:
    for metric in found.metrics:
        yield from _of_metric(metric)
    yield from (f"{gap.metric}: slices at most {rounded(gap.max_gap)} apart" for gap in found.gaps)
    yield from (f"{item.metric or 'some metric'} by {item.key}" for item in found.slices)
    for pinned in found.datasets:
        content = f", blake3 {pinned.blake3[:12]}" if pinned.blake3 else ""
        yield f"data set {pinned.id}{content}{', all of it' * pinned.full}"
    yield from (f"evaluated with {path}" for path in found.companions)
    demanded = {
        "a report of what it was made from": found.sources == "required",
        "metrics computed from predictions": found.evidence,
        f"evaluated by: {found.assurance}": found.assurance != "self",
        f"signatures: at least {found.signatures}": found.signatures,
        f"report: at most {span(found.max_age or 0)} old": found.max_age is not None,
        f"formats denied: {', '.join(found.deny)}": found.deny,
        "pickles: scanned": found.pickle == "scan",
    }
    yield from (line for line, holds in demanded.items() if holds)


def _of_metric(metric: MetricDemand) -> Iterator[str]:
    name = label(Metric(metric.name, 0, slice=dict(metric.slice)))
    where = f" on {', '.join(metric.datasets)}" if metric.datasets else ""
    warns = " (warning)" if metric.severity == "warning" else ""
    if metric.min is not None:
        yield f"{name} ≥ {rounded(metric.min)}{where}{warns}"
    if metric.max is not None:
        yield f"{name} ≤ {rounded(metric.max)}{where}{warns}"
    for item in metric.regressions:
        much = item.tolerance if isinstance(item.tolerance, str) else rounded(item.tolerance)
        what = "no worse by the paired test" if much == "paired" else f"at most {much} worse"
        yield f"{name}: {what} than {item.against}{where}{warns}"
