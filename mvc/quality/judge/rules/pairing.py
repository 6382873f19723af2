"""Which metric of a report is to be held against which of another: of the same slice, on the same data."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import NamedTuple, TypeAlias

from mvc.quality.judge.rules.figures import Evidence, is_meant
from mvc.quality.policy.demands import MetricDemand
from mvc.quality.reports.report import Metric


class Seen(NamedTuple):
    """A metric, and what it was measured on."""

    metric: Metric
    place: str
    """The data set's id."""
    content: str
    """The data set's digest; those of all that it may be, where the report does not say which; else empty."""


class Pair(NamedTuple):
    """A metric before and now. Where one is missing, the other has no counterpart."""

    old: Seen | None
    new: Seen | None

    @property
    def same_data(self) -> bool:
        """Whether both were measured on the same content."""
        return bool(self.old and self.new and self.old.content == self.new.content)


_Kind: TypeAlias = tuple[str, tuple[tuple[str, str], ...]]
"""A metric's name and slice."""


def pairs(old: Evidence, new: Evidence, wanted: MetricDemand | None = None) -> Iterator[Pair]:
    """Yield the metrics that a demand means, or all, two by two, in the order of the new report.

    They belong together when slice and data are the same, else when slice and data set's id are. What is left of
    a slice on both sides then is held against each other, one and all: any may have taken the other's place.
    A slice that is gone altogether is no pair: `gone` has those.
    """
    before = _by_kind(seen(old, wanted))
    for kind, items in _by_kind(item for item in seen(new, wanted) if _is_at(wanted, item)).items():
        yield from _of_kind(wanted, before.get(kind, []), items)


def gone(old: Evidence, new: Evidence, wanted: MetricDemand) -> Iterator[Seen]:
    """Yield what a demand means and only the old report has, in its slice, on any data set that the demand is about."""
    now = _by_kind(item for item in seen(new, wanted) if _is_at(wanted, item))
    for kind, items in _by_kind(item for item in seen(old, wanted) if _is_at(wanted, item)).items():
        if kind not in now:
            yield items[0]


def parted(old: Evidence, new: Evidence, wanted: MetricDemand) -> Iterator[Seen]:
    """Yield what a demand means and the old report has on one data set, the new one on none that has the others, too.

    What is gone altogether is not among it: `gone` has that.
    """
    now = _by_place(item for item in seen(new, wanted) if _is_at(wanted, item))
    there = {kind for kinds in now.values() for kind in kinds}
    for before in _by_place(item for item in seen(old, wanted) if _is_at(wanted, item)).values():
        most = max((before.keys() & kinds.keys() for kinds in now.values()), key=len, default=set())
        yield from (before[kind] for kind in before if kind in there and kind not in most)


def _by_place(items: Iterable[Seen]) -> dict[str, dict[_Kind, Seen]]:
    found: dict[str, dict[_Kind, Seen]] = {}
    for item in items:
        found.setdefault(item.place, {})[kind_of(item.metric)] = item
    return found


def seen(evidence: Evidence, wanted: MetricDemand | None = None) -> list[Seen]:
    """Return the metrics of a report, those that a demand means if one is given, with what they were measured on."""
    digests = {item.id: item.blake3 for item in evidence.report.datasets}
    unknown = " ".join(sorted(digests.values()))
    found = []
    for metric in evidence.report.metrics:
        if wanted is None or is_meant(wanted, metric):
            place = evidence.place(metric)
            found.append(Seen(metric, place, digests.get(place, "") if place else unknown))
    return found


def kind_of(metric: Metric) -> _Kind:
    """Return a metric's name and slice, as a key."""
    return metric.name, tuple(sorted(metric.slice.items()))


def _by_kind(items: Iterable[Seen]) -> dict[_Kind, list[Seen]]:
    found: dict[_Kind, list[Seen]] = {}
    for item in items:
        found.setdefault(kind_of(item.metric), []).append(item)
    return found


def _is_at(wanted: MetricDemand | None, item: Seen) -> bool:
    return wanted is None or not wanted.datasets or item.place in wanted.datasets


def _of_kind(wanted: MetricDemand | None, before: Sequence[Seen], now: Sequence[Seen]) -> Iterator[Pair]:
    found = _of_same_content(before, now)
    there = _found([(item.place, item) for item in _left(before, found)])
    found = [old or there(item.place, item) for item, old in zip(now, found, strict=True)]
    left = [item for item in _left(before, found) if _is_at(wanted, item)]
    for item, old in zip(now, found, strict=True):
        yield from [Pair(old, item)] if old or not left else (Pair(other, item) for other in left)
    if None not in found:
        yield from (Pair(item, None) for item in left)


def _of_same_content(before: Iterable[Seen], now: Iterable[Seen]) -> list[Seen | None]:
    """Return, for each metric now, one before on the same content, under the same id if there is one."""
    there = _found([(item.content, item) for item in before if item.content])
    return [there(item.content, item) for item in now]


def _found(items: Collection[tuple[str, Seen]]) -> Callable[[str, Seen], Seen | None]:
    """Return how to find what has a key: of several the one that is spelled alike, or is of the same data set's id."""
    known: dict[tuple[str, ...], Seen] = {}
    for key, item in items:
        for sort in ((key,), (key, item.place), (key, item.place, item.metric.dataset)):
            known[sort] = item

    def find(key: str, item: Seen) -> Seen | None:
        sorts = ((key, item.place, item.metric.dataset), (key, item.place), (key,))
        return next((known[sort] for sort in sorts if sort in known), None)

    return find


def _left(before: Iterable[Seen], found: Iterable[Seen | None]) -> list[Seen]:
    """Return the metrics before whose content nobody now has been matched with."""
    taken = {(item.content, "" if item.content else item.place) for item in found if item}
    return [item for item in before if (item.content, "" if item.content else item.place) not in taken]
