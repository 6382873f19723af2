"""Requests that the prediction log joins: their rows fit in one table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mvc.evaluation.roles import PREDICTED, SCORE
from mvc.runtime.predictor import Array
from mvc.serving.loaded import Identity
from mvc.serving.logged import Logged

Layout: TypeAlias = tuple[object, ...]
"""Model, version, names, types and widths: the rows of requests with the same fit in one table."""


class Joined(NamedTuple):
    """Requests of one layout."""

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
    outputs: Mapping[str, Array]
    """By row, as the inputs."""


def rows_of(logged: Logged) -> int:
    """Return the number of examples in a request."""
    return len(logged.prediction.predicted)


def joined(requests: Sequence[Logged]) -> Iterator[Joined]:
    """Join the requests that have the same layout."""
    groups: dict[Layout, list[Logged]] = {}
    for item in requests:
        groups.setdefault(_layout(item), []).append(item)
    for layout, same in groups.items():
        yield _joined(layout, same)


def _layout(logged: Logged) -> Layout:
    rows, (predicted, scores) = rows_of(logged), logged.prediction
    inputs = [
        (name, _type(values), values.shape[1:] if values.shape[:1] == (rows,) else values.shape)
        for name, values in logged.columns.items()
    ]
    outputs = [(label, _type(values)) for label, values in scores.items()]
    return (logged.model, logged.version, logged.blake3, *inputs, (_type(predicted), predicted.shape[1:]), *outputs)


def _joined(layout: Layout, requests: Sequence[Logged]) -> Joined:
    first, counts = requests[0], [rows_of(item) for item in requests]
    inputs = {
        name: np.concatenate([_by_row(item.columns[name], rows) for item, rows in zip(requests, counts, strict=True)])
        for name in first.columns
    }
    outputs = {PREDICTED: np.concatenate([item.prediction.predicted for item in requests])} | {
        f"{SCORE}{label}": np.concatenate([item.prediction.scores[label] for item in requests])
        for label in first.prediction.scores
    }
    return Joined(
        layout, Identity(first.model, first.version, first.blake3), [item.request_id for item in requests], first.time,
        np.array([item.time for item in requests]), np.array([item.latency_seconds for item in requests]),
        np.repeat(np.arange(len(requests)), counts), inputs, outputs,
    )


def _by_row(values: Array, rows: int) -> Array:
    """Return an input by row: one without rows, such as a threshold, is repeated for each."""
    return values if values.shape[:1] == (rows,) else np.broadcast_to(values, (rows, *values.shape))


def _type(values: Array) -> object:
    dtype = values.dtype
    return dtype.kind if dtype.kind in "SU" else dtype  # texts of any length are of one type
