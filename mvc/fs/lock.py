"""Locks between processes: the kernel frees them on death, so there are no stale ones."""

from __future__ import annotations

import errno
import fcntl
import os
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple

from mvc.errors import MvcError
from mvc.fs.files import CREATE, as_error, is_shared, link_new, make_folders

SOMEBODY = "another mvc"
"""Who holds a lock that is shared: those are not told apart."""
_NO_LOCKS = frozenset({errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS})


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
            make_folders(os.path.dirname(self.path))
            if is_shared(os.path.dirname(self.path)) and not os.path.lexists(self.path):
                _make_shared(self.path)
            return os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
        except OSError as error:
            if exclusive or error.errno not in (errno.EROFS, errno.EACCES):
                raise as_error(error, f"cannot lock {self.path}") from None
        try:
            # Whoever can only read can harm nobody; the directory stands in for the lock file.
            return os.open(_existing(self.path), os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise as_error(error, f"cannot lock {self.path}") from None

    def _acquire(self, fd: int, how: int) -> None:
        try:
            fcntl.flock(fd, how | fcntl.LOCK_NB)
        except BlockingIOError:
            self.waiting(_name_in(fd) or SOMEBODY)
            fcntl.flock(fd, how)
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise as_error(error, f"cannot lock {self.path}") from None
            if how == fcntl.LOCK_EX:  # who shares does no harm; who must be alone cannot know that they are
                raise MvcError(
                    f"cannot lock {self.path}: its file system has no locks ({os.strerror(error.errno)})",
                    f"findmnt -T {shlex.quote(os.path.dirname(self.path))}"
                    "  # mount it with locks: NFS version 4, or the option local_lock=flock if one machine uses it",
                ) from None


def holder(path: str) -> str:
    """Return who holds the lock at `path` now; empty when nobody does, as far as one can tell."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return _name_in(fd) or SOMEBODY
    except OSError:
        return ""
    finally:
        os.close(fd)
    return ""


def _name_in(fd: int) -> str:
    return os.pread(fd, 200, 0).decode(errors="replace")


def _make_shared(path: str) -> None:
    """Make a lock file that has its mode from the first moment on."""
    temp = f"{path}.{os.urandom(4).hex()}"
    fd = os.open(temp, CREATE, 0o600)
    try:
        os.fchmod(fd, 0o664)
        link_new(temp, path)
    finally:
        os.close(fd)
        with suppress(FileNotFoundError):
            os.unlink(temp)


def _existing(path: str) -> str:
    while not os.path.exists(path):
        path = os.path.dirname(path)
    return path
