"""Making names in directories durable."""

from __future__ import annotations

import errno
import os
import threading
from collections import defaultdict

from mvc.fs.files import DIRECTORY

_NO_DIRECTORY_FSYNC = frozenset({errno.EINVAL, errno.EOPNOTSUPP})


class DurableNames:
    """Makes the names in directories durable, also from several threads.

    After a failure, that directory always fails: the kernel reports a failed write only once.
    """

    def __init__(self) -> None:
        self._syncing: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._lost: dict[str, int] = {}
        """Directories that may have lost names, and the error."""

    def fsync_folder(self, path: str, fd: int | None = None) -> None:
        """Make the names in the directory `path` durable; `fd` is its descriptor, if it is open.

        Raises:
            PermissionError: the directory may not be opened; nothing was attempted.
            OSError: names may be lost, now or earlier.
        """
        with self._syncing[path]:  # else another thread could fsync before the error is noted
            if number := self._lost.get(path):
                raise OSError(number, os.strerror(number), path)
            try:
                fsync_directory(path) if fd is None else fsync_names(fd)
            except PermissionError:
                raise
            except OSError as error:
                self._lost[path] = error.errno or errno.EIO
                raise


def fsync_directory(path: str) -> None:
    """Make the names in the directory `path` durable."""
    fd = os.open(path, DIRECTORY)
    try:
        fsync_names(fd)
    finally:
        os.close(fd)


def fsync_upward(path: str) -> None:
    """Make the names in the directory `path` durable, and in the directories above it.

    It stops at another file system, and at a directory that cannot be read: another user made that one durable.
    """
    device = os.stat(path).st_dev
    while os.stat(path).st_dev == device:
        try:
            fsync_directory(path)
        except PermissionError:
            return
        path, below = os.path.dirname(path), path
        if path == below:
            return


def fsync_names(fd: int) -> None:
    """Make the names in the open directory `fd` durable, if the file system supports it."""
    try:
        os.fsync(fd)
    except OSError as error:
        if error.errno not in _NO_DIRECTORY_FSYNC:
            raise
