"""What a user waits for at a terminal: the first line of progress, and the end after Ctrl-C."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.measure import Run

INTERRUPTED = 130
_PROGRESS = b" %  "


class _Terminal:
    """A command on a terminal of its own."""

    def __init__(self, process: subprocess.Popen[bytes], fd: int) -> None:
        self.process = process
        self._fd = fd

    def wait_for_progress(self) -> None:
        """Wait for the first line of progress.

        Raises:
            RuntimeError: the command ended without one.

        """
        shown = b""
        while _PROGRESS not in shown:
            if not (part := self._read()):
                raise RuntimeError(f"no progress was shown:\n{shown.decode(errors='replace')[-2000:]}")
            shown += part

    def interrupt(self) -> None:
        """Press Ctrl-C, and wait for the end.

        Raises:
            RuntimeError: something else ended the command.

        """
        os.write(self._fd, b"\x03")
        while self._read():
            pass
        if self.process.wait() != INTERRUPTED:
            raise RuntimeError(f"exit code {self.process.returncode} after Ctrl-C")

    def _read(self) -> bytes:
        try:
            return os.read(self._fd, 1 << 16)
        except OSError:  # the command has ended
            return b""


@contextmanager
def _started(command: Sequence[str], cwd: Path, environ: Mapping[str, str]) -> Iterator[_Terminal]:
    ours, theirs = os.openpty()
    line = ["setsid", "--ctty", *command]
    with subprocess.Popen(line, cwd=cwd, env=dict(environ), stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        try:
            yield _Terminal(process, ours)
        finally:
            process.kill()
            os.close(ours)


def until_progress(command: Sequence[str], cwd: Path, environ: Mapping[str, str]) -> Run:
    """Measure from the start of `command` to its first line of progress, and end it."""
    begun = time.perf_counter()
    with _started(command, cwd, environ) as terminal:
        terminal.wait_for_progress()
        wall = time.perf_counter() - begun
        terminal.interrupt()
    return Run(wall, 0, 0)


def after_interrupt(command: Sequence[str], cwd: Path, environ: Mapping[str, str]) -> Run:
    """Measure from Ctrl-C, pressed when `command` has shown progress, to its end."""
    with _started(command, cwd, environ) as terminal:
        terminal.wait_for_progress()
        begun = time.perf_counter()
        terminal.interrupt()
        return Run(time.perf_counter() - begun, 0, 0)
