"""A case: how a tool is set up for it, the one command that counts, and its limits."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from benchmarks.measure import Measured, run
from benchmarks.prepare import Place, Step, nothing
from benchmarks.tools import Tool


class Case(NamedTuple):
    """A command to measure, its limit in seconds, and limits as ratios to peers in the same round."""

    name: str
    tools: tuple[str, ...]
    prepare: Step
    """Before the first round."""
    renew: Step
    """Before every run; not measured."""
    command: Callable[[Tool, Place], list[str]]
    seconds: float = 0
    ratios: tuple[tuple[str, float], ...] = ()
    memory: float = 0
    """MiB; 0 where no limit is set."""
    subject: str = "mvc"
    after: Step = nothing
    """After every run; not measured."""
    requests: int = 0
    """To a remote, as the command's JSON counts them; 0 where no limit is set."""
    server: bool = False
    """Whether it needs the S3 server."""
    measure: Measured = run
    """What measures the command."""
