"""All metrics of a predictions file, of all its rows and of slices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from mvc.errors import InvalidFormat, UsageError
from mvc.evaluation import classification, ranking, regression
from mvc.evaluation.columns import Coded, Examples, Floats, Labelled, Measured
from mvc.evaluation.estimate import Estimate
from mvc.evaluation.fairness import differences
from mvc.evaluation.roles import Loaded
from mvc.quality.reports.report import Metric
from mvc.quality.words import clipped

MAX_SLICES = 100
"""Different values of a column whose values are slices."""
CLASS = "class"
"""The key of metrics of one class."""


class Scored(NamedTuple):
    """The metrics of a predictions file."""

    metrics: tuple[Metric, ...]
    undefined: tuple[str, ...]
    """Metrics that a slice does not have, such as `auc[country=FR]`, where all is of one class."""


def estimates(examples: Examples) -> Iterator[Estimate]:
    """Yield the metrics of examples of any kind."""
    if isinstance(examples, Labelled):
        return classification.estimates(examples)
    return regression.estimates(examples) if isinstance(examples, Measured) else ranking.estimates(examples)


def influences(examples: Examples) -> Mapping[str, Floats]:
    """Return the influence of each example on the metrics, by name."""
    if isinstance(examples, Labelled):
        return classification.influences(examples)
    return regression.influences(examples) if isinstance(examples, Measured) else ranking.influences(examples)


def score(loaded: Loaded, dataset: str = "") -> Scored:
    """Return the metrics of all examples, then those of each slice, then the differences by sensitive columns.

    Raises:
        InvalidFormat: a column has too many values for slices.
        UsageError: the sensitive columns do not fit the task.
    """
    examples = loaded.examples
    _check(loaded)
    overall = list(estimates(examples))
    metrics = [_metric(item, dataset, {CLASS: item.label} if item.label else {}) for item in overall]
    undefined: list[str] = []
    names = [item.name for item in overall if not item.label]
    for column, coded in loaded.slices.items():
        for value, rows in _parts(examples, coded):
            found = [item for item in estimates(rows) if item.name in names and not item.label]
            count = len(rows.truth.codes if isinstance(rows, Labelled) else rows.truth)
            part = {column: value}
            metrics += [_metric(item, dataset, part, count) for item in found]
            there = {item.name for item in found}
            undefined += [f"{name}[{column}={value}]" for name in names if name not in there]
    if isinstance(examples, Labelled):
        for column in loaded.roles.sensitive:
            metrics += [_metric(item, dataset, {}) for item in differences(examples, column, loaded.slices[column])]
    return Scored(tuple(metrics), tuple(undefined))


def _check(loaded: Loaded) -> None:
    examples, roles = loaded.examples, loaded.roles
    if roles.sensitive and not (isinstance(examples, Labelled) and examples.positive is not None):
        message = "--sensitive needs a classification with two labels"
        raise UsageError(message, "--slice COLUMN  # for metrics by its values")
    if CLASS in loaded.slices and isinstance(examples, Labelled) and examples.positive is None:
        message = f"a slice cannot be by a column named {CLASS!r}: metrics of a class have that key"
        raise UsageError(message, "choose another name for the column")
    for column, coded in loaded.slices.items():
        if len(coded.labels) > MAX_SLICES:
            count = f"{len(coded.labels):,} values, expected at most {MAX_SLICES} slices"
            raise InvalidFormat(f"column {clipped(column)!r} has {count}")
        if empty := [label for label in coded.labels if not label]:
            raise InvalidFormat(f"column {clipped(column)!r} has an empty text: {empty[0]!r} cannot be a slice")


def _parts(examples: Examples, coded: Coded) -> Iterator[tuple[str, Examples]]:
    """Yield the values of a column, each with its examples, which are sorted by value first: one pass for all."""
    order = np.argsort(coded.codes.astype(np.int16), kind="stable")
    ends = np.cumsum(np.bincount(coded.codes, minlength=len(coded.labels)))
    ordered = examples.take(order)
    for label, (start, end) in zip(coded.labels, pairwise([0, *ends]), strict=True):
        if end > start:
            yield label, ordered.take(slice(start, end))


def _metric(item: Estimate, dataset: str, part: Mapping[str, str], count: int | None = None) -> Metric:
    stderr = None if item.stderr is None else float(item.stderr)
    ci = item.ci and (float(item.ci[0]), float(item.ci[1]))
    n = count if item.n is None else item.n
    return Metric(item.name, float(item.value), item.higher_is_better, dataset, stderr, dict(part), n, ci, item.method)
