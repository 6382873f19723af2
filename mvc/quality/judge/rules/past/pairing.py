"""Which metric of a report is compared with which of another: of the same slice, on the same data."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import NamedTuple, TypeAlias

from mvc.quality.judge.rules.figures import ModelReport, matches
from mvc.quality.policy.demands import MetricDemand
from mvc.quality.reports.report import Metric


class Measured(NamedTuple):
    """A metric and its data set."""

    metric: Metric
    dataset: str
    """The data set's id."""
    content: str
    """The data set's digest; all digests of the report when the metric names no data set; empty when unknown."""


class Pair(NamedTuple):
    """A metric before and now; None where there is no counterpart."""

    old: Measured | None
    new: Measured | None

    @property
    def same_data(self) -> bool:
        """Whether both were measured on the same content."""
        return bool(self.old and self.new and self.old.content == self.new.content)


_MetricKey: TypeAlias = tuple[str, tuple[tuple[str, str], ...]]
"""Name and slice."""


def pairs(old: ModelReport, new: ModelReport, wanted: MetricDemand | None = None) -> Iterator[Pair]:
    """Yield pairs of the metrics of a demand, or of all metrics, in the order of the new report.

    Metrics match by slice and content of the data, else by slice and id of the data set. What is unmatched in a
    slice is paired each with each: any may have replaced the other. A slice that is missing altogether is not a pair:
    see `missing_slices`.
    """
    before = _by_key(measured(old, wanted))
    for kind, items in _by_key(item for item in measured(new, wanted) if _is_on(wanted, item)).items():
        yield from _of_key(wanted, before.get(kind, []), items)


def missing_slices(old: ModelReport, new: ModelReport, wanted: MetricDemand) -> Iterator[Measured]:
    """Yield the metrics of a demand whose slice only the old report has, on any data set of the demand."""
    now = _by_key(item for item in measured(new, wanted) if _is_on(wanted, item))
    for kind, items in _by_key(item for item in measured(old, wanted) if _is_on(wanted, item)).items():
        if kind not in now:
            yield items[0]


def separated_slices(old: ModelReport, new: ModelReport, wanted: MetricDemand) -> Iterator[Measured]:
    """Yield metrics that shared a data set with others in the old report, and not with most of them in the new one.

    Those that are missing altogether are left to `missing_slices`.
    """
    now = _by_dataset(item for item in measured(new, wanted) if _is_on(wanted, item))
    there = {kind for kinds in now.values() for kind in kinds}
    for before in _by_dataset(item for item in measured(old, wanted) if _is_on(wanted, item)).values():
        most = max((before.keys() & kinds.keys() for kinds in now.values()), key=len, default=set())
        yield from (before[kind] for kind in before if kind in there and kind not in most)


def _by_dataset(items: Iterable[Measured]) -> dict[str, dict[_MetricKey, Measured]]:
    found: dict[str, dict[_MetricKey, Measured]] = {}
    for item in items:
        found.setdefault(item.dataset, {})[metric_key(item.metric)] = item
    return found


def measured(of: ModelReport, wanted: MetricDemand | None = None) -> list[Measured]:
    """Return the metrics of a report, or those of a demand, with their data sets."""
    digests = {item.id: item.blake3 for item in of.report.datasets}
    unknown = " ".join(sorted(digests.values()))
    found = []
    for metric in of.report.metrics:
        if wanted is None or matches(wanted, metric):
            dataset = of.report.dataset_of(metric)
            found.append(Measured(metric, dataset, digests.get(dataset, "") if dataset else unknown))
    return found


def metric_key(metric: Metric) -> _MetricKey:
    """Return a metric's name and slice."""
    return metric.name, tuple(sorted(metric.slice.items()))


def comparable(item: Measured) -> object:
    """Return the key of metrics that can be compared: name, slice and data."""
    return metric_key(item.metric), item.content or f"in {item.dataset}"


def _by_key(items: Iterable[Measured]) -> dict[_MetricKey, list[Measured]]:
    found: dict[_MetricKey, list[Measured]] = {}
    for item in items:
        found.setdefault(metric_key(item.metric), []).append(item)
    return found


def is_on(datasets: Collection[str], item: Measured) -> bool:
    """Whether a metric is on one of the data sets of a demand; empty means all data sets."""
    return not datasets or item.dataset in datasets


def _is_on(wanted: MetricDemand | None, item: Measured) -> bool:
    return wanted is None or is_on(wanted.datasets, item)


def _of_key(wanted: MetricDemand | None, before: Sequence[Measured], now: Sequence[Measured]) -> Iterator[Pair]:
    found = _of_same_content(before, now)
    there = _lookup([(item.dataset, item) for item in _unmatched(before, found)])
    found = [old or there(item.dataset, item) for item, old in zip(now, found, strict=True)]
    left = [item for item in _unmatched(before, found) if _is_on(wanted, item)]
    for item, old in zip(now, found, strict=True):
        yield from [Pair(old, item)] if old or not left else (Pair(other, item) for other in left)
    if None not in found:
        yield from (Pair(item, None) for item in left)


def _of_same_content(before: Iterable[Measured], now: Iterable[Measured]) -> list[Measured | None]:
    """Return, for each metric now, one before on the same content, if possible under the same id."""
    there = _lookup([(item.content, item) for item in before if item.content])
    return [there(item.content, item) for item in now]


def _lookup(items: Collection[tuple[str, Measured]]) -> Callable[[str, Measured], Measured | None]:
    """Return a function that finds a metric by a key, and prefers one with the same label or data set."""
    known: dict[tuple[str, ...], Measured] = {}
    for key, item in items:
        for sort in ((key,), (key, item.dataset), (key, item.dataset, item.metric.dataset)):
            known[sort] = item

    def find(key: str, item: Measured) -> Measured | None:
        sorts = ((key, item.dataset, item.metric.dataset), (key, item.dataset), (key,))
        return next((known[sort] for sort in sorts if sort in known), None)

    return find


def _unmatched(before: Iterable[Measured], found: Iterable[Measured | None]) -> list[Measured]:
    """Return the metrics before whose content has no match."""
    taken = {(item.content, "" if item.content else item.dataset) for item in found if item}
    return [item for item in before if (item.content, "" if item.content else item.dataset) not in taken]
