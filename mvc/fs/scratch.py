"""Temporary files: directories that die with their process, and places to shape files in."""

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
from mvc.fs.files import DIRECTORY, SHARED_MODE, is_shared, make_folders, on_network

SIBLING = ".mvc-tmp"
"""The directory beside a target on another file system, in which scratch directories are made."""


class Scratch:
    """A directory of temporary files that belongs to one process and dies with it.

    It is locked as long as it is in use. Whoever opens the next one removes those whose owner
    is gone: the kernel drops the lock of a killed process.
    """

    def __init__(self, parent: str) -> None:
        """Make a scratch directory in `parent`, which is made when missing."""
        make_folders(parent)
        sweep(parent)
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


@contextmanager
def beside(folder: str) -> Iterator[Scratch]:
    """Make a scratch directory for targets in the directory `folder`, on its file system."""
    parent = f"{folder}/{SIBLING}"
    try:
        with _in_sibling(parent) as scratch:
            yield scratch
    finally:
        with suppress(OSError):  # another command uses it, too
            os.rmdir(parent)


def _in_sibling(parent: str) -> Scratch:
    """Make a scratch directory in `parent`, which is made again as often as another command removes it.

    Raises:
        MvcError: something else lies there.

    """
    while True:
        try:
            return Scratch(parent)
        except FileNotFoundError:
            continue
        except FileExistsError:
            with suppress(FileNotFoundError):
                if not stat.S_ISDIR(os.lstat(parent).st_mode):
                    line = f"ls -ld {shlex.quote(parent)}"
                    raise MvcError(f"{parent} is no directory, and mvc needs one of that name", line) from None


def _new_locked(parent: str) -> tuple[str, int]:
    while True:
        path = f"{parent}/{_host()}{os.urandom(4).hex()}"
        os.mkdir(path, 0o700)
        try:
            return path, _lock(path)
        except (FileNotFoundError, BlockingIOError):  # a sweeper was quicker than our lock
            continue
        except BaseException:
            _remove_tree(path)
            raise


def _lock(path: str) -> int:
    """Return a locked descriptor of the directory `path`, ours alone.

    Raises:
        BlockingIOError: a sweeper holds it, and is about to remove it.
        FileNotFoundError: one has removed it.

    """
    fd = os.open(path, DIRECTORY)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise
        except OSError:
            pass  # some file systems lock no directory: nobody sweeps there
        if is_shared(os.path.dirname(path)):
            os.fchmod(fd, SHARED_MODE)  # so that others can sweep it; the files in it stay private
        if not os.path.samestat(os.stat(path), os.fstat(fd)):
            raise FileNotFoundError(path)
    except BaseException:
        os.close(fd)
        raise
    return fd


def _host() -> str:
    """Return what tells this machine from others that use the same directory over a network."""
    return f"{zlib.crc32(os.uname().nodename.encode()):08x}"


def sweep(parent: str) -> None:
    """Remove the scratch directories in `parent` whose owner is gone."""
    with os.scandir(parent) as entries:
        folders = [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
    if folders and on_network(parent):  # NFS keeps locks of directories to the machine that asked for them
        folders = [path for path in folders if os.path.basename(path).startswith(_host())]
    for path in folders:
        with suppress(OSError):  # in use, another user's, or gone
            fd = os.open(path, DIRECTORY)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _remove_tree(path)
            finally:
                os.close(fd)


def left_behind(parent: str) -> bool:
    """Whether `parent` is a directory of scratch directories, and none of them is in use."""
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
        os.rmdir(path)  # mostly it is empty, and nothing has to be opened
    except OSError:
        import shutil  # noqa: PLC0415 - 3 ms; the hook does without

        shutil.rmtree(path, ignore_errors=True)


class Staging:
    """Where files take shape before one rename puts them in their place.

    Usually in `primary`. A target on another file system, or behind a bind mount, cannot be
    renamed to from there: such a directory gets a scratch directory of its own.
    """

    def __init__(self, primary: str) -> None:
        """Make the primary scratch directory in `primary`; where nothing can be written, there is none."""
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
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Remove every scratch directory with whatever is left in it."""
        self._open.close()

    def name(self, folder: str) -> str:
        """Return the path of a file that does not exist yet, for a target in `folder`."""
        scratch = self._siblings.get(folder) or self._made
        return scratch.name() if scratch else f"{self._folder}/{os.urandom(4).hex()}"  # who writes there is told

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
            self._siblings[folder] = self._open.enter_context(beside(folder))
            self.place(make, folder, dir_fd, name)
