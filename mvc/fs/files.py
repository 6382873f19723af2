"""File system primitives: durable writes, links without overwriting, reads that notice changes.

Everything here is about files as such; nothing knows of objects or pointers.
"""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import stat
from contextlib import suppress
from typing import NamedTuple

from mvc.errors import MvcError, SourceChanged

READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
"""How a file that others own is opened: no symlink followed, no waiting for a fifo's writer."""
CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
CREATE_READABLE = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

_FICLONE = 0x40049409
"""linux/fs.h: share the blocks of one file with another."""
_F_SETSIG = 10
_RENAME_NOREPLACE = 1
_AT_FDCWD = -100
_NO_HARD_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})
_NO_RENAMEAT2 = frozenset({errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP})
_NO_DIRECTORY_FSYNC = frozenset({errno.EINVAL, errno.EOPNOTSUPP})

SHARED_MODE = 0o2775
"""The mode of a directory that its group shares: what is made in it belongs to the group, too."""
_SHARED_BITS = 0o2020

_MOUNTS = "/proc/self/mountinfo"
_NETWORK = frozenset({
    "9p", "afs", "beegfs", "ceph", "cifs", "coda", "drvfs", "fuse", "gfs2", "gpfs", "lustre", "ncpfs", "nfs", "nfs4",
    "ocfs2", "orangefs", "prl_fs", "pvfs2", "smb2", "smb3", "smbfs", "vboxsf", "virtiofs",
})
"""Types of file systems that other machines may write to, or that may lack locks and shared memory."""


class UnsafePath(MvcError):
    """A path leads through a symlink, or to something that is no regular file or directory."""


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


# Durability.


def write_all(fd: int, data: bytes | memoryview) -> None:
    """Write all of `data`; a single write may stop short."""
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def fsync_directory(path: str) -> None:
    """Make the names in the directory `path` durable."""
    fd = os.open(path, DIRECTORY)
    try:
        fsync_names(fd)
    finally:
        os.close(fd)


def fsync_upward(path: str) -> None:
    """Make the names in the directory `path` durable, and those of it and of the directories above it.

    It goes up to where another file system begins, or another user's directory that cannot be read: who made that
    one has seen to it.
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
    """Make the names in the open directory `fd` durable, where the file system can be asked to."""
    try:
        os.fsync(fd)
    except OSError as error:
        if error.errno not in _NO_DIRECTORY_FSYNC:
            raise


def link_new(source: str, target: str, dir_fd: int | None = None) -> bool:
    """Give the file `source` the name `target`, in the open directory `dir_fd`, unless that exists; whether it did.

    `source` may lose its own name: file systems without hard links rename it.

    Raises:
        OSError: for any reason but `target` existing.

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
    """Rename the file `source` to `target`, in the open directory `dir_fd`, unless that exists; whether it did."""
    import ctypes  # noqa: PLC0415 - only file systems without hard links come here

    libc = ctypes.CDLL(None, use_errno=True)
    there = _AT_FDCWD if dir_fd is None else dir_fd
    if libc.renameat2(_AT_FDCWD, os.fsencode(source), there, os.fsencode(target), _RENAME_NOREPLACE) == 0:
        return True
    code = ctypes.get_errno()
    if code == errno.EEXIST:
        return False
    if code in _NO_RENAMEAT2:
        return _rename_reserved(source, target, dir_fd)
    raise OSError(code, os.strerror(code), target)


def _rename_reserved(source: str, target: str, dir_fd: int | None = None) -> bool:
    """Take the name with something empty, which only one process can make, and rename over that.

    Killed in between, the empty file stays: whoever looks at what it holds sees that it is damaged.
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


# Directories that several users share.


def is_shared(path: str) -> bool:
    """Whether `path` is a directory that its group may write to and hands its group on (setgid)."""
    with suppress(FileNotFoundError, NotADirectoryError):
        return os.stat(path).st_mode & _SHARED_BITS == _SHARED_BITS
    return False


def exists(path: str) -> bool:
    """Whether something lies at `path`, symlinks followed; what leads nowhere is nothing.

    Raises:
        OSError: the system cannot tell. `os.path.exists` says no then.

    """
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def make_folders(path: str) -> None:
    """Make the directory `path` and those above it, where they are missing.

    In a shared directory they are shared as well, whatever the umask.
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
    """Make a directory that has its mode from the first moment on; renaming replaces none but an empty one."""
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
    """Give the directory `path`, which is no symlink, the mode of a shared one."""
    fd = os.open(path, DIRECTORY)
    try:
        os.fchmod(fd, SHARED_MODE)
    finally:
        os.close(fd)


