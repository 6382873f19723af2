"""Both hashes of some content in one read.

From `THREADED` bytes on, threads read different parts of a file and hash them in turn, and the cores share blake3, the
slowest: all release the interpreter lock. A file is never mapped into memory: it may shrink while it is read.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from mmap import MAP_ANONYMOUS, MAP_PRIVATE, mmap
from typing import TypeAlias

from blake3 import blake3
from xxhash import xxh3_128, xxh3_128_hexdigest

from mvc.fs.copying import Reader, counted, reader_at
from mvc.fs.progress import SILENT, Progress
from mvc.objects.digest import Digest

CHUNK = 1 << 20
"""Bytes per read at most: progress and Ctrl-C wait for one."""
WINDOW = 2 << 20
"""Bytes that a thread reads, then hashes: the cores take long to share fewer, and more leave the processor's cache."""
AT_ONCE = 8
"""Contents hashed in threads at the same time: with a window for each thread, they use 64 MiB at most."""
CORES = len(os.sched_getaffinity(0))
_THREADS = max(2, min(CORES, 4))
"""For one content: four can read as fast as many cores hash."""
THREADED = 8 << 20

Update: TypeAlias = Callable[[memoryview], object]
Claim: TypeAlias = Callable[[memoryview], Callable[[], int]]
"""Claims the next part of some content, as large as the window it gets. It returns what fills the window, unless the
content ends before, and returns the number of bytes."""

_room = threading.Semaphore(AT_ONCE)
_free: list[memoryview] = []
"""Windows to use again: getting memory from the kernel takes longer than reading as much."""


def hash_bytes(data: bytes) -> Digest:
    """Return the digest of `data`."""
    return Digest(blake3(data).hexdigest(), xxh3_128_hexdigest(data), len(data))


def hash_stream(fd: int, size: int, progress: Progress = SILENT) -> Digest:
    """Return the digest of the file `fd` from its position on, which stays; `size` as in `hash_reader`.

    Bytes read are reported to `progress`.
    """
    return _hash(_anywhere(fd, progress), size)


def hash_reader(read: Reader, size: int) -> Digest:
    """Return the digest of everything that `read` returns.

    `size` is the expected size in bytes, which only decides whether to use threads. The digest has the size that was
    read.
    """
    return _hash(_in_order(read), size)


def quick_stream(fd: int, size: int, progress: Progress = SILENT) -> tuple[str, int]:
    """Return xxh128, in hex, and size of the rest of the file `fd`: enough to detect bit rot. See `hash_stream`."""
    return _quick(_anywhere(fd, progress), size)


def quick_reader(read: Reader, size: int) -> tuple[str, int]:
    """Return xxh128, in hex, and size of everything that `read` returns; `size` as in `hash_reader`."""
    return _quick(_in_order(read), size)


def _hash(claim: Claim, size: int) -> Digest:
    strong, quick = blake3(max_threads=CORES if size >= THREADED else 1), xxh3_128()
    found = _feed(claim, size, (quick.update, strong.update))
    return Digest(strong.hexdigest(), quick.hexdigest(), found)


def _quick(claim: Claim, size: int) -> tuple[str, int]:
    quick = xxh3_128()
    found = _feed(claim, size, (quick.update,))
    return quick.hexdigest(), found


def _in_order(read: Reader) -> Claim:
    """Return claims on a stream: each is read at once. After its end, the reader is not asked again."""
    ended = False

    def claim(window: memoryview) -> Callable[[], int]:
        nonlocal ended
        count = 0 if ended else _fill(read, window)
        ended = count < len(window)
        return lambda: count

    return claim


def _anywhere(fd: int, progress: Progress) -> Claim:
    """Return claims on a file that several threads may read at the same time."""
    position = os.lseek(fd, 0, os.SEEK_CUR)

    def claim(window: memoryview) -> Callable[[], int]:
        nonlocal position
        read = counted(reader_at(fd, position), progress)
        position += len(window)
        return partial(_fill, read, window)

    return claim


def _fill(read: Reader, window: memoryview) -> int:
    """Fill a window unless the content ends before. Return the number of bytes."""
    filled = 0
    while filled < len(window) and (count := read(window[filled : filled + CHUNK])):
        filled += count
    return filled


def _feed(claim: Claim, size: int, updates: Sequence[Update]) -> int:
    """Give all content to all `updates`. Return the number of bytes."""
    if size < THREADED:
        with _window() as window:
            return _feed_here(claim, window[:CHUNK], updates)
    with _room:
        return _Turns(claim, updates).run()


@contextmanager
def _window() -> Iterator[memoryview]:
    """Lend memory for `WINDOW` bytes. It begins with a page: reading into other memory takes 1.5 times as long."""
    try:
        window = _free.pop()
    except IndexError:
        window = memoryview(mmap(-1, WINDOW, MAP_PRIVATE | MAP_ANONYMOUS))
    try:
        yield window
    finally:
        _free.append(window)


def _feed_here(claim: Claim, window: memoryview, updates: Sequence[Update]) -> int:
    size, count = 0, len(window)
    while count == len(window):
        count = claim(window)()
        for update in updates:
            update(window[:count])
        size += count
    return size


class _Turns:
    """Threads that read different windows at the same time, and hash them in the order of the content."""

    def __init__(self, claim: Claim, updates: Sequence[Update]) -> None:
        self._claim, self._updates = claim, updates
        self._claiming, self._turn = threading.Lock(), threading.Condition()
        self._claimed = self._hashed = 0
        """In bytes."""
        self._ended = False
        self._error: BaseException | None = None
        self._threads = [threading.Thread(target=self._run, name="mvc-hash") for _ in range(_THREADS)]

    def run(self) -> int:
        """Read and hash everything; return the number of bytes. Ctrl-C ends it after the windows that were claimed."""
        try:
            for thread in self._threads:
                thread.start()
            for thread in self._threads:
                thread.join()
        finally:
            self._ended = True
            for thread in self._threads:
                with suppress(RuntimeError):  # it is not running yet, and will end at once
                    thread.join()
        if self._error is not None:
            raise self._error
        return self._hashed

    def _run(self) -> None:
        try:
            with _window() as window:
                while not self._ended:
                    self._take(window)
        except BaseException as error:  # noqa: BLE001 - for the thread that waits for this one
            with self._turn:
                self._error, self._ended = error, True
                self._turn.notify_all()

    def _take(self, window: memoryview) -> None:
        with self._claiming:
            start, fill = self._claimed, self._claim(window)
            self._claimed += WINDOW
        part = window[: fill()]
        with self._turn:
            self._turn.wait_for(lambda: self._ended or self._hashed == start)
            if not self._ended:
                self._hash(part)
            self._turn.notify_all()

    def _hash(self, part: memoryview) -> None:
        for update in self._updates:
            update(part)
        self._hashed += len(part)
        self._ended = len(part) < WINDOW
