"""File system primitives: durable writes, links without overwriting, reaching without following.

Everything here is about files as such; nothing knows of objects or pointers.
"""

from __future__ import annotations

import errno
import fcntl
import itertools
import os
import secrets
import signal
import stat
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple

from mvc.errors import MvcError, SourceChanged

READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
"""How a file that others own is opened: no symlink followed, no waiting for a fifo's writer."""
CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

_FICLONE = 0x40049409
"""linux/fs.h: share the blocks of one file with another."""
_F_SETSIG = 10
_RENAME_NOREPLACE = 1
_AT_FDCWD = -100
_NO_HARD_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})


class UnsafePath(MvcError):
    """A path leads through a symlink, or to something that is no regular file or directory."""


class Stamp(NamedTuple):
    """What tells, without reading, that a file is still the one that was read."""

    dev: int
    ino: int
    size: int
    mtime_ns: int
    ctime_ns: int

    @classmethod
    def of(cls, status: os.stat_result) -> Stamp:
        """Return the stamp in a stat result."""
        return cls(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


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
        os.fsync(fd)
    finally:
        os.close(fd)


def link_new(source: str, target: str) -> bool:
    """Give the file `source` the name `target` unless that exists; whether it did.

    `source` may lose its own name: file systems without hard links rename it.

    Raises:
        OSError: for any reason but `target` existing.

    """
    try:
        os.link(source, target)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_HARD_LINKS:
            raise
        return _rename_new(source, target)
    return True


def _rename_new(source: str, target: str) -> bool:
    import ctypes  # noqa: PLC0415 - only file systems without hard links come here

    libc = ctypes.CDLL(None, use_errno=True)
    if libc.renameat2(_AT_FDCWD, os.fsencode(source), _AT_FDCWD, os.fsencode(target), _RENAME_NOREPLACE) == 0:
        return True
    code = ctypes.get_errno()
    if code == errno.EEXIST:
        return False
    raise OSError(code, os.strerror(code), target)


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


# Temporary files.


class Scratch:
    """A directory of temporary files that belongs to one process and dies with it.

    It is locked as long as it is in use. Whoever opens the next one removes those whose owner
    is gone: the kernel drops the lock of a killed process.
    """

    def __init__(self, parent: str) -> None:
        """Make a scratch directory in `parent`, which is made when missing."""
        os.makedirs(parent, exist_ok=True)
        _sweep(parent)
        self.path, self._fd = _new_locked(parent)
        self._numbers = itertools.count(1)  # next() on it is atomic: threads share a scratch

    def __enter__(self) -> Scratch:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the directory with whatever is left in it."""
        _remove_tree(self.path)
        os.close(self._fd)

    def name(self) -> str:
        """Return the path of a file that does not exist yet."""
        return f"{self.path}/{next(self._numbers)}"


def _new_locked(parent: str) -> tuple[str, int]:
    while True:
        path = f"{parent}/{secrets.token_hex(8)}"
        os.mkdir(path, 0o700)
        fd = os.open(path, DIRECTORY)
        with suppress(OSError):  # NFS locks no directory: nobody sweeps there
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with suppress(FileNotFoundError):  # a sweeper may have been quicker than the lock
            if os.stat(path).st_ino == os.fstat(fd).st_ino:
                return path, fd
        os.close(fd)


def _sweep(parent: str) -> None:
    with os.scandir(parent) as entries:
        folders = [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
    for path in folders:
        with suppress(OSError):  # in use, another user's, or gone
            fd = os.open(path, DIRECTORY)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _remove_tree(path)
            finally:
                os.close(fd)


def _remove_tree(path: str) -> None:
    import shutil  # noqa: PLC0415

    shutil.rmtree(path, ignore_errors=True)


class Staging:
    """Where files take shape before one rename puts them in their place.

    Usually in `primary`. A target on another file system, or behind a bind mount, cannot be
    renamed to from there: such a directory gets a scratch directory of its own.
    """

    SIBLING = ".mvc-tmp"

    def __init__(self, primary: str) -> None:
        """Make the primary scratch directory in `primary`."""
        self._primary = Scratch(primary)
        self._siblings: dict[str, Scratch] = {}

    def __enter__(self) -> Staging:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Remove every scratch directory with whatever is left in it."""
        self._primary.__exit__()
        for folder, scratch in self._siblings.items():
            scratch.__exit__()
            with suppress(OSError):
                os.rmdir(f"{folder}/{self.SIBLING}")

    def name(self, folder: str) -> str:
        """Return the path of a file that does not exist yet, for a target in `folder`."""
        return self._siblings.get(folder, self._primary).name()

    def place(self, make: Callable[[str], object], folder: str, dir_fd: int, name: str) -> None:
        """Let `make` write a file or directory at a path, and rename that to `name` in `folder`.

        `make` may be called twice. `dir_fd` is `folder`, open.
        """
        temp = self.name(folder)
        make(temp)
        try:
            os.rename(temp, name, dst_dir_fd=dir_fd)
        except OSError as error:
            if error.errno != errno.EXDEV or folder in self._siblings:
                raise
            self._siblings[folder] = Scratch(f"{folder}/{self.SIBLING}")
            self.place(make, folder, dir_fd, name)


# Locks.


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
            if exclusive:
                os.ftruncate(fd, 0)
                os.pwrite(fd, self.holder.encode(), 0)
            yield
        finally:
            os.close(fd)

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


# Reaching a file below a directory without following a symlink.


class Tree:
    """A directory below which files are reached part by part, never through a symlink."""

    _KEEP = 16
    """How many directories stay open: `ulimit -n 64` must do."""

    def __init__(self, root: str) -> None:
        """Open `root`; it may itself be reached through symlinks."""
        self.root = root
        self._root_fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._open: OrderedDict[str, int] = OrderedDict()

    def __enter__(self) -> Tree:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close every directory."""
        self.forget()
        os.close(self._root_fd)

    def forget(self) -> None:
        """Close the directories below the root: they are looked up anew."""
        while self._open:
            os.close(self._open.popitem()[1])

    def directory(self, path: str, *, make: bool = False) -> int:
        """Return an open descriptor of the directory `path`; it stays the tree's own.

        Raises:
            UnsafePath: a part of `path` is a symlink or no directory.
            FileNotFoundError: a part is missing, and `make` is not set.

        """
        if not path:
            return self._root_fd
        if (fd := self._open.get(path)) is not None:
            self._open.move_to_end(path)
            return fd
        parent, _, name = path.rpartition("/")
        fd = self._enter(self.directory(parent, make=make), name, path, make=make)
        self._open[path] = fd
        if len(self._open) > self._KEEP:
            os.close(self._open.popitem(last=False)[1])
        return fd

    def parent(self, path: str, *, make: bool = False) -> tuple[int, str]:
        """Return the open directory that holds `path`, and the name in it."""
        folder, _, name = path.rpartition("/")
        return self.directory(folder, make=make), name

    def lstat(self, path: str) -> os.stat_result | None:
        """Return what lies at `path`, no symlink followed; None when nothing does."""
        try:
            fd, name = self.parent(path)
            return os.stat(name, dir_fd=fd, follow_symlinks=False)
        except (FileNotFoundError, NotADirectoryError):
            return None

    def open(self, path: str) -> int:
        """Return a descriptor of the regular file at `path`, for reading.

        Raises:
            UnsafePath: it is a symlink or no regular file.
            OSError: it cannot be opened.

        """
        fd, name = self.parent(path)
        return open_regular(name, fd, path)

    def read(self, path: str, limit: int) -> bytes | None:
        """Return at most `limit` bytes of the file at `path`; None when there is none."""
        try:
            fd = self.open(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        try:
            return read_up_to(fd, limit)
        finally:
            os.close(fd)

    @staticmethod
    def _enter(parent: int, name: str, path: str, *, make: bool) -> int:
        try:
            return os.open(name, DIRECTORY, dir_fd=parent)
        except FileNotFoundError:
            if not make:
                raise
            with suppress(FileExistsError):
                os.mkdir(name, dir_fd=parent)
            return os.open(name, DIRECTORY, dir_fd=parent)
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.ENOTDIR):
                raise UnsafePath(f"{path} is a symlink or no directory: mvc does not go through it") from None
            raise


class Replacement(NamedTuple):
    """A small file to write: what it must hold now (None: must not exist), and what it shall hold."""

    path: str
    old: bytes | None
    new: bytes


_TOGETHER = 16
"""How many files are made durable at once: the kernel commits them together."""


def replace_files(tree: Tree, staging: Staging, replacements: list[Replacement]) -> None:
    """Write small files, each whole or not at all, durably.

    Raises:
        MvcError: a file does not hold what it should, or cannot be written. Those before it are.

    """
    for start in range(0, len(replacements), _TOGETHER):
        _replace_together(tree, staging, replacements[start : start + _TOGETHER])
    for folder in sorted({item.path.rpartition("/")[0] for item in replacements}):
        os.fsync(tree.directory(folder))


def _replace_together(tree: Tree, staging: Staging, items: list[Replacement]) -> None:
    temps = [staging.name(_full_folder(tree, item)) for item in items]
    for temp, item in zip(temps, items, strict=True):
        _write_file(temp, item.new)
    _fsync_all(temps)
    for temp, item in zip(temps, items, strict=True):
        if tree.read(item.path, len(item.old or b"") + 1) != item.old:
            raise MvcError(f"{item.path} was changed by another program meanwhile", "run the command again")
        dir_fd, name = tree.parent(item.path, make=True)
        try:
            os.rename(temp, name, dst_dir_fd=dir_fd)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise as_error(error, item.path) from None
            staging.place(lambda path, new=item.new: _write_durable(path, new), _full_folder(tree, item), dir_fd, name)


def _full_folder(tree: Tree, item: Replacement) -> str:
    return os.path.dirname(f"{tree.root}/{item.path}")


def _write_file(path: str, data: bytes) -> None:
    fd = os.open(path, CREATE, 0o666)
    try:
        write_all(fd, data)
    finally:
        os.close(fd)


def _write_durable(path: str, data: bytes) -> None:
    _write_file(path, data)
    _fsync_file(path)


def _fsync_all(paths: list[str]) -> None:
    if len(paths) == 1:
        _fsync_file(paths[0])
        return
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - only batches need it

    with ThreadPoolExecutor(len(paths), "mvc-fsync") as executor:
        list(executor.map(_fsync_file, paths))


def _fsync_file(path: str) -> None:
    fd = os.open(path, READ)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def open_regular(name: str, dir_fd: int | None, path: str) -> int:
    """Return a descriptor of the regular file `name` for reading; `path` names it in errors.

    Raises:
        UnsafePath: it is a symlink or no regular file.
        OSError: it cannot be opened.

    """
    try:
        fd = os.open(name, READ, dir_fd=dir_fd)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise UnsafePath(f"{path} is a symlink") from None
        raise
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise UnsafePath(f"{path} is not a regular file")
    return fd


def read_up_to(fd: int, limit: int) -> bytes:
    """Return what `fd` holds, at most `limit` bytes."""
    parts = []
    while limit > 0 and (part := os.read(fd, min(limit, 1 << 20))):
        parts.append(part)
        limit -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def check_unchanged(fd: int, before: os.stat_result, path: str) -> None:
    """Make sure that the file behind `fd` still is what `before` says.

    Raises:
        SourceChanged: something wrote to it since.

    """
    if Stamp.of(os.fstat(fd)) != Stamp.of(before):
        raise SourceChanged(f"{path} changed while it was read; nothing was stored", "run the command again")


def as_error(error: OSError, what: str) -> MvcError:
    """Return `error` as one line about `what`."""
    reason = os.strerror(error.errno) if error.errno else str(error)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return MvcError(f"{what}: {reason}", "free some space, then run the command again")
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        where = f" ({os.fsdecode(error.filename)})" if error.filename not in (None, what) else ""
        return MvcError(f"{what}: {reason}{where}", "check who may read and write there: ls -ld")
    return MvcError(f"{what}: {reason}")
