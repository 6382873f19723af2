"""The files at a tracked path: names and stat data, from one walk that reads no content."""

from __future__ import annotations

import os
import shlex
import stat
from array import array
from collections.abc import Callable, Iterator
from typing import NamedTuple

from mvc.errors import InvalidName, MvcError, UsageError
from mvc.fs.files import StatData, aside_line, vanished
from mvc.fs.scratch import SIBLING
from mvc.fs.tree import Tree
from mvc.objects.names import check_path
from mvc.workspace.ignore import FILE, Rules, ignored, in_workspace, rules_above, with_folder
from mvc.workspace.links import Links, names_object
from mvc.workspace.stat_index import Files, group_files

MOST_EXCLUDED = 256
"""Excluded names that are kept; one more tells that there are others."""
_SYMLINK = "a symlink that does not point at a regular file"
UNBOUND = "a symlink into a cache that was moved, or lost the object"
"""A symlink that mvc made and that leads nowhere. It has no content, so nothing is lost with it."""


_UNNAMEABLE = "a name that no manifest can have"


class Scan(NamedTuple):
    """The files at a tracked path."""

    kind: str
    """`file`, `dir`, `other`, or `none` if the path is missing."""
    groups: tuple[Files, ...]
    """The files, sorted; one name, which is empty, for a tracked file itself."""
    links: dict[str, str]
    """Symlinks among the names, and the object each points at; empty when it points elsewhere."""
    refused: dict[str, str]
    """Paths that cannot be stored, and why."""
    excluded: list[str]
    """The first files and directories that `.mvcignore` excludes; a directory ends in a slash."""

    @property
    def names(self) -> Iterator[str]:
        """Paths relative to the tracked path; empty for a tracked file itself."""
        return (name for files in self.groups for name in files.paths)

    @property
    def files(self) -> int:
        """The number of files."""
        return sum(files.length for files in self.groups)

    @property
    def is_bare(self) -> bool:
        """Whether a directory has nothing but excluded files: Git may have brought them, before the content is here."""
        return self.kind == "dir" and not self.files and not self.refused and bool(self.excluded)

    @property
    def unbound(self) -> list[str]:
        """Symlinks that mvc made and that lead nowhere."""
        return [label for label, reason in self.refused.items() if reason == UNBOUND]

    def bound(self) -> Scan:
        """Return the scan without them, as if nothing was there: for commands that replace or delete them."""
        return self._replace(refused={label: reason for label, reason in self.refused.items() if reason != UNBOUND})

    @property
    def total(self) -> int:
        """Bytes of content."""
        return sum(sum(files.sizes) for files in self.groups)


def scan(tree: Tree, path: str, links: Links) -> Scan:
    """Walk the files at `path`. Symlinks are followed for their stat data only.

    Raises:
        UnsafePath: a directory above `path` is a symlink.
        SourceChanged: a file vanished meanwhile.
    """
    status = tree.lstat(path)
    if status is None:
        return Scan("none", (), {}, {}, [])
    walk = _Walk(tree, path, links)
    if stat.S_ISDIR(status.st_mode):
        walk.folder("", rules_above(in_workspace(tree), path))
        return walk.found("dir")
    dir_fd, name = tree.parent(path)
    walk.file("", name, dir_fd, status)
    return walk.found("file" if walk.names or walk.links else "other")


class _Walk:
    """A walk in the order of the paths."""

    def __init__(self, tree: Tree, path: str, links: Links) -> None:
        self._tree = tree
        self._path = path
        self._links = links
        self.names: list[str] = []
        self.links: dict[str, str] = {}
        self._stat_data = array("q")
        self._executable = bytearray()
        self._refused: dict[str, str] = {}
        self._excluded: list[str] = []

    def found(self, kind: str) -> Scan:
        """Return what was found."""
        exists = self.names or kind == "dir"
        groups = group_files(self.names, self._stat_data, self._executable) if exists else ()
        return Scan(kind, tuple(groups), self.links, self._refused, self._excluded)

    def folder(self, prefix: str, rules: Rules) -> None:
        """Add the files in the directory `prefix`, which is empty or ends in a slash, and below."""
        folder = f"{self._path}/{prefix}".rstrip("/")
        fd, listed = _listed(self._tree, folder)
        if FILE in listed:
            rules = with_folder(in_workspace(self._tree), folder, rules)
        names, add_stat_data, add_executable = self.names, self._stat_data.extend, self._executable.append
        lstat = os.stat
        for name in listed:
            label = prefix + name
            if "\n" in name or not (name.isascii() or _is_utf8(name)):
                self._refused[label] = _UNNAMEABLE
                continue
            if rules and ignored(rules, f"{self._path}/{label}".rstrip("/"), directory=name[-1] == "/"):
                if len(self._excluded) <= MOST_EXCLUDED:
                    self._excluded.append(label)
                continue
            if name[-1] == "/":
                if name[:-1] != SIBLING:
                    self.folder(label, rules)
                    fd = self._tree.directory(folder)  # it may have been closed meanwhile
                continue
            try:
                status = lstat(name, dir_fd=fd, follow_symlinks=False)
            except FileNotFoundError:  # one that was renamed may not be listed under its new name
                raise vanished(f"{folder}/{name}") from None
            if status.st_mode & 0o170111 == stat.S_IFREG:  # regular and not executable: nearly all files
                names.append(label)
                add_stat_data((status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns))
                add_executable(0)
            else:
                self.file(label, name, fd, status)

    def file(self, label: str, name: str, dir_fd: int, status: os.stat_result) -> None:
        """Add a file, which may be executable, a symlink or special; or a directory that was a file just now."""
        if stat.S_ISLNK(status.st_mode):
            self.links[label] = self._links.object_behind(name, dir_fd)
            try:
                status = os.stat(name, dir_fd=dir_fd)
            except OSError:
                self._refused[label] = UNBOUND if names_object(name, dir_fd) else "a dangling symlink"
                return
        if not stat.S_ISREG(status.st_mode):
            reason = _SYMLINK if label in self.links else "neither a regular file nor a directory"
            self._refused[label] = reason
            return
        self.names.append(label)
        self._stat_data.extend(StatData.of(status))
        self._executable.append(bool(status.st_mode & stat.S_IXUSR) and label not in self.links)


def _listed(tree: Tree, path: str) -> tuple[int, list[str]]:
    """Return a descriptor of the directory `path`, and the names in it; those of directories end in a slash.

    So they are in the order of the paths below.
    """
    try:
        fd = tree.directory(path)
        with os.scandir(fd) as entries:
            names = [f"{entry.name}/" if entry.is_dir(follow_symlinks=False) else entry.name for entry in entries]
    except FileNotFoundError:
        raise vanished(path) from None
    names.sort()
    return fd, names


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def refusal(path: str, found: Scan, show: Callable[[str], str] = str) -> MvcError | None:
    """Return the error about the first file at `path` that cannot be stored; `show` formats a path for the user."""
    for label, reason in found.refused.items():
        full = f"{path}/{label}" if label else path
        if reason == _UNNAMEABLE:
            try:
                check_path(label)
            except InvalidName as error:
                return error
        if reason == UNBOUND:
            return MvcError(f"{full} is {reason}", f"ls -l -- {shlex.quote(show(full))}")
        outside = f"{path}.{label.rpartition('/')[2]}" if label else ""
        fix = aside_line(show(full), show(outside) if outside else "")
        return UsageError(f"{full} is {reason}", f"{fix}{'  # or list it in .mvcignore' if label else ''}")
    return None
