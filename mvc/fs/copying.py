"""Copying a file while reading it, so that the copy has exactly the content that was hashed.

The kernel copies large files in a thread; the copy is read right behind it, while it is still in the
page cache. If the kernel cannot, each part is read and then written.
"""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from queue import SimpleQueue
from typing import TypeAlias

from mvc.fs.files import write_all
from mvc.fs.progress import Progress

IN_KERNEL_AT = 8 << 20
"""Minimal bytes for a thread."""
_STEP = 8 << 20
_SYNC = 64 << 20
"""Bytes after which a copy is made durable: at 100 MB/s, Ctrl-C waits less than a second for them."""
_CANNOT = frozenset({
    errno.EXDEV, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL, errno.EPERM, errno.EBADF, errno.ETXTBSY,
})

Reader: TypeAlias = Callable[[memoryview], int]
"""Fills a buffer from its start; returns the number of bytes, 0 at the end."""


def reader_of(fd: int) -> Reader:
    """Return a reader that continues at the position of the descriptor `fd`."""
    return lambda buffer: os.readv(fd, [buffer])


def reader_at(fd: int, position: int) -> Reader:
    """Return a reader of the file `fd` from `position` on, which does not move that of the descriptor."""

    def read(buffer: memoryview) -> int:
        nonlocal position
        position += (count := os.preadv(fd, [buffer], position))
        return count

    return read


def counted(read: Reader, progress: Progress) -> Reader:
    """Return `read`, which reports what it reads."""

    def report(buffer: memoryview) -> int:
        progress.advance(count := read(buffer))
        return count

    return report


@contextmanager
def copying(source: int, target: int, size: int, begin: int = 0, *, durable: bool = False) -> Iterator[Reader]:
    """Copy `source` from `begin` to the end of `target`, which has `begin` bytes, while the reader is read to its end.

    `target` must be readable as well. `size` is the expected size in bytes: it decides whether the kernel copies.
    `durable` writes to the disk on the way what the caller will fsync: an fsync of all of a large file takes long,
    shows no progress, and Ctrl-C cannot end it.

    Raises:
        OSError: reading or writing failed; raised by the reader.
    """
    first = _copy_range(source, target, begin, may_fail=True) if size - begin >= IN_KERNEL_AT else 0
    if not first:
        if begin:
            os.lseek(source, begin, os.SEEK_SET)
            os.lseek(target, begin, os.SEEK_SET)
        yield partial(_read_and_write, source, target)
        return
    copy = _KernelCopy(source, target, begin, begin + first, durable=durable)
    try:
        copy.start()
        yield copy.read
    finally:
        copy.stop()


def _read_and_write(source: int, target: int, buffer: memoryview) -> int:
    count = os.readv(source, [buffer])
    write_all(target, buffer[:count])
    return count


def _copy_range(source: int, target: int, offset: int, *, may_fail: bool = False) -> int:
    """Let the kernel copy a part; return its size: 0 at the end, or on an error if `may_fail`."""
    try:
        return os.copy_file_range(source, target, _STEP, offset, offset)
    except (OSError, AttributeError) as error:  # not every system has the call
        if isinstance(error, OSError) and not (may_fail and error.errno in _CANNOT):
            raise
        return 0


class _KernelCopy:
    """The rest of a copy, made in a thread, and a reader of it."""

    def __init__(self, source: int, target: int, begin: int, copied: int, *, durable: bool) -> None:
        self._source, self._target = source, target
        self._durable = durable
        self._read, self._copied = begin, copied
        self._steps: SimpleQueue[int | OSError] = SimpleQueue()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, args=(copied,), name="mvc-copy")

    def start(self) -> None:
        """Start the thread. Ctrl-C may interrupt this: `stop` ends a thread that has started."""
        self._thread.start()

    def read(self, buffer: memoryview) -> int:
        if self._read == self._copied:
            step = self._steps.get()
            if isinstance(step, OSError):
                raise step
            self._copied += step
        count = os.preadv(self._target, [buffer[: self._copied - self._read]], self._read)
        self._read += count
        return count

    def stop(self) -> None:
        self._stopped = True
        with suppress(RuntimeError):  # the thread has not started yet, and will stop at once
            self._thread.join()

    def _run(self, offset: int) -> None:
        synced = offset
        try:
            while not self._stopped and (count := _copy_range(self._source, self._target, offset)):
                offset += count
                self._steps.put(count)
                if self._durable and offset - synced >= _SYNC:
                    os.fdatasync(self._target)
                    synced = offset
            self._steps.put(0)
        except OSError as error:
            self._steps.put(error)
