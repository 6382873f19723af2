"""Both hashes of content, taken together in one read.

blake3 is the slower of the two, so above `THREADED` bytes it runs in a thread of its own
while the reader goes on: both release the interpreter lock.
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
"""Bytes read at a time; with `BUFFERS` of them a stream uses 4 MiB."""
BUFFERS = 4
_PAGE = 4096
"""Bytes read at a time at the least: what was expected may be less than what is there."""
THREADED = 8 << 20


def hash_bytes(data: bytes) -> Digest:
    """Return the digest of `data`."""
    return Digest(blake3(data).hexdigest(), xxh3_128_hexdigest(data), len(data))


def hash_stream(fd: int, size: int) -> Digest:
    """Return the digest of what `fd` yields until its end; `size` as in `hash_reader`."""
    return hash_reader(reader_of(fd), size)


def hash_reader(read: Reader, size: int) -> Digest:
    """Return the digest of what `read` yields until its end.

    `size` is what the caller expects, in bytes: it only chooses between one thread and two.
    The digest's own size is what was read.
    """
    if size < THREADED:
        return _hash_alone(read, max(_PAGE, min(size + 1, CHUNK)))
    return _hash_threaded(read)


def quick_reader(read: Reader) -> tuple[str, int]:
    """Return xxh128, in hex, and size of what `read` yields: enough to see that bytes rotted."""
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
    """blake3 over the buffers handed to it, in a thread; they come back through `free`."""

    def __init__(self) -> None:
        self.free: SimpleQueue[memoryview] = SimpleQueue()
        for _ in range(BUFFERS):
            self.free.put(memoryview(bytearray(CHUNK)))
        self._full: SimpleQueue[tuple[memoryview, int] | None] = SimpleQueue()
        self._hasher = blake3()  # more threads take from the copy what they give to the hash
        self._thread = threading.Thread(target=self._run, name="mvc-blake3")

    def start(self) -> None:
        """Begin. Ctrl-C may come in the midst of it: `stop` ends what has begun by then."""
        self._thread.start()

    def stop(self) -> None:
        self._full.put(None)
        with suppress(RuntimeError):  # it does not run yet, and ends as soon as it does
            self._thread.join()

    def update(self, buffer: memoryview, count: int) -> None:
        self._full.put((buffer, count))

    def hexdigest(self) -> str:
        """The hash; only once it was stopped."""
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