def on_network(path: str) -> bool:
    """Whether the file system at `path` is a network's, or one that works like those."""
    device = os.stat(path).st_dev
    number = f"{os.major(device)}:{os.minor(device)}"
    with suppress(OSError), open(_MOUNTS, encoding="utf-8", errors="surrogateescape") as mounts:
        for line in mounts:
            mount, _, source = line.partition(" - ")  # proc(5)
            if mount.split()[2] == number:
                kind = source.split()[0]
                return kind in _NETWORK or kind.startswith("fuse.")
    return False


def reflink(source_fd: int, target_fd: int) -> bool:
    """Make `target_fd` share the blocks of `source_fd`; False where that cannot be."""
    try:
        fcntl.ioctl(target_fd, _FICLONE, source_fd)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
            raise
        return False
    return True


def open_for_writing_elsewhere(fd: int) -> bool:
    """Whether some process may write to the file behind `fd`, as far as the system can tell.

    A read lease is granted only on a file that nobody has open for writing; it is given back
    at once. Were it broken in between, the kernel would send SIGURG, which is ignored by default,
    where SIGIO would kill. File systems without leases cannot tell: False.
    """
    try:
        fcntl.fcntl(fd, _F_SETSIG, signal.SIGURG)
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError as error:
        return error.errno in (errno.EAGAIN, errno.EACCES)
    return False


_FILES_OF_A_JOB, _OTHER_FILES = 4, 40
"""Open at once: by what is done with one file, and by all the rest of a process."""


def affordable(jobs: int) -> int:
    """Return how many of `jobs` may go on at once: a process may have only so many files open."""
    import resource  # noqa: PLC0415 - only who reads or sends large files asks

    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return jobs if limit < 0 else max(1, min(jobs, (limit - _OTHER_FILES) // _FILES_OF_A_JOB))  # below 0: no limit


# Reading.


def open_regular(name: str, dir_fd: int | None, path: str) -> tuple[int, os.stat_result]:
    """Return a descriptor of the regular file `name` for reading, and its status.

    `path` names it in errors.

    Raises:
        UnsafePath: it is a symlink or no regular file.
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
    """Return what `fd` holds, at most `limit` bytes."""
    limit = min(limit, os.fstat(fd).st_size + 1)  # os.read allocates all that it is asked for
    parts = []
    while limit > 0 and (part := os.read(fd, limit)):
        parts.append(part)
        limit -= len(part)
    return b"".join(parts)


def read_exactly(fd: int, size: int) -> bytes | None:
    """Return the bytes of the file behind `fd`; None when they are not just `size` bytes."""
    data = os.read(fd, size + 1)
    while 0 < len(data) < size and (more := os.read(fd, size + 1 - len(data))):  # network file systems stop short
        data += more
    return data if len(data) == size else None


def check_unchanged(fd: int, before: os.stat_result, path: str) -> None:
    """Make sure that the file behind `fd` still is what `before` says.

    Raises:
        SourceChanged: something wrote to it since.

    """
    now = os.fstat(fd)
    if (now.st_ctime_ns, now.st_mtime_ns, now.st_size) != (before.st_ctime_ns, before.st_mtime_ns, before.st_size):
        raise source_changed(path)


def source_changed(path: str) -> SourceChanged:
    """Return the error that says that the file at `path` did not hold still."""
    return SourceChanged(f"{path} changed while it was read; nothing was stored", "run the command again")


def as_error(error: OSError, what: str) -> MvcError:
    """Return `error` as one line about `what`."""
    reason = os.strerror(error.errno) if error.errno else str(error)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return MvcError(f"{what}: {reason}", "free some space, then run the command again")
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        where = f" ({os.fsdecode(error.filename)})" if error.filename not in (None, what) else ""
        return MvcError(f"{what}: {reason}{where}", "check who may read and write there: ls -ld")
    if error.errno == errno.EMFILE:
        return MvcError(f"{what}: {reason}", "ulimit -n 1024  # then run the command again")
    return MvcError(f"{what}: {reason}")
