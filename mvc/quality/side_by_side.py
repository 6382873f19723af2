"""Metrics of several reports side by side: which values can be compared, and which is the best."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from mvc.quality.judge.rules.figures import ModelReport, reported_direction
from mvc.quality.judge.rules.past.pairing import Measured, measured, metric_key
from mvc.quality.policy.demands import Direction, demands
from mvc.quality.policy.policy import Policy
from mvc.quality.reports.report import Metric, label


class Value(NamedTuple):
    """A metric in one report."""

    value: float
    stderr: float | None
    n: int | None
    """Examples in the slice."""
    data: str
    """The digest of the data set; all digests of the report when the metric names none; empty when unknown."""
    comparable: bool
    """Whether it was measured on the data that most others were measured on; of two such data, on the last."""


class MetricRow(NamedTuple):
    """A metric in all reports."""

    name: str
    """As on the command line: `auc[country=DE]@holdout`."""
    higher_is_better: bool | None
    """None when nobody says it, or reports disagree."""
    values: tuple[Value | None, ...]
    """By report; None where one does not have the metric."""

    best: tuple[int, ...]
    """The positions of the best comparable value: several in a tie, none if the direction is not known."""

    def is_called(self, name: str) -> bool:
        """Whether it is the metric `name`, on any data set."""
        return self.name == name or self.name.startswith(f"{name}@")

    @property
    def missing(self) -> tuple[int, ...]:
        """The positions of reports without this metric."""
        return tuple(index for index, item in enumerate(self.values) if item is None)

    @property
    def incomparable(self) -> tuple[int, ...]:
        """The positions of values on other data."""
        return tuple(index for index, item in enumerate(self.values) if item and not item.comparable)


_Row: TypeAlias = dict[int, Measured]
"""A metric by the position of the report."""


def side_by_side(
    reports: Sequence[ModelReport | None], directions: Mapping[str, Direction | None],
) -> tuple[MetricRow, ...]:
    """Return the metrics of all reports, in the order in which they appear; None stands for a missing report.

    As at the gate, metrics match by slice and content of the data, else by slice and id of the data set.
    `directions` are the policy's, by name of the metric; what it does not say, the reports say.
    """
    rows: dict[object, list[_Row]] = {}
    for index, report in enumerate(reports):
        for item in measured(report) if report else ():
            known = rows.setdefault(metric_key(item.metric), [])
            row = _fitting(known, index, item)
            if row is None:
                known.append(row := {})
            row[index] = item
    found = (row for known in rows.values() for row in known)
    return tuple(_filled(row, reports, directions) for row in found)


def _fitting(rows: Iterable[_Row], index: int, item: Measured) -> _Row | None:
    """Return the row of the same content, else of the same id, that has no value of this report yet."""
    free = [row for row in rows if index not in row]
    same = (row for row in free if item.content and any(other.content == item.content for other in row.values()))
    called = (row for row in free if any(other.dataset == item.dataset for other in row.values()))
    return next(same, None) or next(called, None)


def _filled(
    row: _Row, reports: Sequence[ModelReport | None], directions: Mapping[str, Direction | None],
) -> MetricRow:
    count = Counter(item.content for item in row.values())
    usual = max(reversed(row.values()), key=lambda item: count[item.content]).content
    last = row[max(row)].metric
    direction = directions.get(last.name) or _reported(reports, last.name)
    cells = (row.get(index) for index in range(len(reports)))
    values = tuple(
        item and Value(item.metric.value, item.metric.stderr, item.metric.n, item.content, item.content == usual)
        for item in cells
    )
    higher = None if direction is None else direction == "higher"
    return MetricRow(label(last), higher, values, _best(values, direction))


def _best(values: Sequence[Value | None], direction: Direction | None) -> tuple[int, ...]:
    known = {index: item.value for index, item in enumerate(values) if item and item.comparable}
    if direction is None:
        return ()
    best = (max if direction == "higher" else min)(known.values())
    return tuple(index for index, value in known.items() if value == best)


def _reported(reports: Iterable[ModelReport | None], name: str) -> Direction | None:
    """Return which direction is better by all reports that say it; None if they disagree."""
    found = {reported_direction(item.report, name) for item in reports if item} - {None}
    return found.pop() if len(found) == 1 else None


# Limits.


class Limit(NamedTuple):
    """A limit that the policy sets for a metric."""

    metric: str
    """Its label, without a data set."""
    value: float
    name: str
    """`min` or `max`; of a stage `prod min`."""


def limits(policy: Policy, path: str) -> Iterator[Limit]:
    """Yield the limits of the metrics of a tracked path, and then those of the stages."""
    stages = ((f"{stage} ", demands(Policy(1, rules=[item.rule]), path)) for stage, item in policy.stages.items())
    for start, demanded in (("", demands(policy, path)), *stages):
        for item in demanded.metrics:
            metric = label(Metric(item.name, 0, slice=dict(item.slice)))
            bounds = (("min", item.min), ("max", item.max))
            yield from (Limit(metric, value, f"{start}{bound}") for bound, value in bounds if value is not None)
