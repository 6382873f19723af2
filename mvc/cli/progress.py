"""A line about progress on stderr, if that is a terminal, for commands that take longer than a moment."""

from __future__ import annotations

import os
import sys
import threading
import time
from contextlib import suppress

from mvc.fs.progress import Progress, Silent
from mvc.objects.visible import size

PATIENCE = 0.3
"""Seconds before the line appears."""
_EVERY = 0.1
"""Seconds between two updates."""
_ERASE = "\r\x1b[K"
_MINUTE = 60


class Bar:
    """A line with bytes done and expected, rate and time left.

    It is erased when all that was expected is done, so before a result is printed.
    """

    def __init__(self) -> None:
        self._begun = time.monotonic()
        self._total = self._done = 0
        self._drawing = threading.Lock()
        self._drawn = False
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="mvc-progress", daemon=True)

    def expect(self, count: int) -> None:
        with self._drawing:
            self._total += count
            if count and self._thread.ident is None and not self._closed.is_set():
                self._thread.start()

    def advance(self, count: int) -> None:
        with self._drawing:
            self._done += count
            if self._done >= self._total:
                self._erase()

    def close(self) -> None:
        """Remove the line, and show no other."""
        with self._drawing:
            self._closed.set()
            self._erase()

    def _run(self) -> None:
        wait = PATIENCE - (time.monotonic() - self._begun)
        while not self._closed.wait(wait):
            with self._drawing:
                if self._done < self._total and not self._closed.is_set():
                    self._draw()
            wait = _EVERY

    def _draw(self) -> None:
        text = line(self._done, self._total, time.monotonic() - self._begun)
        _write(f"{_ERASE}{text[: _width() - 1]}")
        self._drawn = True

    def _erase(self) -> None:
        if self._drawn:
            _write(_ERASE)
            self._drawn = False


def line(done: int, total: int, seconds: float) -> str:
    """Return the text for `done` of `total` bytes after some seconds."""
    text = f"{100 * done // total:3d} %  {size(done)} of {size(total)}"
    if not done:
        return text
    left = round((total - done) * seconds / done)
    return f"{text}  {size(round(done / seconds))}/s  {left // _MINUTE}:{left % _MINUTE:02d} left"


def _write(text: str) -> None:
    with suppress(OSError):  # the terminal is gone: the work goes on
        os.write(sys.stderr.fileno(), text.encode())


def _width() -> int:
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or 80
    except OSError:
        return 80


def make(*, quiet: bool) -> Progress:
    """Return a bar, unless `quiet` or without a terminal."""
    return Silent() if quiet or sys.stderr is None or not sys.stderr.isatty() else Bar()
