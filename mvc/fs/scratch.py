"""Temporary files: directories that are removed with their process, and staging for renames."""

from __future__ import annotations

import errno
import fcntl
import itertools
import os
import shlex
import stat
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress

from mvc.errors import MvcError
from mvc.fs.file_systems import on_network
from mvc.fs.files import DIRECTORY
from mvc.fs.shared_folders import SHARED_MODE, is_shared, make_folders

SIBLING = ".mvc-tmp"
"""The directory beside a target on another file system that contains scratch directories."""
_TRIES = 100
"""Times that others may remove it before it is used."""


class Scratch:
    """A directory of temporary files that belongs to one process.

    It is locked while it is in use. The next scratch directory removes those of dead processes: the kernel frees the
    lock of a killed process.
    """

    def __init__(self, parent: str) -> None:
        make_folders(parent)
        sweep(parent)
        self.path, self._fd = _new_locked(parent)
        self._numbers = itertools.count(1)  # next() is atomic: threads share a scratch directory

    def __enter__(self) -> Scratch:
        return self

    def __exit__(self, *_: object) -> None:
        _remove_tree(self.path)
        os.close(self._fd)

    def name(self) -> str:
        """Return the path of a file that does not exist yet."""
        return f"{self.path}/{next(self._numbers)}"


@contextmanager
def beside(folder: str) -> Iterator[Scratch]:
    """Create a scratch directory on the file system of the directory `folder`."""
    parent = f"{folder}/{SIBLING}"
    try:
        with _in_sibling(parent) as scratch:
            yield scratch
    finally:
        with suppress(OSError):  # another command still uses it
            os.rmdir(parent)


def _in_sibling(parent: str) -> Scratch:
    """Create a scratch directory in `parent`; try again if another command removes `parent` meanwhile.

    Raises:
        MvcError: `parent` is not a directory.
        FileNotFoundError: it cannot be created, as in /proc, or in a directory that was removed.
    """
    left = _TRIES
    while True:
        try:
            return Scratch(parent)
        except FileNotFoundError:
            left -= 1
            if not left:
                raise
        except FileExistsError:
            with suppress(FileNotFoundError):
                if not stat.S_ISDIR(os.lstat(parent).st_mode):
                    line = f"ls -ld {shlex.quote(parent)}"
                    raise MvcError(f"{parent} is not a directory, but mvc needs that name", line) from None


def _new_locked(parent: str) -> tuple[str, int]:
    while True:
        path = f"{parent}/{_host()}{os.urandom(4).hex()}"
        os.mkdir(path, 0o700)
        try:
            return path, _lock(path)
        except (FileNotFoundError, BlockingIOError):  # another process removed it before it was locked
            continue
        except BaseException:
            _remove_tree(path)
            raise


def _lock(path: str) -> int:
    """Return a descriptor of the directory `path`, with an exclusive lock.

    Raises:
        BlockingIOError: another process has locked it to remove it.
        FileNotFoundError: another process has removed it.
    """
    fd = os.open(path, DIRECTORY)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise
        except OSError:
            pass  # some file systems cannot lock directories: nothing is swept there
        if is_shared(os.path.dirname(path)):
            os.fchmod(fd, SHARED_MODE)  # so that other users can sweep it; the files in it stay private
        if not os.path.samestat(os.stat(path), os.fstat(fd)):
            raise FileNotFoundError(path)
    except BaseException:
        os.close(fd)
        raise
    return fd


def _host() -> str:
    """Return an id of this machine, for directories that others use over a network."""
    return f"{zlib.crc32(os.uname().nodename.encode()):08x}"


def sweep(parent: str) -> None:
    """Remove the scratch directories of dead processes in `parent`."""
    with os.scandir(parent) as entries:
        folders = [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
    if folders and on_network(parent):  # NFS does not show other machines the locks of directories
        folders = [path for path in folders if os.path.basename(path).startswith(_host())]
    for path in folders:
        with suppress(OSError):  # in use, another user's, or removed
            fd = os.open(path, DIRECTORY)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _remove_tree(path)
            finally:
                os.close(fd)


def left_behind(parent: str) -> bool:
    """Whether `parent` is a directory in which no scratch directory is in use."""
    if not os.path.isdir(parent) or os.path.islink(parent):
        return False
    with os.scandir(parent) as entries:
        return not any(_in_use(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False))


def _in_use(path: str) -> bool:
    fd = os.open(path, DIRECTORY)
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(fd)
    return False


def _remove_tree(path: str) -> None:
    try:
        os.rmdir(path)  # usually it is empty
    except OSError:
        import shutil  # noqa: PLC0415 - 3 ms; the hook does not need it

        shutil.rmtree(path, ignore_errors=True)


class Staging:
    """Temporary files that are renamed to their targets.

    They are in `primary`, or if the target is on another file system or mount, in a scratch directory beside it,
    because a rename cannot cross mounts. A `primary` that is not writable has none.
    """

    def __init__(self, primary: str) -> None:
        self._folder = primary
        self._made: Scratch | None = None
        self._siblings: dict[str, Scratch] = {}
        self._open = ExitStack()
        try:
            self._made = self._open.enter_context(Scratch(primary))
        except OSError as error:
            if error.errno not in (errno.EROFS, errno.EACCES):
                raise

    def __enter__(self) -> Staging:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def name(self, folder: str) -> str:
        """Return the path of a file that does not exist yet, for a target in `folder`."""
        scratch = self._siblings.get(folder) or self._made
        return scratch.name() if scratch else f"{self._folder}/{os.urandom(4).hex()}"  # writing there raises the error

    def place(self, make: Callable[[str], object], folder: str, dir_fd: int, name: str) -> None:
        """Call `make` to write a file or directory at a temporary path, and rename that to `name` in `folder`.

        `make` may be called twice. `dir_fd` is a descriptor of `folder`.
        """
        temp = self.name(folder)
        make(temp)
        try:
            os.rename(temp, name, dst_dir_fd=dir_fd)
        except OSError as error:
            if error.errno != errno.EXDEV or folder in self._siblings:
                raise
            self._siblings[folder] = self._open.enter_context(beside(folder))
            self.place(make, folder, dir_fd, name)
