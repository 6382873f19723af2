"""Threads for requests, limited by jobs and by a budget of bytes."""

from __future__ import annotations

import ctypes
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

BUDGET = 64 << 20
"""Most bytes of all parts in transit."""
JOBS = 8
"""Concurrent requests."""

_M_MMAP_THRESHOLD = -3
"""The parameter of this name in glibc's `malloc.h`."""

T = TypeVar("T")
R = TypeVar("R")


class Pool:
    """Calls functions in threads; see `RunAll`."""

    def __init__(self, jobs: int = JOBS, budget: int = BUDGET) -> None:
        """Use up to `jobs` threads, which start when they are needed, and `budget` bytes."""
        self._jobs, self._budget = jobs, budget
        self._threads = ThreadPoolExecutor(jobs, thread_name_prefix="mvc-transfer")
        _give_back_large_buffers()

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        """Wait for running calls; drop the others."""
        self._threads.shutdown(cancel_futures=True)

    def __call__(self, function: Callable[[T], R], items: Sequence[T], size: int) -> list[R]:
        return list(self.in_order(function, items, size))

    def in_order(self, function: Callable[[T], R], items: Iterable[T], size: int) -> Iterator[R]:
        """Yield the results in order while later calls run; `size` as in `RunAll`."""
        window = max(1, min(self._jobs, self._budget // max(size, 1)))
        running: deque[Future[R]] = deque()
        try:
            for item in items:
                running.append(self._threads.submit(function, item))
                if len(running) >= window:
                    yield running.popleft().result()
            while running:
                yield running.popleft().result()
        finally:
            for future in running:
                future.cancel()


def _give_back_large_buffers() -> None:
    """Let malloc return each buffer of 1 MiB or more to the system once it is free.

    By default it keeps them, in a heap for each thread, mixed with small objects: a third more memory.
    """
    with suppress(AttributeError):  # another libc
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, 1 << 20)
