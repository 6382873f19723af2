"""A progress bar on stderr, if that is a terminal, for commands that take longer than a second."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from mvc.workspace.progress import Progress, Silent

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

PATIENCE = 1.0
"""Seconds before the bar appears."""


class Bar:
    """Bytes done and expected, rate and time left."""

    def __init__(self) -> None:
        self._begun = time.monotonic()
        self._total = 0
        self._done = 0
        self._shown: tuple[RichProgress, TaskID] | None = None

    def expect(self, count: int) -> None:
        self._total += count
        self._update()

    def advance(self, count: int) -> None:
        self._done += count
        self._update()

    def close(self) -> None:
        """Remove the bar."""
        if self._shown is not None:
            self._shown[0].stop()

    def _update(self) -> None:
        if self._shown is None:
            if time.monotonic() - self._begun < PATIENCE:
                return
            self._shown = self._show()
        bar, task = self._shown
        bar.update(task, completed=self._done, total=self._total or None)

    def _show(self) -> tuple[RichProgress, TaskID]:
        from rich import progress  # noqa: PLC0415 - import time
        from rich.console import Console  # noqa: PLC0415

        bar = progress.Progress(
            progress.BarColumn(),
            progress.DownloadColumn(),
            progress.TransferSpeedColumn(),
            progress.TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        bar.start()
        return bar, bar.add_task("")


def make(*, quiet: bool) -> Progress:
    """Return a bar, unless `quiet` or without a terminal."""
    return Silent() if quiet or sys.stderr is None or not sys.stderr.isatty() else Bar()
