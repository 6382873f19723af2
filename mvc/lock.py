"""Locks between processes: the kernel frees them on death, so there are no stale ones."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple

from mvc.fsutil import as_error


class Lock(NamedTuple):
    """Where a lock lies, and who to tell when it must be waited for."""

    path: str
    holder: str
    """What others are told of this process: its command and number."""
    waiting: Callable[[str], None]

    @contextmanager
    def hold(self, *, exclusive: bool) -> Iterator[None]:
        """Hold the lock: shared, or alone. The kernel frees it when the process dies."""
        fd = self._open(exclusive=exclusive)
        try:
            self._acquire(fd, fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH)
            self._sign(fd, self.holder if exclusive else "")
            try:
                yield
            finally:
                if exclusive:
                    self._sign(fd, "")
        finally:
            os.close(fd)

    @staticmethod
    def _sign(fd: int, holder: str) -> None:
        """Say who holds the lock; those who share it are not told apart."""
        with suppress(OSError):  # not writable: shared, by somebody who can only read
            if holder or os.fstat(fd).st_size:
                os.ftruncate(fd, 0)
                os.pwrite(fd, holder.encode(errors="replace"), 0)

    def _open(self, *, exclusive: bool) -> int:
        try:
            os.makedirs(os.path.dirname(self.path), exist_ok=True)
            return os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except OSError as error:
            if exclusive or error.errno not in (errno.EROFS, errno.EACCES):
                raise as_error(error, f"cannot lock {self.path}") from None
            # Whoever can only read can harm nobody; the directory stands in for the lock file.
            return os.open(_existing(self.path), os.O_RDONLY | os.O_CLOEXEC)

    def _acquire(self, fd: int, how: int) -> None:
        try:
            fcntl.flock(fd, how | fcntl.LOCK_NB)
        except BlockingIOError:
            self.waiting(os.pread(fd, 200, 0).decode(errors="replace") or "another mvc")
            fcntl.flock(fd, how)


def _existing(path: str) -> str:
    while not os.path.exists(path):
        path = os.path.dirname(path)
    return path
