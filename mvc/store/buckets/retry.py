"""A bucket that tries again: what may go away by itself is given time to, anything else comes out at once."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from inspect import isgenerator
from typing import NamedTuple, TypeVar

from mvc.store.buckets.bucket import PART, Bucket, Check, Item, RemoteError, Run, SlowDown, Transient

T = TypeVar("T")
R = TypeVar("R")

TRIES = 10
TOTAL = 180.0
"""Seconds after which no further try is begun."""
_FIRST = 0.2
_LONGEST = 20.0
_MOST = 64
"""Requests at once, unless the remote asks for fewer."""


class Clock(NamedTuple):
    """Time, and chance; a test has its own."""

    now: Callable[[], float] = time.monotonic
    chance: Callable[[], float] = random.random
    """A number from 0 up to 1."""
    wait: Callable[[threading.Event, float], object] = threading.Event.wait
    """Waits so many seconds, or until the event is set."""


class Retrying:
    """Passes everything on to another bucket, and asks again after `Transient`.

    After an error it waits up to 0.2 s, then up to 0.4 s and so on, by chance, so that many do not
    come back at once. On `SlowDown` it halves what is under way at once, and grows again slowly.
    Once something was given up, other failures are not tried again until something succeeds.
    """

    def __init__(self, bucket: Bucket, clock: Clock = Clock()) -> None:
        """Wrap `bucket`."""
        self.url = bucket.url
        self._bucket = bucket
        self._clock = clock
        self._gate = Gate()
        self._stop = threading.Event()
        self._gave_up = False

    @property
    def requests(self) -> int:
        """See `Bucket.requests`."""
        return self._bucket.requests

    def head(self, key: str) -> Item | None:
        """See `Bucket.head`."""
        return self._again(lambda: self._bucket.head(key))

    def list(self, prefix: str) -> Iterator[Item]:
        """See `Bucket.list`."""
        items = self._bucket.list(prefix)
        if isgenerator(items):
            yield from items  # what failed in it cannot be asked again
            return
        while (item := self._again(lambda: next(items, None))) is not None:
            yield item

    def read(self, item: Item, start: int, end: int) -> bytes:
        """See `Bucket.read`."""
        return self._again(lambda: self._bucket.read(item, start, end))

    def open_local(self, item: Item) -> int | None:
        """See `Bucket.open_local`."""
        return self._bucket.open_local(item)

    def write(self, key: str, data: bytes, *, new: bool = False) -> bool:
        """See `Bucket.write`."""
        tries = 0

        def write() -> bool:
            nonlocal tries
            tries += 1
            if self._bucket.write(key, data, new=new):
                return True
            return tries > 1 and self._holds(key, data)  # perhaps it was we, and only the answer was lost

        return self._again(write)

    def _holds(self, key: str, data: bytes) -> bool:
        item = self._bucket.head(key)
        return item is not None and item.size == len(data) and self._bucket.read(item, 0, item.size) == data

    def upload(self, key: str, fd: int, size: int, run: Run, check: Check | None = None) -> None:
        """See `Bucket.upload`. Each of its requests is tried again by itself."""
        if size <= PART:
            self._again(lambda: self._bucket.upload(key, fd, size, run, check))
            return

        def run_again(function: Callable[[T], R], items: Sequence[T], size: int) -> list[R]:
            return run(lambda item: self._again(lambda: function(item)), items, size)

        self._bucket.upload(key, fd, size, run_again, check)

    def delete(self, keys: Iterable[str]) -> None:
        """See `Bucket.delete`."""
        keys = list(keys)
        self._again(lambda: self._bucket.delete(keys))

    def sweep(self, before: float) -> int:
        """See `Bucket.sweep`."""
        return self._again(lambda: self._bucket.sweep(before))

    def close(self) -> None:
        """See `Bucket.close`."""
        self._stop.set()
        self._bucket.close()

    def _again(self, ask: Callable[[], T]) -> T:
        """Return what `ask` returns, in the end."""
        begun, pause = self._clock.now(), _FIRST
        for left in range(TRIES - 1, -1, -1):
            try:
                with self._gate.entered():
                    answer = ask()
            except Transient as error:
                if isinstance(error, SlowDown):
                    self._gate.narrow()
                wait = self._clock.chance() * pause
                late = self._clock.now() + wait - begun > TOTAL
                if self._gave_up or late or not left:
                    self._gave_up = True
                    raise
                self._pause(wait)
                pause = min(2 * pause, _LONGEST)
            else:
                self._gave_up = False
                self._gate.widen()
                return answer
        raise AssertionError("the last try returns or raises")

    def _pause(self, seconds: float) -> None:
        self._clock.wait(self._stop, seconds)
        if self._stop.is_set():
            raise RemoteError(f"{self.url}: stopped")


class Gate:
    """Lets a number of threads be inside at once, which shrinks and grows."""

    def __init__(self, most: int = _MOST) -> None:
        """Let in `most` at first, and never more."""
        self._most = most
        self._width = float(most)
        self._inside = 0
        self._changed = threading.Condition()

    @property
    def width(self) -> int:
        """How many may be inside at once."""
        return int(self._width)

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Be inside, once there is room."""
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
        """Let in half as many as are inside now."""
        with self._changed:
            self._width = max(1.0, min(self._width, self._inside + 1) / 2)

    def widen(self) -> None:
        """Let in one more, after as many successes as may be inside at once."""
        with self._changed:
            self._width = min(float(self._most), self._width + 1 / self._width)
            self._changed.notify()
