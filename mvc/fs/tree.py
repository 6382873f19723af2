"""Files below a directory, reached part by part and never through a symlink."""

from __future__ import annotations

import errno
import os
from collections import OrderedDict
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from typing import NamedTuple

from mvc.errors import MvcError
from mvc.fs.files import (
    CREATE,
    DIRECTORY,
    READ,
    UnsafePath,
    as_error,
    fsync_names,
    open_regular,
    read_up_to,
    write_all,
)
from mvc.fs.scratch import Staging


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
        return open_regular(name, fd, path)[0]

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
                raise UnsafePath(f"{path} is a symlink or not a directory: mvc does not follow it") from None
            raise


class Replacement(NamedTuple):
    """A small file to write: what it must hold now (None: must not exist), and what it shall hold."""

    path: str
    old: bytes | None
    new: bytes
    mode: int = 0o666
    """Who may read and write it, as far as the umask lets them."""


_THREADS = 16
"""How many files are made durable at once: the kernel commits them together."""


def replace_files(tree: Tree, staging: Staging, items: list[Replacement]) -> None:
    """Write small files, each whole or not at all, durably.

    What holds the right bytes already is only made durable: who wrote it may have died before that.

    Raises:
        MvcError: a file does not hold what it should, or cannot be written. Those before it are.

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
    """Make the names of `paths` durable, and those of the directories above them: the user may have just made those."""
    folders = set()
    for path in paths:
        while path and (path := path.rpartition("/")[0]) not in folders:
            folders.add(path)
    for folder in sorted(folders, reverse=True):
        with suppress(FileNotFoundError):
            fsync_names(tree.directory(folder))


def _put_in_place(tree: Tree, staging: Staging, temp: str, item: Replacement) -> None:
    if tree.read(item.path, len(item.old or b"") + 1) != item.old:
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
    """Write a new file, and make what it holds durable; its name is not."""
    _write_file(path, data, mode)
    _fsync_file(path)


def _fsync_all(paths: list[str]) -> None:
    if len(paths) < 2:  # noqa: PLR2004 - one file needs no threads
        for path in paths:
            _fsync_file(path)
        return
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - only batches need it

    with ThreadPoolExecutor(min(len(paths), _THREADS), "mvc-fsync") as executor:
        list(executor.map(_fsync_file, paths))


def _fsync_file(path: str) -> None:
    fd = os.open(path, READ)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
