"""How much the outputs of two models differ on the same rows."""

from __future__ import annotations

import time
from functools import reduce
from statistics import median
from typing import NamedTuple

import numpy as np

from mvc.errors import InvalidFormat
from mvc.runtime.conversion.targets import Limits
from mvc.runtime.predictor import Array, Columns, Prediction, Predictor

SMALL = 1e-3
"""The difference of a smaller number is taken relative to this."""
_RUNS, _SECONDS = 100, 1.0
"""The most of both that a latency is measured with."""


class Parity(NamedTuple):
    """The largest differences, and the labels that agree."""

    rows: int
    numbers: int = 0
    """How many were compared."""
    absolute: float = 0
    relative: float = 0
    beyond: float = 0
    """The absolute limit that would be needed beside the relative one."""
    agreeing: int | None = None
    """Rows with the same label; None of a model that returns numbers."""

    @property
    def agreement(self) -> float:
        """The share of rows with the same label; 1 of a model that returns numbers."""
        return 1 if self.agreeing is None or not self.rows else self.agreeing / self.rows

    def keeps(self, limits: Limits) -> bool:
        """Whether the limits are kept."""
        return self.beyond <= limits.absolute and self.agreement >= limits.agreement


def joined(one: Parity, other: Parity) -> Parity:
    """Return that of the rows of both."""
    agreeing = None if other.agreeing is None else (one.agreeing or 0) + other.agreeing
    return Parity(
        one.rows + other.rows, one.numbers + other.numbers, max(one.absolute, other.absolute),
        max(one.relative, other.relative), max(one.beyond, other.beyond), agreeing,
    )


def compare(before: Prediction, after: Prediction, relative: float) -> Parity:
    """Return how much the predictions for some rows differ; scores are compared by their order.

    Raises:
        InvalidFormat: they have other shapes.
    """
    rows = len(before.predicted)
    if len(after.predicted) != rows or (after.scores and len(before.scores) not in (0, len(after.scores))):
        shapes = (f"{len(item.predicted)} rows with {len(item.scores)} scores" for item in (before, after))
        raise InvalidFormat(f"the converted model returns other outputs: {' became '.join(shapes)}")
    if before.predicted.dtype.kind == "f" and not before.scores:
        return differences(before.predicted, after.predicted, relative)
    pairs = zip(before.scores.values(), after.scores.values(), strict=True) if after.scores and before.scores else ()
    found = reduce(joined, (differences(old, new, relative) for old, new in pairs), Parity(0))
    return found._replace(rows=rows, agreeing=int(_same(before.predicted, after.predicted).sum()))


def differences(old: Array, new: Array, relative: float) -> Parity:
    """Return how much numbers differ; if one of two is not finite, and they are not the same, that is infinite."""
    old, new = np.asarray(old, np.float64), np.asarray(new, np.float64)
    same = (old == new) | (np.isnan(old) & np.isnan(new))

    def largest(values: Array) -> float:
        return float(values.max(initial=0))

    with np.errstate(invalid="ignore", over="ignore"):
        found = np.where(same, 0, np.nan_to_num(np.abs(old - new), nan=np.inf, posinf=np.inf))
        size = np.nan_to_num(np.abs(old), nan=0, posinf=0)
        by = np.maximum(size, SMALL)
        return Parity(len(old), old.size, largest(found), largest(found / by), largest(found - relative * size))


def _same(old: Array, new: Array) -> Array:
    """Tell which labels are equal: numbers by value, others as texts."""
    if old.dtype.kind in "biuf" and new.dtype.kind in "biuf":
        return np.asarray(old == new)
    return np.asarray(old.astype(str) == new.astype(str))


def latency(predictor: Predictor, row: Columns) -> float:
    """Return the seconds that predicting a row takes: the median of many times."""
    predictor.predict(row)  # the first time allocates
    taken: list[float] = []
    while len(taken) < _RUNS and sum(taken) < _SECONDS:
        start = time.perf_counter()
        predictor.predict(row)
        taken.append(time.perf_counter() - start)
    return median(taken)
