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
Feed: TypeAlias = Callable[[int, Sequence[Update]], int]
"""Gives all content, of the expected size, to all updates; returns the number of bytes."""

_room = threading.Semaphore(AT_ONCE)
_free: list[memoryview] = []
"""Windows to use again: getting memory from the kernel takes longer than reading as much."""


def hash_bytes(data: bytes) -> Digest:
    """Return the digest of `data`."""
    return Digest(blake3(data).hexdigest(), xxh3_128_hexdigest(data), len(data))


def hash_stream(fd: int, size: int, progress: Progress = SILENT, also: Sequence[Update] = ()) -> Digest:
    """Return the digest of the file `fd` from its position on, which stays; `size` and `also` as in `hash_reader`.

    Bytes read are reported to `progress`.
    """
    return _hash(partial(_feed_file, fd, progress), size, also)


def hash_reader(read: Reader, size: int, also: Sequence[Update] = ()) -> Digest:
    """Return the digest of everything that `read` returns. It is called in this thread, so that Ctrl-C can end it.

    `size` is the expected size in bytes, which only decides whether to use threads. The digest has the size that was
    read. All parts of the content are given to `also`, in order: a hash of another kind.
    """
    return _hash(partial(_feed_reader, read), size, also)


def quick_stream(fd: int, size: int, progress: Progress = SILENT) -> tuple[str, int]:
    """Return xxh128, in hex, and size of the rest of the file `fd`: enough to detect bit rot. See `hash_stream`."""
    return _quick(partial(_feed_file, fd, progress), size)


def quick_reader(read: Reader, size: int) -> tuple[str, int]:
    """Return xxh128, in hex, and size of everything that `read` returns; see `hash_reader`."""
    return _quick(partial(_feed_reader, read), size)


def _hash(feed: Feed, size: int, also: Sequence[Update]) -> Digest:
    strong, quick = blake3(max_threads=CORES if size >= THREADED else 1), xxh3_128()
    found = feed(size, (quick.update, strong.update, *also))
    return Digest(strong.hexdigest(), quick.hexdigest(), found)


def _quick(feed: Feed, size: int) -> tuple[str, int]:
    quick = xxh3_128()
    found = feed(size, (quick.update,))
    return quick.hexdigest(), found


def _feed_file(fd: int, progress: Progress, size: int, updates: Sequence[Update]) -> int:
    start = os.lseek(fd, 0, os.SEEK_CUR)
    if size < THREADED:
        return _feed_here(counted(reader_at(fd, start), progress), updates)
    with _room:
        return _Turns(lambda at: counted(reader_at(fd, start + at), progress), updates).run()


def _feed_reader(read: Reader, size: int, updates: Sequence[Update]) -> int:
    if size < THREADED:
        return _feed_here(read, updates)
    with _room:
        return _feed_ahead(read, updates)


def _feed_here(read: Reader, updates: Sequence[Update]) -> int:
    size = 0
    with _window() as window:
        while count := read(window[:CHUNK]):
            _update(updates, window[:count])
            size += count
    return size


def _feed_ahead(read: Reader, updates: Sequence[Update]) -> int:
    """Read in this thread while another hashes what was read before."""
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - only large files need threads

    size, count = 0, WINDOW
    with _window() as one, _window() as other, ThreadPoolExecutor(1, "mvc-hash") as hasher:
        here, there = one, other
        hashed = hasher.submit(_update, updates, here[:0])
        while count == WINDOW:  # less is the end: a reader is not asked again
            count = _fill(read, here)
            hashed.result()
            hashed = hasher.submit(_update, updates, here[:count])
            here, there = there, here
            size += count
        hashed.result()
    return size


def _update(updates: Sequence[Update], part: memoryview) -> None:
    for update in updates:
        update(part)


def _fill(read: Reader, window: memoryview) -> int:
    """Fill a window unless the content ends before. Return the number of bytes."""
    filled = 0
    while filled < len(window) and (count := read(window[filled : filled + CHUNK])):
        filled += count
    return filled


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


class _Turns:
    """Threads that read different windows at the same time, and hash them in the order of the content."""

    def __init__(self, reader_at: Callable[[int], Reader], updates: Sequence[Update]) -> None:
        self._reader_at, self._updates = reader_at, updates
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
            start = self._claimed
            self._claimed += WINDOW
        part = window[: _fill(self._reader_at(start), window)]
        with self._turn:
            self._turn.wait_for(lambda: self._ended or self._hashed == start)
            if not self._ended:
                self._hash(part)
            self._turn.notify_all()

    def _hash(self, part: memoryview) -> None:
        _update(self._updates, part)
        self._hashed += len(part)
        if len(part) < WINDOW:  # else Ctrl-C may have ended it meanwhile
            self._ended = True
