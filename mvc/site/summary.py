"""A model in short: its row of the overview, its health, and what other models' pages need of it.

It is kept beside the pages, so that a build reads only the models that changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Literal, NamedTuple, TypeAlias

from mvc.quality.judge.rules.figures import ModelReport
from mvc.quality.judge.rules.trust import span
from mvc.quality.policy.demands import demands
from mvc.quality.policy.policy import Policy
from mvc.quality.reports.report import is_sliced
from mvc.quality.side_by_side import MetricRow, side_by_side
from mvc.site.facts import SiteModel, SiteVersion

Ill: TypeAlias = Literal["stale", "unsigned", "expired", "unregistered", "unreadable", "deprecated"]


class Complaint(NamedTuple):
    """What is wrong with a model."""

    kind: Ill
    text: str


class Content(NamedTuple):
    """What a version is, and what it was made from."""

    version: str
    blake3: str
    sources: tuple[str, ...]
    """The blake3 of each."""


class Summary(NamedTuple):
    """A model in short."""

    name: str
    path: str
    latest: str
    date: str
    """When the latest version was registered."""
    versions: int
    """Without retired ones."""
    stages: tuple[tuple[str, str], ...]
    """Each with its version; empty for a commit without one."""
    metric: str
    """The label of the main metric; empty without metrics."""
    value: float | None
    """Of the latest version."""
    series: tuple[float | None, ...]
    """The main metric of all versions, the lowest first; None where it cannot be compared."""
    health: tuple[Complaint, ...]
    until: float | None
    """When the health changes by itself, in seconds since the epoch; None for never."""
    contents: tuple[Content, ...]


def slug(name: str) -> str:
    """Return a name as one part of a path of the site."""
    return name.replace("/", "~").replace(":", "=")


def summary_of(model: SiteModel, policy: Policy, now: float) -> Summary:
    """Return a model in short, as of `now` in seconds since the epoch."""
    rows = metric_rows(model, policy)
    main = main_metric(model, policy, rows)
    latest = model.version(model.latest)
    at = model.versions.index(latest) if latest else -1
    ages = sorted(_ages(model, policy))
    value = main.values[at] if main and latest else None
    return Summary(
        model.name, model.path, model.latest, latest.date if latest else "",
        sum(not item.is_retired for item in model.versions) + model.left_out,
        held(model), main.name if main else "", value.value if value else None,
        tuple(item.value if item and item.comparable else None for item in main.values) if main else (),
        tuple(_health(model, latest, ages, now)),
        next((end for end, _ in ages if end > now), None),
        tuple(Content(item.name, item.blake3, sources(item)) for item in model.versions if item.blake3),
    )


def held(model: SiteModel) -> tuple[tuple[str, str], ...]:
    """Return the stages that hold something, each with its version."""
    return tuple(sorted((item.stage, item.version) for item in model.periods if item.end is None and item.commit))


def sources(version: SiteVersion) -> tuple[str, ...]:
    """Return the blake3 of what a version was made from."""
    return tuple(item.blake3 for item in version.report.sources) if version.report else ()


# Metrics.


def metric_rows(model: SiteModel, policy: Policy) -> tuple[MetricRow, ...]:
    """Return the metrics of all versions side by side."""
    directions = {item.name: item.direction for item in demands(policy, model.path).metrics}
    reports = [ModelReport(item.path, item.report) if item.report else None for item in model.versions]
    return side_by_side(reports, directions)


def main_metric(model: SiteModel, policy: Policy, rows: Iterable[MetricRow]) -> MetricRow | None:
    """Return the first metric that the policy names, else the first of the reports; None without any."""
    whole = [row for row in rows if not is_sliced(row.name)]
    wanted = (item.name for item in demands(policy, model.path).metrics if not item.slice)
    named = (row for name in wanted for row in whole if row.is_called(name))
    return next(named, whole[0] if whole else None)


# Health.


def _health(
    model: SiteModel, latest: SiteVersion | None, ages: Iterable[tuple[float, str]], now: float,
) -> Iterator[Complaint]:
    if model.is_deprecated:
        yield Complaint("deprecated", "the model is deprecated")
    if latest and latest.problem:
        yield Complaint("unreadable", latest.problem)
    if model.tip and model.tip.report not in ("ok", ""):
        yield Complaint("stale", f"on the default branch its report is {model.tip.report}")
    if latest and model.tip and model.tip.blake3 != latest.blake3:
        yield Complaint("unregistered", "the default branch has other content than the latest version")
    if latest and latest.signature in ("none", "invalid"):
        why = "is not signed" if latest.signature == "none" else "has an invalid signature"
        yield Complaint("unsigned", f"the tag of {latest.name} {why}")
    yield from (Complaint("expired", text) for end, text in ages if end <= now)


def _ages(model: SiteModel, policy: Policy) -> Iterator[tuple[float, str]]:
    """Yield when the reports of the latest version, and of those in stages, become too old, and what to say then."""
    named = [("", model.latest, demands(policy, model.path).max_age)]
    for stage, version in held(model):
        if demanded := policy.stages.get(stage):
            age = demands(Policy(1, rules=[demanded.rule]), model.path).max_age
            named.append((stage, version, age))
    for stage, name, age in named:
        there = model.version(name)
        if there and there.report and age is not None and (created := moment(there.report.created_at)):
            where = f" in {stage}" if stage else ""
            yield created + age, f"the report of {name}{where} is older than {span(age)}"


def moment(text: str) -> float | None:
    """Return a time with a time zone in seconds since the epoch; None for anything else."""
    try:
        found = datetime.fromisoformat(text)
        return None if found.tzinfo is None else found.timestamp()
    except (ValueError, OverflowError):
        return None
