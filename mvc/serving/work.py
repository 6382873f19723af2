"""Where predictions run: a few threads, a bounded number of requests that wait for one, and a limit on their time."""

from __future__ import annotations

import asyncio
import os
import time
from collections import deque
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import NamedTuple, TypeVar

from mvc.serving.problem import Problem

T = TypeVar("T")
_SMALL, _SHORT, _LONG, _LATE = 64 << 10, 0.003, 0.05, 9
"""Bytes of a small request; seconds of a short job, and of one too long for the event loop; how many are looked at."""
_BODIES = 4
"""Bodies of the largest size that may be in memory at once."""
_LISTED = 8 << 20
"""Bytes of the largest document: values that are not sent as bytes become objects of 24 bytes and more."""
GONE = 499
"""The status of a request whose client went away: nginx's."""


class Limits(NamedTuple):
    """What a client can have at most."""

    body: int = 64 << 20
    """Bytes of a request."""
    waiting: int = 100
    """Requests that wait for a thread."""
    seconds: float = 30
    """Of a request, from its end to its answer."""
    arrival: float = 30
    """Seconds in which a request must arrive, and its answer be read."""
    drain: float = 30
    """Seconds that running requests get when the server stops."""

    @property
    def listed(self) -> int:
        """Bytes of a request besides tensors in bytes: of its JSON, or of its fields of gRPC."""
        return min(self.body, _LISTED)

    @property
    def bodies(self) -> int:
        """Bytes of requests in memory, and of answers that were not read yet: those of HTTP, and those of gRPC."""
        return _BODIES * self.body


def too_many_bytes() -> Problem:
    """Return the problem of a request for which there is no memory now."""
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, "too many large requests at once")


def too_much_listed(most: int) -> Problem:
    """Return the problem of a request that is too large without its tensors in bytes."""
    what = f"the request has more than {most:,} bytes besides tensors in bytes: send large ones as bytes"
    return Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, what)


class Pace:
    """How long a model takes for small requests of late."""

    def __init__(self) -> None:
        self._late: deque[float] = deque(maxlen=_LATE)

    def note(self, seconds: float) -> None:
        """Take another request into account."""
        self._late.append(seconds)

    @property
    def is_short(self) -> bool:
        """Whether the event loop can wait for the next one: most were short, though some waited for another thread."""
        late = sorted(self._late)
        return len(late) > 0 and late[len(late) // 2] < _SHORT and late[-1] < _LONG


class Work:
    """The threads. All methods are called in the event loop."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        count = len(os.sched_getaffinity(0))
        self._pool = ThreadPoolExecutor(count, "predict")
        self._free = asyncio.Semaphore(count)
        self._waiting = 0
        self.running = 0

    async def run(
        self, job: Callable[[], T], size: int, pace: Pace, is_gone: Callable[[], Awaitable[bool]],
    ) -> T:
        """Return what `job` returns in a thread, unless the client `is_gone` when its turn comes.

        `size` is the bytes of the request, `pace` the model's. Where both are small, a thread would take longer to
        wake up than the job takes, and it runs at once.

        Raises:
            Problem: too many wait, or it takes too long; a thread that began with it finishes it.
        """
        if size <= _SMALL:
            job = _noted(job, pace)
            if pace.is_short:
                return job()
        try:
            async with asyncio.timeout(self._limits.seconds):
                if self._free.locked():
                    await self._wait(is_gone)
                else:
                    await self._free.acquire()
                return await self._started(job)
        except TimeoutError:
            what = f"no answer within {self._limits.seconds:g} s"
            raise Problem(HTTPStatus.GATEWAY_TIMEOUT, what) from None

    async def _wait(self, is_gone: Callable[[], Awaitable[bool]]) -> None:
        if self._waiting >= self._limits.waiting:
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, f"{self._waiting} requests wait already")
        self._waiting += 1
        try:
            await self._free.acquire()
        finally:
            self._waiting -= 1
        try:
            if await is_gone():
                raise asyncio.CancelledError
        except BaseException:  # also the end of its time
            self._free.release()
            raise

    async def _started(self, job: Callable[[], T]) -> T:
        self.running += 1
        future = asyncio.get_running_loop().run_in_executor(self._pool, job)
        future.add_done_callback(self._done)
        return await asyncio.shield(future)

    def _done(self, future: asyncio.Future[T]) -> None:
        self.running -= 1
        self._free.release()
        if not future.cancelled():
            future.exception()  # of a request that nobody waits for any more

    def close(self) -> None:
        """Take no more."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def _noted(job: Callable[[], T], pace: Pace) -> Callable[[], T]:
    def run() -> T:
        begun = time.perf_counter()
        try:
            return job()
        finally:
            pace.note(time.perf_counter() - begun)

    return run
