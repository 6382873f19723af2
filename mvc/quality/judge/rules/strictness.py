"""Whether the demands on one path hold on another: what a move out of a rule loses.

A demand counts as lost unless the other is provably as strict.
"""

from __future__ import annotations

from collections.abc import Iterator

from mvc.quality.policy.demands import Demands, MetricDemand, Regression, rank
from mvc.quality.policy.policy import Tag
from mvc.quality.policy.stricter import PICKLE, REPORT, ROLLBACK, is_as_high, is_as_low, is_no_wider, is_pinned
from mvc.quality.reports.report import Metric, label


def loses(old: Demands, new: Demands) -> list[str]:
    """Return the names of the demands of `old` that `new` does not have, or has less strict."""
    parts = (_of_report, _of_tags, _of_metrics, _of_data, _of_files)
    return list(dict.fromkeys(word for part in parts for word in part(old, new)))


def _of_report(old: Demands, new: Demands) -> Iterator[str]:
    if old.report == "required" and new.report != "required":
        yield "a report"
    if old.signatures > new.signatures:
        yield f"{old.signatures} signature{'s' if old.signatures > 1 else ''}"
    if not is_as_low(new.max_age, old.max_age):
        yield "max_age"
    if rank(old.assurance) > rank(new.assurance):
        yield f"assurance {old.assurance}"
    if old.evidence and not new.evidence:
        yield "evidence"


def _of_tags(old: Demands, new: Demands) -> Iterator[str]:
    patterns = {tag.pattern for tag in new.tags}
    yield from (f"tag pattern {tag.pattern}" for tag in old.tags if tag.pattern not in patterns)
    if _any(old, "unique") and not _any(new, "unique"):
        yield "unique tags"
    if _any(old, "monotonic") and not _any(new, "monotonic"):
        yield "monotonic tags"
    if _rollback(old.tags) > _rollback(new.tags):
        yield f"rollback {ROLLBACK[_rollback(old.tags)]}"


def _any(demanded: Demands, key: str) -> bool:
    return any(getattr(tag, key) for tag in demanded.tags)


def _rollback(tags: tuple[Tag, ...]) -> int:
    return max(ROLLBACK.index(tag.rollback) for tag in tags)


def _of_files(old: Demands, new: Demands) -> Iterator[str]:
    yield from (f"no {name}" for name in old.deny if name not in new.deny)
    if PICKLE.index(old.pickle) > PICKLE.index(new.pickle):
        yield f"pickle {old.pickle}"
    if old.pickle == new.pickle == "scan" and (more := new.pickle_allow - old.pickle_allow):
        yield f"pickle scan without {', '.join(sorted(more))}"


# Figures.


def _of_metrics(old: Demands, new: Demands) -> Iterator[str]:
    for wanted in old.metrics:
        alike = [item for item in new.metrics if _covers(item, wanted)]
        name = label(Metric(wanted.name, 0, slice=dict(wanted.slice)))
        yield from (f"{name} {part}".rstrip() for part in _of_metric(wanted, alike))


def _of_data(old: Demands, new: Demands) -> Iterator[str]:
    for pinned in old.datasets:
        if not is_pinned(pinned, new.datasets):
            yield f"data set {pinned.id}"
    yield from (f"with {path}" for path in old.companions if path not in new.companions)
    if REPORT.index(old.sources) > REPORT.index(new.sources):
        yield "a report of what it is derived from"
    for sliced in old.slices:
        similar = [item for item in new.slices if item.key == sliced.key and sliced.metric in ("", item.metric)]
        if not any(_is_on(item.datasets, sliced.datasets) for item in similar):
            yield f"slices by {sliced.key}"
    for gap in old.gaps:
        strict = [item for item in new.gaps if item.metric == gap.metric and item.max_gap <= gap.max_gap]
        if not any(_is_on(item.datasets, gap.datasets) for item in strict):
            yield f"max_gap of {gap.metric}"


def _covers(item: MetricDemand, wanted: MetricDemand) -> bool:
    """Whether a demand covers all that another covers, and is not less severe."""
    same = item.name == wanted.name and item.slice == wanted.slice
    return same and _is_on(item.datasets, wanted.datasets) and item.severity in ("error", wanted.severity)


def _is_on(datasets: tuple[str, ...], wanted: tuple[str, ...]) -> bool:
    """Whether a demand on `datasets` covers one on `wanted`; empty means all data sets."""
    return set(wanted) <= set(datasets) if wanted else not datasets


def _of_metric(wanted: MetricDemand, alike: list[MetricDemand]) -> Iterator[str]:
    if not alike:
        yield ""
        return
    if not any(is_as_high(item.min, wanted.min) for item in alike):
        yield "min"
    if not any(is_as_low(item.max, wanted.max) for item in alike):
        yield "max"
    if not wanted.allow_dataset_change and all(item.allow_dataset_change for item in alike):
        yield "the same data"
    for regression in wanted.regressions:
        if not any(_is_as_strict(item, wanted, other, regression) for item in alike for other in item.regressions):
            yield "max_regression"


def _is_as_strict(item: MetricDemand, wanted: MetricDemand, other: Regression, regression: Regression) -> bool:
    """Whether one regression allows no more than another, in the same direction."""
    same = other.against == regression.against and item.direction == wanted.direction
    data = regression.allow_dataset_change or not other.allow_dataset_change
    return same and data and is_no_wider(other.tolerance, regression.tolerance)
