"""Answered requests, joined: what reads them looks at hundreds at once.

A request that was answered a while ago is slow to look at, as other memory is in the processor's caches by then. So all
that is asked of one alone is asked at once, and the rest is a few calls of NumPy for hundreds.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mvc.runtime.predictor import Array, Prediction
from mvc.serving.loaded import Identity
from mvc.serving.logged import Logged
from mvc.serving.tensors import memory_of

_MOST, _MOST_BYTES = 512, 8 << 20
"""Requests, and bytes of them, that wait to be joined: in the path of the last of them, that is one in hundreds."""
Layout: TypeAlias = tuple[object, ...]
"""Model, names, types and widths: the rows of requests with the same fit in one table."""


class Joined(NamedTuple):
    """Requests of one layout that one version answered."""

    layout: Layout
    identity: Identity
    ids: list[str]
    begin: float
    """The time of the first, in seconds since the epoch."""
    times: NDArray[np.float64]
    latencies: NDArray[np.float64]
    """As `times`, a number for each request."""
    place: NDArray[np.int64]
    """For each row, the place of its request."""
    inputs: Mapping[str, Array]
    """By row."""
    constants: Mapping[str, Array]
    """Inputs without rows, such as a threshold: by request."""
    prediction: Prediction | None
    """By row."""

    @property
    def memory(self) -> int:
        """About how many bytes they take."""
        outputs = [self.prediction.predicted, *self.prediction.scores.values()] if self.prediction else []
        arrays = (*self.inputs.values(), *self.constants.values(), *outputs, self.times, self.latencies, self.place)
        return sum(map(memory_of, arrays)) + sum(map(sys.getsizeof, self.ids))


class Gathered:
    """Requests until they are joined. It is for one thread at a time."""

    def __init__(self) -> None:
        self._groups: dict[tuple[Layout, Identity], list[Logged]] = {}
        self._count = self._bytes = 0

    def add(self, logged: Logged, size: int) -> list[Joined]:
        """Add a request of `size` bytes; return all, if that is many."""
        self._groups.setdefault((_layout(logged), logged.identity), []).append(logged)
        self._count += 1
        self._bytes += size
        return self.take() if self._count >= _MOST or self._bytes >= _MOST_BYTES else []

    def take(self) -> list[Joined]:
        """Return all, and forget them."""
        groups, self._groups = self._groups, {}
        self._count = self._bytes = 0
        return [_joined(layout, requests) for (layout, _), requests in groups.items()]


def _layout(logged: Logged) -> Layout:
    rows, prediction = logged.rows, logged.prediction
    inputs = [
        (name, _type(values), by_row := values.shape[:1] == (rows,), values.shape[1:] if by_row else values.shape)
        for name, values in logged.columns.items()
    ]
    if prediction is None:
        return (logged.identity.model, *inputs)
    predicted = _type(prediction.predicted), prediction.predicted.shape[1:]
    scores = [(label, _type(values)) for label, values in prediction.scores.items()]
    return (logged.identity.model, *inputs, predicted, *scores)


def _type(values: Array) -> object:
    dtype = values.dtype
    return dtype.kind if dtype.kind in "SU" else dtype  # texts of any length are of one type


def _joined(layout: Layout, requests: Sequence[Logged]) -> Joined:
    first, counts = requests[0], [item.rows for item in requests]
    by_row = [name for name, values in first.columns.items() if values.shape[:1] == (first.rows,)]
    return Joined(
        layout, first.identity, [item.request_id for item in requests], first.time,
        np.array([item.time for item in requests]), np.array([item.latency_seconds for item in requests]),
        np.repeat(np.arange(len(requests)), counts),
        {name: np.concatenate([item.columns[name] for item in requests]) for name in by_row},
        {name: np.stack([item.columns[name] for item in requests]) for name in first.columns if name not in by_row},
        _joined_prediction([item.prediction for item in requests if item.prediction]),
    )


def concatenated(parts: Sequence[Joined]) -> Joined:
    """Return requests of one layout and version as one."""
    first = parts[0]
    begins = np.cumsum([0, *(len(part.ids) for part in parts[:-1])])
    return first._replace(
        ids=[name for part in parts for name in part.ids],
        times=np.concatenate([part.times for part in parts]),
        latencies=np.concatenate([part.latencies for part in parts]),
        place=np.concatenate([part.place + begin for part, begin in zip(parts, begins, strict=True)]),
        inputs={name: np.concatenate([part.inputs[name] for part in parts]) for name in first.inputs},
        constants={name: np.concatenate([part.constants[name] for part in parts]) for name in first.constants},
        prediction=_joined_prediction([part.prediction for part in parts if part.prediction]),
    )


def _joined_prediction(predictions: Sequence[Prediction]) -> Prediction | None:
    if not predictions:
        return None
    scores = {label: np.concatenate([item.scores[label] for item in predictions]) for label in predictions[0].scores}
    return Prediction(np.concatenate([item.predicted for item in predictions]), scores)
