"""What lies at a tracked path: names and stamps, from one walk that reads no content."""

from __future__ import annotations

import os
import shlex
import stat
from array import array
from collections.abc import Callable
from typing import NamedTuple

from mvc.errors import MvcError, UsageError
from mvc.fs.files import Stamp
from mvc.fs.scratch import SIBLING
from mvc.fs.tree import Tree
from mvc.workspace.ignore import FILE, Rules, ignored, rules_above, with_folder
from mvc.workspace.links import Links

STAMP_FIELDS = len(Stamp._fields)
_SYMLINK = "a symlink to what is no regular file"


class Scan(NamedTuple):
    """The files at a tracked path, in the order in which the directories yielded them."""

    kind: str
    """`file`, `dir`, or `none` when nothing is there."""
    names: list[str]
    """Paths relative to the tracked path; a file's own is empty."""
    stamps: array[int]
    """`STAMP_FIELDS` integers for each name."""
    executables: set[str]
    links: dict[str, str]
    """Symlinks among the names, and the object each points at; empty when it points elsewhere."""
    refused: dict[str, str]
    """What can't be stored, and why."""

    def stamp(self, position: int) -> Stamp:
        """Return the stamp of the name at `position`."""
        return Stamp(*self.stamps[position * STAMP_FIELDS : (position + 1) * STAMP_FIELDS])

    @property
    def total(self) -> int:
        """Bytes of content."""
        return sum(self.stamps[2::STAMP_FIELDS])


def scan(tree: Tree, path: str, links: Links) -> Scan:
    """Walk what lies at `path`. Symlinks are looked through for their stamps only.

    Raises:
        UnsafePath: a directory above `path` is a symlink.

    """
    found = Scan("none", [], array("q"), set(), {}, {})
    status = tree.lstat(path)
    if status is None:
        return found
    if stat.S_ISDIR(status.st_mode):
        rules = rules_above(tree, path)
        _walk(tree, path, "", rules, links, found)
        return found._replace(kind="dir")
    dir_fd, name = tree.parent(path)
    _note(found, "", name, dir_fd, status, links)
    return found._replace(kind="file" if found.names or found.links else "other")


def _walk(tree: Tree, path: str, prefix: str, rules: Rules, links: Links, found: Scan) -> None:
    fd = tree.directory(path)
    with os.scandir(fd) as entries:
        listed = [(entry.name, entry.stat(follow_symlinks=False)) for entry in entries]
    if any(name == FILE for name, _ in listed):
        rules = with_folder(tree, path, rules)
    folders = []
    names, stamps = found.names, found.stamps
    for name, status in listed:
        mode = status.st_mode
        if rules and ignored(rules, f"{path}/{name}", directory=stat.S_ISDIR(mode)):
            continue
        if mode & 0o170111 == stat.S_IFREG:  # a plain file that nobody may execute: nearly all of them
            names.append(prefix + name)
            stamps.extend((status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns))
        elif not stat.S_ISDIR(mode):
            _note(found, prefix + name, name, fd, status, links)
        elif name != SIBLING:
            folders.append(name)
    for name in folders:
        _walk(tree, f"{path}/{name}", f"{prefix}{name}/", rules, links, found)


def _note(found: Scan, label: str, name: str, dir_fd: int, status: os.stat_result, links: Links) -> None:
    """Take in what is no plain file: executable, symlink or special."""
    if stat.S_ISLNK(status.st_mode):
        found.links[label] = links.object_behind(name, dir_fd)
        try:
            status = os.stat(name, dir_fd=dir_fd)
        except OSError:
            found.refused[label] = "a symlink to nothing"
            return
    if not stat.S_ISREG(status.st_mode):
        found.refused[label] = _SYMLINK if label in found.links else "neither a regular file nor a directory"
        return
    if status.st_mode & stat.S_IXUSR and label not in found.links:
        found.executables.add(label)
    found.names.append(label)
    found.stamps.extend(Stamp.of(status))


def refusal(path: str, found: Scan, show: Callable[[str], str] = str) -> MvcError | None:
    """Return the error that says what at `path` can't be stored; `show` spells a path as the user would type it."""
    for label, reason in found.refused.items():
        full = f"{path}/{label}" if label else path
        fix = f"rm -- {shlex.quote(show(full))}{'  # or list it in .mvcignore' if label else ''}"
        return UsageError(f"{full} is {reason}", fix)
    return None
