"""Work on large files in threads, a few at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Generic, TypeVar

from mvc.fs.progress import Progress, Stoppable

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

T = TypeVar("T")


class Workers(Generic[T]):
    """Does up to `jobs` works at the same time, and yields their results in order; with one job, in this thread.

    After an error, also of the caller, the others end at their next report to `progress`.
    """

    def __init__(self, jobs: int, progress: Progress) -> None:
        self.progress = Stoppable(progress)
        self._jobs = jobs
        self._executor: ThreadPoolExecutor | None = None
        self._running: deque[Future[T]] = deque()

    def __enter__(self) -> Workers[T]:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self.progress.stop()
        if self._executor is not None:
            self._executor.shutdown(wait=True)

    def do(self, work: Callable[[], T]) -> Iterator[T]:
        """Start `work`; yield the oldest result if more than `jobs` are being done."""
        if self._jobs <= 1:
            yield work()
            return
        self._running.append(self._threads().submit(work))
        if len(self._running) > self._jobs:
            yield self._running.popleft().result()

    def rest(self) -> Iterator[T]:
        """Yield the remaining results."""
        while self._running:
            yield self._running.popleft().result()

    def _threads(self) -> ThreadPoolExecutor:
        from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - only large files need threads

        self._executor = self._executor or ThreadPoolExecutor(self._jobs, "mvc-work")
        return self._executor
