"""Answered requests, joined: what reads them looks at hundreds at once.

A request that was answered a while ago is slow to look at, as other memory is in the processor's caches by then. So all
that is asked of one alone is asked at once, and the rest is a few calls of NumPy for hundreds.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mvc.runtime.predictor import Array, Prediction
from mvc.serving.answered import Answered
from mvc.serving.loaded import Identity
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
        """About how many bytes they take; a constant as many for each row."""
        outputs = [self.prediction.predicted, *self.prediction.scores.values()] if self.prediction else []
        arrays = (*self.inputs.values(), *outputs, self.times, self.latencies, self.place)
        repeated = sum(map(memory_of, self.constants.values())) * len(self.place) // len(self.ids)
        return sum(map(memory_of, arrays)) + sum(map(sys.getsizeof, self.ids)) + repeated

    def chosen(self, requests: NDArray[np.bool_]) -> Joined:
        """Return some of the requests."""
        rows = requests[self.place]
        scores = {} if self.prediction is None else self.prediction.scores
        return self._replace(
            ids=[name for name, is_chosen in zip(self.ids, requests, strict=True) if is_chosen],
            times=self.times[requests], latencies=self.latencies[requests],
            place=(np.cumsum(requests) - 1)[self.place[rows]],
            inputs={name: values[rows] for name, values in self.inputs.items()},
            constants={name: values[requests] for name, values in self.constants.items()},
            prediction=self.prediction and Prediction(
                self.prediction.predicted[rows], {label: values[rows] for label, values in scores.items()}),
        )


class Answers:
    """Where answered requests are left; their readers get them joined. Methods may be called from any thread."""

    def __init__(self) -> None:
        self._groups: dict[tuple[Layout, Identity], list[Answered]] = {}
        self._count = self._bytes = 0
        self._lock = Lock()
        self._readers: list[Callable[[Joined], None]] = []

    def read_by(self, reader: Callable[[Joined], None]) -> None:
        """Let another reader get all that is joined from now on."""
        self._readers.append(reader)

    def put(self, answered: Answered) -> None:
        """Leave a request."""
        key, size = (_layout(answered), answered.identity), answered.memory
        with self._lock:
            self._groups.setdefault(key, []).append(answered)
            self._count += 1
            self._bytes += size
            is_much = self._count >= _MOST or self._bytes >= _MOST_BYTES
        if is_much:
            self.flush()

    def flush(self) -> None:
        """Give the readers all that was left."""
        with self._lock:
            groups, self._groups = self._groups, {}
            self._count = self._bytes = 0
        for (layout, _), requests in groups.items():
            joined = _joined(layout, requests)
            for reader in self._readers:
                reader(joined)


def _layout(answered: Answered) -> Layout:
    rows, prediction = answered.rows, answered.prediction
    inputs = [
        (name, _type(values), by_row := values.shape[:1] == (rows,), values.shape[1:] if by_row else values.shape)
        for name, values in answered.columns.items()
    ]
    if prediction is None:
        return (answered.identity.model, *inputs)
    predicted = _type(prediction.predicted), prediction.predicted.shape[1:]
    scores = [(label, _type(values)) for label, values in prediction.scores.items()]
    return (answered.identity.model, *inputs, predicted, *scores)


def _type(values: Array) -> object:
    dtype = values.dtype
    return dtype.kind if dtype.kind in "SU" else dtype  # texts of any length are of one type


def _joined(layout: Layout, requests: Sequence[Answered]) -> Joined:
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
