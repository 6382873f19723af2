"""Files below a directory, reached without following symlinks."""

from __future__ import annotations

import errno
import os
from collections import OrderedDict
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from typing import NamedTuple

from mvc.errors import MvcError
from mvc.fs.durable_names import fsync_names
from mvc.fs.files import CREATE, DIRECTORY, READ, UnsafePath, as_error, open_regular, read_up_to, write_all
from mvc.fs.scratch import Staging


class Tree:
    """A directory whose files are reached component by component, never through a symlink.

    The path of the root itself may have symlinks.
    """

    _KEEP_OPEN = 16
    """Directories that stay open: `ulimit -n 64` must be enough."""

    def __init__(self, root: str) -> None:
        self.root = root
        self._root_fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._open: OrderedDict[str, int] = OrderedDict()

    def __enter__(self) -> Tree:
        return self

    def __exit__(self, *_: object) -> None:
        self.forget()
        os.close(self._root_fd)

    def forget(self) -> None:
        """Close the directories below the root, so that they are looked up again."""
        while self._open:
            os.close(self._open.popitem()[1])

    def directory(self, path: str, *, make: bool = False) -> int:
        """Return a descriptor of the directory `path`; the tree closes it.

        Raises:
            UnsafePath: a component of `path` is a symlink or not a directory.
            FileNotFoundError: a component is missing, and `make` is not set.
        """
        if not path:
            return self._root_fd
        if (fd := self._open.get(path)) is not None:
            self._open.move_to_end(path)
            return fd
        parent, _, name = path.rpartition("/")
        fd = self._enter(self.directory(parent, make=make), name, path, make=make)
        self._open[path] = fd
        if len(self._open) > self._KEEP_OPEN:
            os.close(self._open.popitem(last=False)[1])
        return fd

    def parent(self, path: str, *, make: bool = False) -> tuple[int, str]:
        """Return a descriptor of the directory of `path`, and the name in it."""
        folder, _, name = path.rpartition("/")
        return self.directory(folder, make=make), name

    def lstat(self, path: str) -> os.stat_result | None:
        """Return the status of `path`, without following a symlink; None when it does not exist."""
        try:
            fd, name = self.parent(path)
            return os.stat(name, dir_fd=fd, follow_symlinks=False)
        except (FileNotFoundError, NotADirectoryError):
            return None

    def open(self, path: str) -> int:
        """Return a descriptor of the regular file at `path`, for reading.

        Raises:
            UnsafePath: it is a symlink or not a regular file.
            OSError: it cannot be opened.
        """
        fd, name = self.parent(path)
        return open_regular(name, fd, path)[0]

    def read(self, path: str, limit: int) -> bytes | None:
        """Return at most `limit` bytes of the file `path`; None when it does not exist."""
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
                raise UnsafePath(f"{path} is a symlink or not a directory: mvc does not follow it") from None
            raise


class Replacement(NamedTuple):
    """A small file to write: its present content (None: it must not exist), and the new content."""

    path: str
    old: bytes | None
    new: bytes
    mode: int = 0o666
    """Before the umask."""


_THREADS = 16
"""Files made durable at the same time: the kernel commits them together."""


def replace_files(tree: Tree, staging: Staging, items: list[Replacement]) -> None:
    """Write small files durably, each completely or not at all.

    A file that already has the new content is only made durable: its writer may have died before that.

    Raises:
        MvcError: a file does not have its old content, or cannot be written. Those before it are written.
    """
    changed = [item for item in items if item.old != item.new]
    temps = [staging.name(_full_folder(tree, item)) for item in changed]
    for temp, item in zip(temps, changed, strict=True):
        _write_file(temp, item.new, item.mode)
    _fsync_all(temps)
    for temp, item in zip(temps, changed, strict=True):
        _put_in_place(tree, staging, temp, item)
    fsync_folders(tree, [item.path for item in items])


def fsync_folders(tree: Tree, paths: Iterable[str]) -> None:
    """Make the names of `paths` and of the directories above them, which may be new, durable."""
    folders = set()
    for path in paths:
        while path and (path := path.rpartition("/")[0]) not in folders:
            folders.add(path)
    for folder in sorted(folders, reverse=True):
        with suppress(FileNotFoundError):
            fsync_names(tree.directory(folder))


def _put_in_place(tree: Tree, staging: Staging, temp: str, item: Replacement) -> None:
    old = item.old or b""  # an empty file has nothing to lose, and is as good as none
    if (tree.read(item.path, len(old) + 1) or b"") != old:
        raise MvcError(f"{item.path} was changed by another program meanwhile", "run the command again")
    dir_fd, name = tree.parent(item.path, make=True)
    try:
        os.rename(temp, name, dst_dir_fd=dir_fd)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise as_error(error, item.path) from None
        staging.place(partial(write_durable, data=item.new, mode=item.mode), _full_folder(tree, item), dir_fd, name)


def _full_folder(tree: Tree, item: Replacement) -> str:
    return os.path.dirname(f"{tree.root}/{item.path}")


def _write_file(path: str, data: bytes, mode: int) -> None:
    fd = os.open(path, CREATE, mode)
    try:
        write_all(fd, data)
    finally:
        os.close(fd)


def write_durable(path: str, data: bytes, mode: int) -> None:
    """Write a new file, and make its content durable, but not its name."""
    _write_file(path, data, mode)
    _fsync_file(path)


def _fsync_all(paths: list[str]) -> None:
    if len(paths) < 2:  # noqa: PLR2004 - one file needs no threads
        for path in paths:
            _fsync_file(path)
        return
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - only batches need it

    shares = [paths[first::_THREADS] for first in range(min(len(paths), _THREADS))]
    with ThreadPoolExecutor(len(shares), "mvc-fsync") as executor:
        list(executor.map(lambda share: [*map(_fsync_file, share)], shares))


def _fsync_file(path: str) -> None:
    fd = os.open(path, READ)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
