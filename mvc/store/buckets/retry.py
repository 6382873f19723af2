"""A bucket with retries: it waits after transient failures, and raises any other at once."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from inspect import isgenerator
from traceback import clear_frames
from typing import NamedTuple, TypeVar

from mvc.fs.progress import SILENT, Progress
from mvc.store.buckets.bucket import PART, Bucket, Check, Item, RemoteError, RunAll, SlowDown, Transient

T = TypeVar("T")
R = TypeVar("R")

TRIES = 30
"""Enough for a server that fails at once for more than a minute."""
TOTAL = 180.0
"""Seconds after which retrying ends."""
_FIRST = 0.2
_LONGEST = 20.0
_MOST = 64
"""Concurrent requests, until the remote asks for fewer."""


class Clock(NamedTuple):
    """Time and randomness; tests have their own."""

    now: Callable[[], float] = time.monotonic
    chance: Callable[[], float] = random.random
    """A number from 0 up to 1."""
    wait: Callable[[threading.Event, float], object] = threading.Event.wait
    """Waits for some seconds, or until the event is set."""


class Retrying:
    """Passes everything on to another bucket, and retries after `Transient`.

    It waits a random time of up to 0.2 s, then 0.4 s and so on, so that clients do not return together. On `SlowDown`
    it halves the concurrent requests, and slowly allows more again. After it has given up, it does not retry until a
    request succeeds.
    """

    def __init__(self, bucket: Bucket, clock: Clock = Clock()) -> None:
        self.url = bucket.url
        self._bucket = bucket
        self._clock = clock
        self._limit = ConcurrencyLimit()
        self._stop = threading.Event()
        self._gave_up = False

    @property
    def requests(self) -> int:
        return self._bucket.requests

    def head(self, key: str) -> Item | None:
        return self._again(lambda: self._bucket.head(key))

    def list(self, prefix: str) -> Iterator[Item]:
        items = self._bucket.list(prefix)
        if isgenerator(items):
            yield from items  # a generator ends with its error
            return
        while (item := self._again(lambda: next(items, None))) is not None:
            yield item

    def read(self, item: Item, start: int, end: int, progress: Progress = SILENT) -> bytes:
        return self._again(lambda: self._bucket.read(item, start, end, progress))

    def open_local(self, item: Item) -> int | None:
        return self._bucket.open_local(item)

    def write(self, key: str, data: bytes, *, new: bool = False) -> bool:
        tries = 0

        def write() -> bool:
            nonlocal tries
            tries += 1
            if self._bucket.write(key, data, new=new):
                return True
            return tries > 1 and self._holds(key, data)  # an earlier try may have succeeded without an answer

        return self._again(write)

    def _holds(self, key: str, data: bytes) -> bool:
        item = self._bucket.head(key)
        return item is not None and item.size == len(data) and self._bucket.read(item, 0, item.size) == data

    def upload(
        self, key: str, fd: int, size: int, run: RunAll, check: Check | None = None, progress: Progress = SILENT,
    ) -> None:
        if size <= PART:
            self._again(lambda: self._bucket.upload(key, fd, size, run, check, progress))
            return

        # Each request of a large upload is retried by itself.
        def run_again(function: Callable[[T], R], items: Sequence[T], size: int) -> list[R]:
            return run(lambda item: self._again(lambda: function(item)), items, size)

        self._bucket.upload(key, fd, size, run_again, check, progress)

    def delete(self, keys: Iterable[str]) -> None:
        keys = list(keys)
        self._again(lambda: self._bucket.delete(keys))

    def sweep(self, before: float) -> int:
        return self._again(lambda: self._bucket.sweep(before))

    def close(self) -> None:
        self._stop.set()
        self._bucket.close()

    def _again(self, ask: Callable[[], T]) -> T:
        begun, pause = self._clock.now(), _FIRST
        for tries in range(1, TRIES + 1):
            try:
                with self._limit.entered():
                    answer = ask()
            except Transient as error:
                _forget_content(error)
                if isinstance(error, SlowDown):
                    self._limit.narrow()
                wait = self._clock.chance() * pause
                spent = self._clock.now() - begun
                if self._gave_up or spent + wait > TOTAL or tries == TRIES:
                    self._gave_up = True
                    if tries > 1:
                        error.message += f"; gave up after {tries} tries in {spent:.0f} s"
                    raise
                self._pause(wait)
                pause = min(2 * pause, _LONGEST)
            else:
                self._gave_up = False
                self._limit.widen()
                return answer
        raise AssertionError("the last try returns or raises")

    def _pause(self, seconds: float) -> None:
        self._clock.wait(self._stop, seconds)
        if self._stop.is_set():
            raise RemoteError(f"{self.url}: stopped")


def _forget_content(error: BaseException | None) -> None:
    """Let go of what a failed request has sent or received: frames in tracebacks hold it, in cycles.

    Otherwise each part that waits for its next try would hold its bytes, and each try would leave some behind.
    """
    while error is not None:
        clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__


class ConcurrencyLimit:
    """Limits the threads in a block of code to a number that shrinks and grows, up to `most`."""

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._width = float(most)
        self._inside = 0
        self._changed = threading.Condition()

    @property
    def width(self) -> int:
        """The number of threads that may be inside."""
        return int(self._width)

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Wait for a free slot, and take it."""
        with self._changed:
            self._changed.wait_for(lambda: self._inside < self.width)
            self._inside += 1
        try:
            yield
        finally:
            with self._changed:
                self._inside -= 1
                self._changed.notify()

    def narrow(self) -> None:
        """Limit to half of the threads that are inside now."""
        with self._changed:
            self._width = max(1.0, min(self._width, self._inside + 1) / 2)

    def widen(self) -> None:
        """Count a success; `width` successes raise the limit by one."""
        with self._changed:
            self._width = min(float(self._most), self._width + 1 / self._width)
            self._changed.notify()
