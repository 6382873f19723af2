"""One command, measured as a whole process by what the kernel accounts for it."""

from __future__ import annotations

import os
import statistics
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

_EVERY = 0.05
"""Seconds between two looks at the memory of all processes."""
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Run(NamedTuple):
    """Wall and CPU time in seconds, peak memory in MiB.

    Memory is that of all processes of the command together, as seen every 50 ms, and no less than the
    peak of the largest of them, which the kernel keeps.
    """

    wall: float
    cpu: float
    memory: float


Measured = Callable[[Sequence[str], Path, Mapping[str, str]], Run]
"""Runs a command in a directory, with an environment, and measures it."""


class Summary(NamedTuple):
    """Several runs of one command."""

    median: float
    least: float
    most: float
    memory: float
    """The highest peak of all runs, in MiB."""
    runs: tuple[float, ...]
    cpu: float
    """The median; steadier than the time on a busy machine."""


def run(command: Sequence[str], cwd: Path, environ: Mapping[str, str]) -> Run:
    """Run `command` once.

    Raises:
        RuntimeError: it failed; what is measured must work.

    """
    with (cwd.parent / "output").open("wb") as output:
        begun = time.perf_counter()
        process = subprocess.Popen(command, cwd=cwd, env=dict(environ), stdout=output, stderr=output)
        watch = _Watch(process.pid)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begun
        watch.stop()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        said = (cwd.parent / "output").read_text(errors="replace")[-2000:]
        raise RuntimeError(f"{' '.join(command[:6])} exited {process.returncode}:\n{said}")
    return Run(wall, usage.ru_utime + usage.ru_stime, max(usage.ru_maxrss << 10, watch.peak) / (1 << 20))


class _Watch:
    """Looks at the memory of a process and its descendants, in a thread."""

    def __init__(self, pid: int) -> None:
        self.peak = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(pid,))
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self, pid: int) -> None:
        """A process counts once it was seen twice: until it runs its own program, it shows its parent's memory."""
        before = {pid}
        while not self._ended.wait(_EVERY):
            now = {pid, *_descendants(pid)}
            self.peak = max(self.peak, sum(map(_resident, now & before)))
            before = now


def _descendants(pid: int) -> Iterator[int]:
    with suppress(OSError):  # it ended
        for thread in os.listdir(f"/proc/{pid}/task"):
            for child in Path(f"/proc/{pid}/task/{thread}/children").read_text().split():
                yield int(child)
                yield from _descendants(int(child))


def _resident(pid: int) -> int:
    """Return the bytes that a process has in memory; 0 when it ended."""
    with suppress(OSError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    return 0


def summarise(runs: Sequence[Run]) -> Summary:
    """Return median, extremes and peak of `runs`."""
    walls = tuple(item.wall for item in runs)
    memory, cpu = max(item.memory for item in runs), statistics.median(item.cpu for item in runs)
    return Summary(statistics.median(walls), min(walls), max(walls), memory, walls, cpu)


def ratio(ours: Summary, theirs: Summary) -> float:
    """Return the median of the pairwise ratios: round by round, so that drift of the machine cancels."""
    return statistics.median(a / b for a, b in zip(ours.runs, theirs.runs, strict=True))
