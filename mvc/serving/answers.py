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

from mvc.errors import first_line
from mvc.runtime.predictor import Array, Prediction
from mvc.serving.answered import Answered
from mvc.serving.loaded import Identity
from mvc.serving.tensors import memory_of

_MOST, _MOST_BYTES = 512, 8 << 20
"""Requests, and their bytes, that wait to be joined; the request that reaches a limit waits until all are."""
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
        outputs = self.prediction.arrays if self.prediction else ()
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


class _Reader(NamedTuple):
    """A reader of joined requests."""

    read: Callable[[Joined], None]
    what: str
    """What it makes from them, as messages call it."""
    failed: Callable[[str, int], None]
    """Is told the model, and how many rows, if it could not read them."""


class Answers:
    """Where answered requests are left; their readers get them joined. Methods may be called from any thread."""

    def __init__(self, say: Callable[[str], None] = lambda _: None) -> None:
        """Tell `say`, once for each version, that a reader cannot read."""
        self._groups: dict[tuple[Layout, Identity], list[Answered]] = {}
        self._count = self._bytes = 0
        self._lock = Lock()
        self._readers: list[_Reader] = []
        self._say = say
        self._told: set[tuple[str, Identity]] = set()

    def read_by(
        self, read: Callable[[Joined], None], what: str, failed: Callable[[str, int], None] = lambda *_: None,
    ) -> None:
        """Let another reader get all that is joined from now on; `failed` is told the rows that it cannot read."""
        self._readers.append(_Reader(read, what, failed))

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
        """Give the readers all that was left. It runs in a client's request: what they cannot read is left out."""
        with self._lock:
            groups, self._groups = self._groups, {}
            self._count = self._bytes = 0
        for (layout, _), requests in groups.items():
            joined = None
            for reader in self._readers:
                try:
                    joined = joined or _joined(layout, requests)
                    reader.read(joined)
                except Exception as error:  # noqa: BLE001 - a model's answers may be of any kind
                    self._failed(reader, requests, error)

    def _failed(self, reader: _Reader, requests: Sequence[Answered], error: Exception) -> None:
        identity = requests[0].identity
        reader.failed(identity.model, sum(item.rows for item in requests))
        if (reader.what, identity) not in self._told:
            self._told.add((reader.what, identity))
            why = f"{type(error).__name__}: {first_line(error)}"
            self._say(f"{identity.model} {identity.version}: requests are not in {reader.what}: {why}")


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
