"""An answered request as the prediction log takes it, and what the log tells about itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, Protocol, TypeAlias

from numpy.typing import NDArray

from mvc.runtime.predictor import Prediction

Dropped: TypeAlias = Literal["queue", "disk", "sampled"]
"""Why rows are not in the log: too many came at once, they could not be written, or `--log-sample` left them out."""


class Logged(NamedTuple):
    """A request that was answered."""

    request_id: str
    time: float
    """Seconds since the epoch."""
    model: str
    version: str
    """Without the name of the model: `v1.3.0`."""
    blake3: str
    latency_seconds: float
    columns: Mapping[str, NDArray[Any]]
    """The inputs; the first dimension is that of the rows."""
    prediction: Prediction


class LogMetrics(Protocol):
    """Counts what the log does; called from several threads."""

    def log_rows(self, model: str, version: str, blake3: str, rows: int) -> None:
        """Count rows that were written."""

    def log_dropped(self, model: str, reason: Dropped, rows: int) -> None:
        """Count rows that were not."""

    def log_bytes(self, size: int) -> None:
        """Set the bytes that the parts of the log have."""
