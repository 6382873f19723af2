"""Progress of long work in bytes: the core reports it, the command line shows it. A report may also end the work."""

from __future__ import annotations

import threading
from typing import Protocol


class Progress(Protocol):
    """Receives the progress of work; several threads may report."""

    def expect(self, count: int) -> None:
        """Add `count` bytes to the total."""
        ...

    def advance(self, count: int) -> None:
        """Count `count` bytes as done.

        Raises:
            Stopped: the work is to end now.
        """
        ...


class Silent:
    """Shows no progress."""

    def expect(self, count: int) -> None: ...
    def advance(self, count: int) -> None: ...


SILENT = Silent()


class Share:
    """The progress of one file, object or part, of which `size` bytes are expected already.

    Bytes that are read or sent once more do not count. At the end, all count as done: also those that were not read, or
    that failed.
    """

    def __init__(self, progress: Progress, size: int) -> None:
        self._progress = progress
        self._left = size
        self._counting = threading.Lock()

    def expect(self, count: int) -> None:
        with self._counting:
            self._left += count
        self._progress.expect(count)

    def advance(self, count: int) -> None:
        with self._counting:
            count = min(count, self._left)
            self._left -= count
        self._progress.advance(count)

    def __enter__(self) -> Share:
        return self

    def __exit__(self, *_: object) -> None:
        self.advance(self._left)


class Stopped(Exception):
    """The command was interrupted while another thread worked for it."""


class Stoppable:
    """Passes progress on. After `stop`, the next report ends the work of its thread."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._stopped = False

    def stop(self) -> None:
        self._stopped = True

    def expect(self, count: int) -> None:
        self._progress.expect(count)

    def advance(self, count: int) -> None:
        self._progress.advance(count)
        if self._stopped:
            raise Stopped
