"""Both hashes of some content in one read.

From `THREADED` bytes on, one thread reads ahead while another hashes, and the cores share blake3, the slowest: all
release the interpreter lock. A file is never mapped into memory: it may shrink while it is read.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from mmap import MAP_ANONYMOUS, MAP_PRIVATE, mmap
from typing import TypeAlias

from blake3 import blake3
from xxhash import xxh3_128, xxh3_128_hexdigest

from mvc.fs.copying import Reader, counted, reader_of
from mvc.fs.progress import SILENT, Progress
from mvc.objects.digest import Digest

CHUNK = 1 << 20
"""Bytes per read at most: progress and Ctrl-C wait for one."""
WINDOW = 2 << 20
"""Bytes that a thread reads, then hashes: the cores take long to share fewer, and more leave the processor's cache."""
AT_ONCE = 8
"""Contents hashed in threads at the same time: with two windows each, they use 32 MiB."""
THREADED = 8 << 20

Update: TypeAlias = Callable[[memoryview], object]

_room = threading.Semaphore(AT_ONCE)
_free: list[memoryview] = []
"""Windows to use again: getting memory from the kernel takes longer than reading as much."""


def hash_bytes(data: bytes) -> Digest:
    """Return the digest of `data`."""
    return Digest(blake3(data).hexdigest(), xxh3_128_hexdigest(data), len(data))


def hash_stream(fd: int, size: int, progress: Progress = SILENT) -> Digest:
    """Return the digest of the rest of `fd`; `size` as in `hash_reader`. Bytes read are reported to `progress`."""
    return hash_reader(counted(reader_of(fd), progress), size)


def hash_reader(read: Reader, size: int) -> Digest:
    """Return the digest of everything that `read` returns.

    `size` is the expected size in bytes, which only decides whether to use threads. The digest has the size that was
    read.
    """
    cores = len(os.sched_getaffinity(0)) if size >= THREADED else 1
    strong, quick = blake3(max_threads=cores), xxh3_128()
    found = _feed(read, size, (quick.update, strong.update))
    return Digest(strong.hexdigest(), quick.hexdigest(), found)


def quick_reader(read: Reader, size: int) -> tuple[str, int]:
    """Return xxh128, in hex, and size of everything that `read` returns: enough to detect bit rot.

    `size` as in `hash_reader`.
    """
    quick = xxh3_128()
    found = _feed(read, size, (quick.update,))
    return quick.hexdigest(), found


def _feed(read: Reader, size: int, updates: Sequence[Update]) -> int:
    """Give everything that `read` returns to all `updates`. Return the number of bytes."""
    if size < THREADED:
        with _window() as window:
            return _feed_here(read, window[:CHUNK], updates)
    with _room:
        return _Turns(read, updates).run()


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


def _feed_here(read: Reader, window: memoryview, updates: Sequence[Update]) -> int:
    size = 0
    while count := read(window):
        for update in updates:
            update(window[:count])
        size += count
    return size


def _fill(read: Reader, window: memoryview) -> int:
    """Fill a window unless the content ends before. Return the number of bytes."""
    filled = 0
    while filled < len(window) and (count := read(window[filled : filled + CHUNK])):
        filled += count
    return filled


class _Turns:
    """Two threads take turns: while one hashes its window, the other reads the next one."""

    def __init__(self, read: Reader, updates: Sequence[Update]) -> None:
        self._read, self._updates = read, updates
        self._reading, self._hashing = threading.Lock(), threading.Lock()
        self._size = 0
        self._ended = False
        self._error: BaseException | None = None
        self._threads = [threading.Thread(target=self._run, name="mvc-hash") for _ in range(2)]

    def run(self) -> int:
        """Read and hash everything; return the number of bytes. Ctrl-C ends it after the windows that were read."""
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
        return self._size

    def _run(self) -> None:
        try:
            with _window() as window:
                while not self._ended:
                    self._take(window)
        except BaseException as error:  # noqa: BLE001 - for the thread that waits for this one
            self._error = error
            self._ended = True

    def _take(self, window: memoryview) -> None:
        with self._reading:
            if self._ended:
                return
            count = _fill(self._read, window)
            self._ended = count < WINDOW  # a reader is not asked again
            self._hashing.acquire()  # before the other thread may read: windows are hashed in their order
        try:
            for update in self._updates:
                update(window[:count])
            self._size += count
        finally:
            self._hashing.release()
