"""One command, measured as a whole process by what the kernel accounts for it."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple


class Run(NamedTuple):
    """Wall and CPU time in seconds, peak memory of the largest single process in MiB."""

    wall: float
    cpu: float
    memory: float


class Summary(NamedTuple):
    """Several runs of one command."""

    median: float
    least: float
    most: float
    memory: float
    """The highest peak of all runs, in MiB."""
    runs: tuple[float, ...]


def run(command: Sequence[str], cwd: Path, environ: Mapping[str, str]) -> Run:
    """Run `command` once.

    Raises:
        RuntimeError: it failed; what is measured must work.

    """
    with (cwd.parent / "output").open("wb") as output:
        begun = time.perf_counter()
        process = subprocess.Popen(command, cwd=cwd, env=dict(environ), stdout=output, stderr=output)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        said = (cwd.parent / "output").read_text(errors="replace")[-2000:]
        raise RuntimeError(f"{' '.join(command[:6])} exited {process.returncode}:\n{said}")
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def summarise(runs: Sequence[Run]) -> Summary:
    """Return median, extremes and peak of `runs`."""
    walls = tuple(item.wall for item in runs)
    return Summary(statistics.median(walls), min(walls), max(walls), max(item.memory for item in runs), walls)


def ratio(ours: Summary, theirs: Summary) -> float:
    """Return the median of the pairwise ratios: round by round, so that drift of the machine cancels."""
    return statistics.median(a / b for a, b in zip(ours.runs, theirs.runs, strict=True))
