"""Directories that a group of users shares."""

from __future__ import annotations

import errno
import os
from contextlib import suppress

from mvc.fs.files import DIRECTORY

SHARED_MODE = 0o2775
"""The mode of a shared directory: what is created in it belongs to its group as well."""
_SHARED_BITS = 0o2020


def is_shared(path: str) -> bool:
    """Whether `path` is a directory that is group-writable and passes its group on (setgid)."""
    with suppress(FileNotFoundError, NotADirectoryError):
        return os.stat(path).st_mode & _SHARED_BITS == _SHARED_BITS
    return False


def make_folders(path: str) -> None:
    """Create the directory `path` and those above it, if they are missing.

    In a shared directory they are shared as well, regardless of the umask.
    """
    if os.path.isdir(path):
        return
    parent = os.path.dirname(path)
    make_folders(parent)
    if is_shared(parent):
        _make_shared(path)
        return
    try:
        os.mkdir(path)
    except FileExistsError:
        if not os.path.isdir(path):
            raise


def _make_shared(path: str) -> None:
    """Create a directory with its final mode at once; the rename replaces only an empty one."""
    temp = f"{path}.{os.urandom(4).hex()}"
    os.mkdir(temp, 0o700)
    try:
        set_shared(temp)
        os.rename(temp, path)
    except OSError as error:
        os.rmdir(temp)
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise


def set_shared(path: str) -> None:
    """Give the directory `path`, which must not be a symlink, the mode of a shared one."""
    fd = os.open(path, DIRECTORY)
    try:
        os.fchmod(fd, SHARED_MODE)
    finally:
        os.close(fd)
