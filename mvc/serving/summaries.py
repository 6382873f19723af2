"""Sums over requests: of each feature, and of what was predicted. Whoever answers a request only leaves it here."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from threading import Lock
from typing import NamedTuple

import numpy as np

from mvc.runtime.predictor import Array, Columns, Prediction
from mvc.serving.loaded import Identity, Loaded
from mvc.serving.tensor_model import Answer
from mvc.serving.tensors import memory_of

MOST_LABELS, MOST_FEATURES = 50, 100
OTHER = "other"
"""Instead of any label after the first `MOST_LABELS`."""
_MOST_PENDING, _MOST_BYTES = 512, 8 << 20
"""Requests, and bytes of them and their answers, that are left before they are summed up."""
_LONGEST_LABEL = 100
_LARGEST = 1e100
"""A number beyond is as good as missing: its square would make a sum infinite for ever."""


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


class _Left(NamedTuple):
    loaded: Loaded
    inputs: Columns
    answer: Answer


class Summaries:
    """The sums by version. Methods may be called from any thread."""

    def __init__(self) -> None:
        self._left: deque[_Left] = deque()
        self._bytes = 0
        self._by_version: dict[Identity, Summary] = {}
        self._lock = Lock()

    def leave(self, loaded: Loaded, inputs: Columns, answer: Answer) -> None:
        """Leave an answered request; every so often, it and those before it are summed up."""
        self._left.append(_Left(loaded, inputs, answer))
        self._bytes += sum(map(memory_of, (*inputs.values(), *answer.outputs.values())))
        if len(self._left) >= _MOST_PENDING or self._bytes >= _MOST_BYTES:
            self.sum_up()

    def sum_up(self) -> Mapping[Identity, Summary]:
        """Return the sums, of all that was left."""
        with self._lock:
            groups: dict[tuple[Loaded, tuple[object, ...]], list[_Left]] = {}
            self._bytes = 0
            for _ in range(len(self._left)):
                item = self._left.popleft()
                layout = [(name, values.dtype.kind, values.shape[1:]) for name, values in item.inputs.items()]
                groups.setdefault((item.loaded, tuple(layout)), []).append(item)
            for (loaded, _), items in groups.items():
                _add(self._by_version.setdefault(loaded.identity, Summary()), loaded, items)
            return self._by_version


def _add(summary: Summary, loaded: Loaded, items: list[_Left]) -> None:
    for name in items[0].inputs:
        values = np.concatenate([np.atleast_1d(item.inputs[name]) for item in items])
        for feature, found in _features(name, values, MOST_FEATURES):
            if feature in summary.features or len(summary.features) < MOST_FEATURES:
                summary.features[feature] = _sum(summary.features.get(feature, NOTHING), found)
    predictions = [loaded.model.prediction(item.answer) for item in items]
    for is_value, same in groupby((item for item in predictions if item is not None), _is_value):
        _add_predicted(summary, [item.predicted for item in same], is_value=is_value)


def _sum(first: Feature, second: Feature) -> Feature:
    return Feature(
        first.total + second.total, first.squares + second.squares,
        first.rows + second.rows, first.missing + second.missing,
    )


def _features(name: str, values: Array, most: int) -> Iterator[tuple[str, Feature]]:
    """Yield the sums of a column, or of the columns of a matrix; nothing for an image."""
    if values.ndim > 2:  # noqa: PLR2004 - no columns
        return
    matrix = values.reshape(len(values), -1)[:, :most]
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


def _is_value(prediction: Prediction) -> bool:
    return prediction.predicted.dtype.kind == "f" and not prediction.scores


def _add_predicted(summary: Summary, predicted: Sequence[Array], *, is_value: bool) -> None:
    if is_value:
        for _, found in _features("", np.concatenate(predicted), 1):
            summary.values = _sum(summary.values, found)
        return
    for label, count in Counter(_label(value) for values in predicted for value in values.tolist()).items():
        known = label in summary.labels or len(summary.labels) < MOST_LABELS
        summary.labels[label if known else OTHER] += count


def _label(value: object) -> str:
    text = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
    return text[:_LONGEST_LABEL].encode(errors="replace").decode()
