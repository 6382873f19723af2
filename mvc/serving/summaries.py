"""Sums over requests: of each feature, and of what was predicted."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import prod
from threading import Lock
from typing import NamedTuple

import numpy as np

from mvc.runtime.predictor import Array, Prediction
from mvc.serving.answers import Joined
from mvc.serving.loaded import Identity
from mvc.serving.tensors import text_of

MOST_LABELS, MOST_FEATURES = 50, 100
OTHER = "other"
"""Instead of any label after the first `MOST_LABELS`."""
_LONGEST_LABEL = 100
_LARGEST = 1e100
"""A larger number counts as missing: its square would make a sum infinite."""


class Feature(NamedTuple):
    """Sums over the rows of a feature; of text only rows and missing values are counted."""

    total: float
    squares: float
    rows: int
    missing: int


NOTHING = Feature(0, 0, 0, 0)


@dataclass
class Summary:
    """Sums over all rows of a version."""

    features: dict[str, Feature] = field(default_factory=dict)
    labels: Counter[str] = field(default_factory=Counter)
    values: Feature = NOTHING
    """Of predicted numbers."""


class Summaries:
    """The sums by version. Methods may be called from any thread."""

    def __init__(self) -> None:
        self._by_version: dict[Identity, Summary] = {}
        self._lock = Lock()

    def add(self, joined: Joined) -> None:
        """Add requests."""
        with self._lock:
            _add(self._by_version.setdefault(joined.identity, Summary()), joined)

    def by_version(self) -> dict[Identity, Summary]:
        """Return the sums."""
        with self._lock:
            return copy.deepcopy(self._by_version)


def _add(summary: Summary, joined: Joined) -> None:
    for name, values in (*joined.inputs.items(), *joined.constants.items()):
        for column, found in _features(name, values, MOST_FEATURES):
            is_taken = column != name and (column in joined.inputs or column in joined.constants)
            feature = f"input_{column}" if is_taken else column  # as in the log
            if feature in summary.features or len(summary.features) < MOST_FEATURES:
                summary.features[feature] = _sum(summary.features.get(feature, NOTHING), found)
    if joined.prediction:
        _add_prediction(summary, joined.prediction)


def _sum(first: Feature, second: Feature) -> Feature:
    return Feature(
        first.total + second.total, first.squares + second.squares,
        first.rows + second.rows, first.missing + second.missing,
    )


def _features(name: str, values: Array, most: int) -> Iterator[tuple[str, Feature]]:
    """Yield the sums of a column, or of the columns of a matrix; nothing for an image."""
    if values.ndim > 2:  # noqa: PLR2004 - no columns
        return
    matrix = values.reshape(len(values), prod(values.shape[1:]))[:, :most]
    names = [name] if values.ndim == 1 else [f"{name}_{place}" for place in range(matrix.shape[1])]
    if matrix.dtype.kind not in "biuf":
        for feature, column in zip(names, matrix.T, strict=True):
            yield feature, Feature(0, 0, len(column), sum(item is None for item in column))
        return
    numbers = matrix.astype(np.float64)
    known = np.abs(numbers) <= _LARGEST
    numbers[~known] = 0
    sums = zip(names, numbers.sum(0), (numbers * numbers).sum(0), (~known).sum(0), strict=True)
    for feature, total, squares, missing in sums:
        yield feature, Feature(float(total), float(squares), len(numbers), int(missing))


def _add_prediction(summary: Summary, prediction: Prediction) -> None:
    predicted = prediction.predicted
    if predicted.dtype.kind == "f" and not prediction.scores:
        for _, found in _features("", predicted, 1):
            summary.values = _sum(summary.values, found)
        return
    for label, count in Counter(map(_label, predicted.tolist())).items():
        known = label in summary.labels or len(summary.labels) < MOST_LABELS
        summary.labels[label if known else OTHER] += count


def _label(value: object) -> str:
    return text_of(value)[:_LONGEST_LABEL].encode(errors="replace").decode()
