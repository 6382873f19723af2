"""Renaming and removing in the workspace: nothing is overwritten, no symlink is followed."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

from mvc.errors import SourceChanged
from mvc.fs.new_names import rename_new
from mvc.fs.tree import Tree

_IN_USE = frozenset({errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR, errno.EBUSY, errno.EACCES, errno.EPERM})
"""Why a directory stays: it is not empty, a symlink, a mount point, or its parent is not writable."""


def reaches(tree: Tree, old: str, new: str) -> bool:
    """Whether `old` can be renamed to `new`: both are on one mount.

    The kernel is asked to rename a file that does not exist: it checks the mounts first.
    """
    name = f".mvc-{os.urandom(8).hex()}"
    with _folder(tree, _parent(old)) as source, _folder(tree, _nearest_folder(tree, new)) as target:
        try:
            os.rename(name, name, src_dir_fd=source, dst_dir_fd=target)
        except OSError as error:
            if error.errno == errno.EXDEV:
                return False
            if error.errno != errno.ENOENT:
                raise
    return True


def rename(tree: Tree, old: str, new: str) -> bool:
    """Rename `old` to `new`, creating directories; False without `old`.

    Raises:
        SourceChanged: `new` exists.
        OSError: the rename failed.
    """
    if (status := tree.lstat(old)) is None:
        return False
    with _folder(tree, _parent(old)) as source, _folder(tree, _parent(new), make=True) as target:
        origin, place = f"/proc/self/fd/{source}/{_name(old)}", f"/proc/self/fd/{target}/{_name(new)}"
        if stat.S_ISDIR(status.st_mode):
            os.rename(origin, place)  # replaces only an empty directory
            tree.forget()
        elif not rename_new(origin, place):
            raise SourceChanged(f"{new} appeared meanwhile and was not touched", "run the command again")
    return True


def remove_file(tree: Tree, path: str) -> None:
    """Remove the file or symlink at `path`, if there is one."""
    with suppress(FileNotFoundError):
        dir_fd, name = tree.parent(path)
        os.unlink(name, dir_fd=dir_fd)


def remove_empty(tree: Tree, path: str) -> None:
    """Remove the directory at `path`, and those below it, that contain no files."""
    status = tree.lstat(path)
    if status is None or not stat.S_ISDIR(status.st_mode):
        return
    dir_fd, name = tree.parent(path)
    for _, folders, _, fd in os.fwalk(name, topdown=False, dir_fd=dir_fd):
        for folder in folders:
            remove_if_empty(folder, fd)
    remove_if_empty(name, dir_fd)
    tree.forget()


def remove_if_empty(name: str, dir_fd: int) -> bool:
    """Remove a directory if it is empty and unused; return whether it was removed."""
    try:
        os.rmdir(name, dir_fd=dir_fd)
    except FileNotFoundError:
        return True
    except OSError as error:
        if error.errno not in _IN_USE:
            raise
        return False
    return True


def prune(tree: Tree, paths: Iterable[str], keep: set[str]) -> None:
    """Remove the empty directories above `paths`, up to those in `keep` (full paths)."""
    tree.forget()
    for folder in {_parent(path) for path in paths}:
        while folder and f"{tree.root}/{folder}" not in keep and _rmdir(tree, folder):
            folder = _parent(folder)  # noqa: PLW2901 - upwards


def _rmdir(tree: Tree, path: str) -> bool:
    try:
        with _folder(tree, _parent(path)) as fd:
            tree.forget()
            return remove_if_empty(_name(path), fd)
    except FileNotFoundError:
        return True


def _parent(path: str) -> str:
    return path.rpartition("/")[0]


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _nearest_folder(tree: Tree, path: str) -> str:
    folder = _parent(path)
    while folder and tree.lstat(folder) is None:
        folder = _parent(folder)
    return folder


@contextmanager
def _folder(tree: Tree, path: str, *, make: bool = False) -> Iterator[int]:
    """Open a directory: the tree may close its own descriptor."""
    fd = os.dup(tree.directory(path, make=make))
    try:
        yield fd
    finally:
        os.close(fd)
