"""Both hashes of some content in one read.

blake3 is the slower one, so above `THREADED` bytes it runs in its own thread while reading goes on: both release the
interpreter lock.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from queue import SimpleQueue

from blake3 import blake3
from xxhash import xxh3_128, xxh3_128_hexdigest

from mvc.fs.copying import Reader, reader_of
from mvc.objects.digest import Digest

CHUNK = 1 << 20
"""Bytes per read; with `BUFFERS` of them, a stream uses 4 MiB."""
BUFFERS = 4
_PAGE = 4096
"""Minimal bytes per read, as there may be more than expected."""
THREADED = 8 << 20


def hash_bytes(data: bytes) -> Digest:
    """Return the digest of `data`."""
    return Digest(blake3(data).hexdigest(), xxh3_128_hexdigest(data), len(data))


def hash_stream(fd: int, size: int) -> Digest:
    """Return the digest of the rest of `fd`; `size` as in `hash_reader`."""
    return hash_reader(reader_of(fd), size)


def hash_reader(read: Reader, size: int) -> Digest:
    """Return the digest of everything that `read` returns.

    `size` is the expected size in bytes, which only decides whether to use a thread. The digest has the size that was
    read.
    """
    if size < THREADED:
        return _hash_alone(read, max(_PAGE, min(size + 1, CHUNK)))
    return _hash_threaded(read)


def quick_reader(read: Reader) -> tuple[str, int]:
    """Return xxh128, in hex, and size of everything that `read` returns: enough to detect bit rot."""
    quick, size = xxh3_128(), 0
    buffer = memoryview(bytearray(CHUNK))
    while count := read(buffer):
        quick.update(buffer[:count])
        size += count
    return quick.hexdigest(), size


def _hash_alone(read: Reader, chunk: int) -> Digest:
    strong, quick, size = blake3(), xxh3_128(), 0
    buffer = memoryview(bytearray(chunk))
    while count := read(buffer):
        part = buffer[:count]
        strong.update(part)
        quick.update(part)
        size += count
    return Digest(strong.hexdigest(), quick.hexdigest(), size)


class _Blake3Thread:
    """A thread that hashes buffers with blake3; they come back through `free`."""

    def __init__(self) -> None:
        self.free: SimpleQueue[memoryview] = SimpleQueue()
        for _ in range(BUFFERS):
            self.free.put(memoryview(bytearray(CHUNK)))
        self._full: SimpleQueue[tuple[memoryview, int] | None] = SimpleQueue()
        self._hasher = blake3()  # single-threaded: more threads would slow down copying
        self._thread = threading.Thread(target=self._run, name="mvc-blake3")

    def start(self) -> None:
        """Start the thread. After an interruption by Ctrl-C, `stop` ends what was started."""
        self._thread.start()

    def stop(self) -> None:
        self._full.put(None)
        with suppress(RuntimeError):  # it is not running yet, and will end at once
            self._thread.join()

    def update(self, buffer: memoryview, count: int) -> None:
        self._full.put((buffer, count))

    def hexdigest(self) -> str:
        """Return the hash, after `stop`."""
        return self._hasher.hexdigest()

    def _run(self) -> None:
        while (item := self._full.get()) is not None:
            buffer, count = item
            self._hasher.update(buffer[:count])
            self.free.put(buffer)


def _hash_threaded(read: Reader) -> Digest:
    quick, size = xxh3_128(), 0
    strong = _Blake3Thread()
    try:
        strong.start()
        while count := read(buffer := strong.free.get()):
            strong.update(buffer, count)
            quick.update(buffer[:count])
            size += count
    finally:
        strong.stop()
    return Digest(strong.hexdigest(), quick.hexdigest(), size)
