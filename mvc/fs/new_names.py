"""Links and renames that never replace another file."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING

from mvc.fs.files import CREATE

if TYPE_CHECKING:
    import ctypes

_RENAME_NOREPLACE = 1
_AT_FDCWD = -100
_NO_HARD_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})
_NO_RENAMEAT2 = frozenset({errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP})


def link_new(source: str, target: str, dir_fd: int | None = None) -> bool:
    """Link the file `source` to `target`, in the open directory `dir_fd`; return False if that exists.

    `source` may lose its own name: without hard links it is renamed.

    Raises:
        OSError: the link failed, and not because `target` exists.
    """
    try:
        os.link(source, target, dst_dir_fd=dir_fd)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_HARD_LINKS:
            raise
        return rename_new(source, target, dir_fd)
    return True


def rename_new(source: str, target: str, dir_fd: int | None = None) -> bool:
    """Rename the file `source` to `target`, in the open directory `dir_fd`; return False if that exists."""
    import ctypes  # noqa: PLC0415 - only needed without hard links

    there = _AT_FDCWD if dir_fd is None else dir_fd
    if _libc().renameat2(_AT_FDCWD, os.fsencode(source), there, os.fsencode(target), _RENAME_NOREPLACE) == 0:
        return True
    code = ctypes.get_errno()
    if code == errno.EEXIST:
        return False
    if code in _NO_RENAMEAT2:
        return _rename_reserved(source, target, dir_fd)
    raise OSError(code, os.strerror(code), target)


@cache
def _libc() -> ctypes.CDLL:
    import ctypes  # noqa: PLC0415 - as above

    return ctypes.CDLL(None, use_errno=True)


def _rename_reserved(source: str, target: str, dir_fd: int | None = None) -> bool:
    """Reserve the name with an empty file, which only one process can create, and rename over that.

    After a kill in between, the empty file remains: its content shows that it is damaged.
    """
    folder = stat.S_ISDIR(os.lstat(source).st_mode)
    try:
        if folder:
            os.mkdir(target, 0o700, dir_fd=dir_fd)
        else:
            os.close(os.open(target, CREATE, 0o600, dir_fd=dir_fd))
    except FileExistsError:
        return False
    reserved = os.lstat(target, dir_fd=dir_fd)
    try:
        os.rename(source, target, dst_dir_fd=dir_fd)
    except OSError:
        with suppress(OSError):
            if os.path.samestat(reserved, os.lstat(target, dir_fd=dir_fd)):
                (os.rmdir if folder else os.unlink)(target, dir_fd=dir_fd)
        raise
    return True
