"""Both hashes of some content in one read.

From `THREADED` bytes on, one thread reads ahead, one computes xxh128, and the cores share blake3, the slowest: all
release the interpreter lock. A file is never mapped into memory: it may shrink while it is read.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, TypeAlias

from blake3 import blake3
from xxhash import xxh3_128, xxh3_128_hexdigest

from mvc.fs.copying import Reader, counted, reader_of
from mvc.fs.progress import SILENT, Progress
from mvc.objects.digest import Digest

CHUNK = 1 << 20
"""Bytes per read at most: progress and Ctrl-C wait for one."""
WINDOW = 2 << 20
"""Bytes that the threads hand on at once; more of them would not stay in the processor's cache."""
WINDOWS = 4
AT_ONCE = 8
"""Contents hashed in threads at the same time: with `WINDOWS` each, they use 64 MiB."""
_PAGE = 4096
"""Minimal bytes per read, as there may be more than expected."""
THREADED = 8 << 20

Update: TypeAlias = Callable[[memoryview], object]

_room = threading.Semaphore(AT_ONCE)


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
        return _feed_here(read, max(_PAGE, min(size + 1, CHUNK)), updates)
    with _room:
        return _feed_threads(read, updates)


def _feed_here(read: Reader, chunk: int, updates: Sequence[Update]) -> int:
    size = 0
    buffer = memoryview(bytearray(chunk))
    while count := read(buffer):
        for update in updates:
            update(buffer[:count])
        size += count
    return size


def _feed_threads(read: Reader, updates: Sequence[Update]) -> int:
    size, count = 0, WINDOW
    threads = _Threads(updates)
    try:
        threads.start()
        while count == WINDOW:  # less is the end: a reader is not asked again
            count = _fill(read, window := threads.free.get())
            threads.put(window[:count])
            size += count
    finally:
        threads.stop()
    if threads.error is not None:
        raise threads.error
    return size


def _fill(read: Reader, window: memoryview) -> int:
    """Fill a window unless the content ends before. Return the number of bytes."""
    filled = 0
    while filled < len(window) and (count := read(window[filled : filled + CHUNK])):
        filled += count
    return filled


class _Threads:
    """A thread for each function: windows go through all of them, and come back through `free`."""

    def __init__(self, updates: Sequence[Update]) -> None:
        self.error: BaseException | None = None
        self._queues: list[SimpleQueue[Any]] = [SimpleQueue() for _ in range(len(updates) + 1)]
        self.free = self._queues[-1]
        for _ in range(WINDOWS):
            self.free.put(memoryview(bytearray(WINDOW)))
        self._threads = [
            threading.Thread(target=self._run, args=(update, *self._queues[at : at + 2]), name="mvc-hash")
            for at, update in enumerate(updates)
        ]

    def start(self) -> None:
        """Start the threads. After an interruption by Ctrl-C, `stop` ends what was started."""
        for thread in self._threads:
            thread.start()

    def put(self, window: memoryview) -> None:
        self._queues[0].put(window)

    def stop(self) -> None:
        """Wait until all windows are hashed; an interruption adds none."""
        self._queues[0].put(None)
        for thread in self._threads:
            with suppress(RuntimeError):  # it is not running yet, and will end at once
                thread.join()

    def _run(self, update: Update, source: SimpleQueue[Any], sink: SimpleQueue[Any]) -> None:
        while (window := source.get()) is not None:
            try:
                update(window)
            except BaseException as error:  # noqa: BLE001 - for the thread that waits for the windows
                self.error = error
            sink.put(window)
        sink.put(None)
