"""An answered request as its metrics and the prediction log take it, and what the log tells about itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple, Protocol, TypeAlias

from mvc.runtime.predictor import Array, Prediction
from mvc.serving.loaded import Identity
from mvc.serving.tensors import memory_of

_OVERHEAD = 1000
"""Bytes that a request takes besides its arrays."""
Dropped: TypeAlias = Literal["queue", "disk", "limit", "failed", "sampled"]
"""Why rows are not in the log: too many came at once, the disk did not take them, one request has more bytes than
`--log-limit`, they have no form in the log, or `--log-sample` left them out."""


class Answered(NamedTuple):
    """A request that was answered. Its arrays do not change any more."""

    request_id: str
    time: float
    """Seconds since the epoch."""
    identity: Identity
    latency_seconds: float
    columns: Mapping[str, Array]
    """The inputs; the first dimension is that of the rows."""
    rows: int
    """Of the prediction; of the inputs without one."""
    prediction: Prediction | None
    """None of a model that predicts neither labels nor numbers, such as one of images."""

    @property
    def memory(self) -> int:
        """About how many bytes it takes; an input without rows takes as many for each."""
        outputs = self.prediction.arrays if self.prediction else ()
        inputs = [
            memory_of(values) * (1 if values.shape[:1] == (self.rows,) else self.rows)
            for values in self.columns.values()
        ]
        return _OVERHEAD + len(self.request_id) + sum(inputs) + sum(map(memory_of, outputs))


class LogMetrics(Protocol):
    """Counts what the log does; called from several threads."""

    def log_rows(self, model: str, version: str, blake3: str, rows: int) -> None:
        """Count rows that were written."""

    def log_dropped(self, model: str, reason: Dropped, rows: int) -> None:
        """Count rows that were not."""

    def log_bytes(self, size: int) -> None:
        """Set the bytes that the parts of the log have."""
