"""Downloading a large object into a file of the cache, which may have a part of it from an earlier try."""

from __future__ import annotations

import os
from concurrent.futures import Executor, Future, ThreadPoolExecutor

from mvc.fs.copying import Reader, copying, counted
from mvc.fs.file_systems import reflink
from mvc.fs.files import write_all
from mvc.objects.digest import Digest
from mvc.objects.hashing import hash_reader, hash_stream
from mvc.store.buckets.bucket import PART, Item
from mvc.transfer.tools import Tools


def fill(tools: Tools, item: Item, fd: int) -> Digest:
    """Write the content of `item` to the file `fd`, which may hold a part of it. Return the digest of the file."""
    source = tools.remote.bucket.open_local(item)
    if source is not None:
        return _fill_from_file(tools, source, fd, item.size)
    if item.size <= PART:  # this is a thread of the pool already
        write_all(fd, tools.remote.bucket.read(item, 0, item.size, tools.progress))
        os.lseek(fd, 0, os.SEEK_SET)
        return hash_stream(fd, item.size)
    with ThreadPoolExecutor(1, thread_name_prefix="mvc-write") as writer:
        return hash_reader(_Arriving(tools, item, fd, writer).read, item.size)


def _fill_from_file(tools: Tools, source: int, fd: int, size: int) -> Digest:
    try:
        have = _size_of_part(fd, size)
        if reflink(source, fd):
            return hash_stream(fd, size, tools.progress)
        with copying(source, fd, size, have, durable=True) as rest:
            return hash_reader(counted(_then(fd, have, rest), tools.progress), size)
    finally:
        os.close(source)


def _size_of_part(fd: int, size: int) -> int:
    """Return the size of the partial file; empty it when it exceeds `size`."""
    if (have := os.fstat(fd).st_size) > size:
        os.ftruncate(fd, have := 0)
    return have


def _then(fd: int, have: int, rest: Reader) -> Reader:
    """Return a reader of the first `have` bytes of the file `fd`, then of the `rest`."""
    position = 0

    def read(buffer: memoryview) -> int:
        nonlocal position
        if position >= have:
            return rest(buffer)
        position += (count := os.preadv(fd, [buffer[: have - position]], position))
        return count

    return read


class _Arriving:
    """The parts of a large object in order: first those in the partial file, then those that arrive.

    Each part is returned while `writer`, a single thread, appends it to the file; at the end all is written.
    """

    def __init__(self, tools: Tools, item: Item, fd: int, writer: Executor) -> None:
        have = _size_of_part(fd, item.size)
        bucket, size = tools.remote.bucket, item.size
        starts = range(have, size, PART)
        self._parts = tools.pool.in_order(
            lambda at: bucket.read(item, at, min(at + PART, size), tools.progress), starts, PART,
        )
        self._fd, self._have, self._position = fd, have, 0
        self._waiting = memoryview(b"")
        self._writer = writer
        self._writing: Future[None] | None = None
        self._progress = tools.progress

    def read(self, buffer: memoryview) -> int:
        if self._position < self._have:
            count = os.preadv(self._fd, [buffer[: self._have - self._position]], self._position)
            self._position += count
            self._progress.advance(count)
            return count
        if not self._waiting:
            self._take(next(self._parts, b""))
        count = min(len(buffer), len(self._waiting))
        buffer[:count] = self._waiting[:count]
        self._waiting = self._waiting[count:]
        return count

    def _take(self, part: bytes) -> None:
        if self._writing:
            self._writing.result()  # at most one part is not written yet
        self._writing = self._writer.submit(self._append, part) if part else None
        self._waiting = memoryview(part)

    def _append(self, part: bytes) -> None:
        end = os.lseek(self._fd, 0, os.SEEK_END)
        write_all(self._fd, part)
        os.posix_fadvise(self._fd, end, len(part), os.POSIX_FADV_DONTNEED)
