"""A command against the bare calls of a library that do the same job, in pairs: CPU seconds, and memory in bytes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple

LIMIT, MEMORY = 1.5, 1 << 30
"""Of the quotient, and of the command."""
Environ = dict[str, str]


class Pair(NamedTuple):
    """One round."""

    calls: float
    calls_memory: int
    mvc: float
    memory: int


@contextmanager
def material(given: str | None) -> Iterator[Path]:
    """Yield an empty folder: inside of the one `given`, where it stays, or a temporary one."""
    if given:
        folder = Path(given) / "mvc-bench"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        yield folder
    else:
        with tempfile.TemporaryDirectory(prefix="mvc-bench-") as name:
            yield Path(name)


def environment(folder: Path) -> Environ:
    """Return variables with which commands run mvc of this checkout, with an empty home."""
    return {**os.environ, "HOME": str(folder), "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}


def python(program: str, *words: str) -> str:
    """Run a program in Python, and return what it prints."""
    return subprocess.run([sys.executable, "-c", program, *words], check=True, capture_output=True, text=True).stdout


def measured(line: list[str], folder: Path, environ: Environ, expected: int = 0) -> tuple[float, int]:
    """Return the CPU seconds and the most memory, in bytes, of a command that exits with `expected`."""
    process = subprocess.Popen(line, cwd=folder, env=environ, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if (code := os.waitstatus_to_exitcode(status)) != expected:
        raise SystemExit(f"{line} exited with {code}, expected {expected}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024


def report(found: list[Pair]) -> int:
    """Print each round, the median quotient and the memory; return 1 when a limit was missed."""
    for item in found:
        print(f"calls {item.calls:.1f} s, {item.calls_memory >> 20} MiB; "
              f"mvc {item.mvc:.1f} s, {item.memory >> 20} MiB; quotient {item.mvc / item.calls:.2f}")
    quotient = median(item.mvc / item.calls for item in found)
    memory = max(item.memory for item in found)
    print(f"median quotient {quotient:.2f}, expected at most {LIMIT}")
    print(f"{memory >> 20} MiB, expected at most {MEMORY >> 20}")
    return int(quotient > LIMIT or memory > MEMORY)
