"""Locks between processes. The kernel frees them when a process dies, so there are no stale ones."""

from __future__ import annotations

import errno
import fcntl
import os
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple

from mvc.errors import MvcError
from mvc.fs.files import CREATE, as_error
from mvc.fs.new_names import link_new
from mvc.fs.shared_folders import is_shared, make_folders

SOMEBODY = "another mvc"
"""Shown as the holder of a shared lock: its holders are not recorded."""
_NO_LOCKS = frozenset({errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS})


class Lock(NamedTuple):
    """A lock file, and the callback before waiting for it."""

    path: str
    holder: str
    """The command and id of this process, shown to those who wait."""
    waiting: Callable[[str], None]

    @contextmanager
    def hold(self, *, exclusive: bool) -> Iterator[None]:
        """Hold the lock, shared or exclusive."""
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
        """Write the holder into the lock file; holders of a shared lock are not recorded."""
        with suppress(OSError):  # not writable: shared, by a user who can only read
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
            # A read-only user locks an existing directory instead of the file.
            path = self.path
            while not os.path.exists(path):
                path = os.path.dirname(path)
            return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
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
            if how == fcntl.LOCK_EX:  # a shared lock is not needed then; an exclusive one is
                raise MvcError(
                    f"cannot lock {self.path}: its file system has no locks ({os.strerror(error.errno)})",
                    f"findmnt -T {shlex.quote(os.path.dirname(self.path))}"
                    "  # mount it with locks: NFS version 4, or the option local_lock=flock if one machine uses it",
                ) from None


def holder(path: str) -> str:
    """Return the holder of the lock at `path`; empty if it is free or unknown."""
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
    """Create a lock file with its final mode at once."""
    temp = f"{path}.{os.urandom(4).hex()}"
    fd = os.open(temp, CREATE, 0o600)
    try:
        os.fchmod(fd, 0o664)
        link_new(temp, path)
    finally:
        os.close(fd)
        with suppress(FileNotFoundError):
            os.unlink(temp)
