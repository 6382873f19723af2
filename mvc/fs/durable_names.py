"""Directories whose names are made durable, each until that fails once."""

from __future__ import annotations

import errno
import os
import threading
from collections import defaultdict

from mvc.fs.files import fsync_directory, fsync_names


class DurableNames:
    """Makes the names in directories durable. It may be asked from several threads.

    Once that has failed for a directory it fails for good: the kernel tells only once of what it could not write.
    """

    def __init__(self) -> None:
        """Begin; no directory has failed yet."""
        self._syncing: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._lost: dict[str, int] = {}
        """Directories in which names may have been lost, and the error that said so."""

    def fsync_folder(self, path: str, fd: int | None = None) -> None:
        """Make the names in the directory `path`, open as `fd` if it is, durable.

        Raises:
            PermissionError: the directory may not be opened; nothing was asked of the disk.
            OSError: names may be lost, now or earlier.

        """
        with self._syncing[path]:  # else another thread asks while this one is told
            if number := self._lost.get(path):
                raise OSError(number, os.strerror(number), path)
            try:
                fsync_directory(path) if fd is None else fsync_names(fd)
            except PermissionError:
                raise
            except OSError as error:
                self._lost[path] = error.errno or errno.EIO
                raise
