"""A row of the table: a command in repositories of several sizes, and what it took there."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from math import log
from typing import NamedTuple

from benchmarks.prepare import Place, Step, nothing
from benchmarks.tools import Tool


class Row(NamedTuple):
    """A command that is measured in repositories of several sizes."""

    name: str
    material: Callable[[int], Step]
    """Returns the step that makes a repository of some size; neighbours in the table with the same one share it."""
    sizes: tuple[int, ...]
    command: Callable[[Tool, Place], list[str]]
    renew: Step = nothing
    """Before every run; not measured. The state after the last row is the one before it."""
    server: bool = False
    """Whether it needs the S3 server."""


class Point(NamedTuple):
    """A row measured at one size."""

    size: int
    cpu: float
    """Median, in seconds."""
    memory: float
    """The highest peak, in MiB."""


def exponent(points: Sequence[Point]) -> float | None:
    """Return the exponent e of CPU time ~ size^e, fitted by least squares; None for a single size."""
    if len(points) < 2:
        return None
    return statistics.linear_regression([log(point.size) for point in points], [log(point.cpu) for point in points])[0]
