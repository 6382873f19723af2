"""Opening, reading and writing files; changes and symlinks are detected."""

from __future__ import annotations

import errno
import os
import shlex
import stat
from typing import NamedTuple

from mvc.errors import MvcError, SourceChanged

READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
"""To open a file of the user: no symlink is followed, and a fifo does not block."""
CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
CREATE_READABLE = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class UnsafePath(MvcError):
    """A path leads through a symlink, or to something other than a regular file or directory."""


class StatData(NamedTuple):
    """The stat fields that show, without reading, that a file did not change."""

    dev: int
    ino: int
    size: int
    mtime_ns: int
    ctime_ns: int

    @classmethod
    def of(cls, status: os.stat_result) -> StatData:
        """Return the fields of a stat result."""
        return cls(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)

    def equal_but_ctime(self, other: StatData) -> bool:
        """Whether at most the ctime differs, which a link, a rename or a chmod changes."""
        return self._replace(ctime_ns=other.ctime_ns) == other


def write_all(fd: int, data: bytes | memoryview) -> None:
    """Write all of `data`; a single write may be partial."""
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def exists(path: str) -> bool:
    """Whether `path` exists; a dangling symlink does not.

    Raises:
        OSError: unknown; `os.path.exists` would return False.
    """
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


_FILES_OF_A_JOB, _OTHER_FILES = 4, 40
"""Open files for each job, and of the rest of the process."""


def affordable(jobs: int) -> int:
    """Return how many of `jobs` the limit of open files allows at the same time."""
    import resource  # noqa: PLC0415 - only needed for large files

    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return jobs if limit < 0 else max(1, min(jobs, (limit - _OTHER_FILES) // _FILES_OF_A_JOB))  # below 0: no limit


def open_regular(name: str, dir_fd: int | None, path: str) -> tuple[int, os.stat_result]:
    """Return a descriptor of the regular file `name` for reading, and its status.

    `path` is its name in errors.

    Raises:
        UnsafePath: it is a symlink or not a regular file.
        OSError: it cannot be opened.
    """
    try:
        fd = os.open(name, READ, dir_fd=dir_fd)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise UnsafePath(f"{path} is a symlink") from None
        error.filename = path
        raise
    status = os.fstat(fd)
    if not stat.S_ISREG(status.st_mode):
        os.close(fd)
        raise UnsafePath(f"{path} is not a regular file")
    return fd, status


def read_up_to(fd: int, limit: int) -> bytes:
    """Return the rest of `fd`, at most `limit` bytes."""
    limit = min(limit, os.fstat(fd).st_size + 1)  # os.read allocates the requested size
    parts = []
    while limit > 0 and (part := os.read(fd, limit)):
        parts.append(part)
        limit -= len(part)
    return b"".join(parts)


def read_exactly(fd: int, size: int) -> bytes | None:
    """Return the rest of `fd`; None if it is not exactly `size` bytes."""
    data = os.read(fd, size + 1)
    while 0 < len(data) < size and (more := os.read(fd, size + 1 - len(data))):  # network file systems may return less
        data += more
    return data if len(data) == size else None


def check_unchanged(fd: int, before: os.stat_result, path: str) -> None:
    """Check that the file behind `fd` has the times and size in `before`.

    Raises:
        SourceChanged: it was modified.
    """
    now = os.fstat(fd)
    if (now.st_ctime_ns, now.st_mtime_ns, now.st_size) != (before.st_ctime_ns, before.st_mtime_ns, before.st_size):
        raise source_changed(path)


def aside_line(path: str, new: str = "") -> str:
    """Return a command line that renames a file out of the way and overwrites nothing; `path` as the user types it."""
    return f"mv -n -- {shlex.quote(path)} {shlex.quote(new or f'{path}.aside')}"


def source_changed(path: str) -> SourceChanged:
    """Return the error that the file `path` changed while it was read."""
    return SourceChanged(f"{path} changed while it was read", "run the command again")


def vanished(path: str) -> SourceChanged:
    """Return the error that `path`, which was just listed, is gone."""
    return SourceChanged(f"{path} vanished while it was read", "run the command again")


def _existing(error: OSError) -> str:
    """Return the line that lists the path of an error, or what is there of it; empty for a relative one."""
    path = os.fsdecode(error.filename or "")
    while os.path.isabs(path) and not os.path.lexists(path):
        path = os.path.dirname(path)
    return f": ls -ld {shlex.quote(path)}" if os.path.isabs(path) else ""


def as_error(error: OSError, what: str) -> MvcError:
    """Return `error` as an error about `what`."""
    reason = os.strerror(error.errno) if error.errno else str(error)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return MvcError(f"{what}: {reason}", "free some space, then run the command again")
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        where = f" ({os.fsdecode(error.filename)})" if error.filename not in (None, what) else ""
        return MvcError(f"{what}: {reason}{where}", f"check who may read and write there{_existing(error)}")
    if error.errno == errno.EMFILE:
        return MvcError(f"{what}: {reason}", "ulimit -n 1024  # then run the command again")
    if error.errno == errno.EISDIR:
        return MvcError(f"{what}: {reason}", "name a file, not a directory")
    if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.EEXIST, errno.ELOOP):
        return MvcError(f"{what}: {reason}", f"check the path{_existing(error)}")
    return MvcError(f"{what}: {reason}")
