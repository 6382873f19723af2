"""The files at a tracked path: names and stat data, from one walk that reads no content."""

from __future__ import annotations

import os
import shlex
import stat
from array import array
from collections.abc import Callable
from typing import NamedTuple

from mvc.errors import MvcError, UsageError
from mvc.fs.files import StatData, aside_line, vanished
from mvc.fs.scratch import SIBLING
from mvc.fs.tree import Tree
from mvc.workspace.ignore import FILE, Rules, ignored, in_workspace, rules_above, with_folder
from mvc.workspace.links import Links, names_object

STAT_FIELDS = len(StatData._fields)
SIZE, MTIME, CTIME = map(StatData._fields.index, ("size", "mtime_ns", "ctime_ns"))
"""Positions of fields in stat data."""
MOST_EXCLUDED = 256
"""Excluded names that are kept; one more tells that there are others."""
_SYMLINK = "a symlink that does not point at a regular file"
UNBOUND = "a symlink into a cache that was moved, or lost the object"
"""A symlink that mvc made and that leads nowhere. It has no content, so nothing is lost with it."""


class Scan(NamedTuple):
    """The files at a tracked path, in the order in which the directories yielded them."""

    kind: str
    """`file`, `dir`, `other`, or `none` if the path is missing."""
    names: list[str]
    """Paths relative to the tracked path; empty for a tracked file itself."""
    stat_data: array[int]
    """`STAT_FIELDS` integers for each name."""
    executables: set[str]
    links: dict[str, str]
    """Symlinks among the names, and the object each points at; empty when it points elsewhere."""
    refused: dict[str, str]
    """Paths that cannot be stored, and why."""
    excluded: list[str]
    """The first files and directories that `.mvcignore` excludes; a directory ends in a slash."""

    def stat(self, position: int) -> StatData:
        """Return the stat data of the name at `position`."""
        return StatData(*self.stat_data[position * STAT_FIELDS : (position + 1) * STAT_FIELDS])

    @property
    def is_bare(self) -> bool:
        """Whether a directory has nothing but excluded files: Git may have brought them, before the content is here."""
        return self.kind == "dir" and not self.names and not self.refused and bool(self.excluded)

    @property
    def unbound(self) -> list[str]:
        """Symlinks that mvc made and that lead nowhere."""
        return [label for label, reason in self.refused.items() if reason == UNBOUND]

    def bound(self) -> Scan:
        """Return the scan without them, as if nothing was there: for commands that replace or delete them."""
        return self._replace(refused={label: reason for label, reason in self.refused.items() if reason != UNBOUND})

    @property
    def sizes(self) -> array[int]:
        """Bytes of each file."""
        return self.stat_data[SIZE::STAT_FIELDS]

    @property
    def total(self) -> int:
        """Bytes of content."""
        return sum(self.sizes)


def scan(tree: Tree, path: str, links: Links) -> Scan:
    """Walk the files at `path`. Symlinks are followed for their stat data only.

    Raises:
        UnsafePath: a directory above `path` is a symlink.
        SourceChanged: a file vanished meanwhile.
    """
    found = Scan("none", [], array("q"), set(), {}, {}, [])
    status = tree.lstat(path)
    if status is None:
        return found
    if stat.S_ISDIR(status.st_mode):
        _walk(tree, path, "", rules_above(in_workspace(tree), path), links, found)
        return found._replace(kind="dir")
    dir_fd, name = tree.parent(path)
    _add_special(found, "", name, dir_fd, status, links)
    return found._replace(kind="file" if found.names or found.links else "other")


def _walk(tree: Tree, path: str, prefix: str, rules: Rules, links: Links, found: Scan) -> None:
    fd, listed = _listed(tree, path)
    if any(name == FILE for name, _ in listed):
        rules = with_folder(in_workspace(tree), path, rules)
    folders = []
    names, stat_data = found.names, found.stat_data
    for name, status in listed:
        mode = status.st_mode
        if rules and ignored(rules, f"{path}/{name}", directory=stat.S_ISDIR(mode)):
            if len(found.excluded) <= MOST_EXCLUDED:
                found.excluded.append(f"{prefix}{name}/" if stat.S_ISDIR(mode) else f"{prefix}{name}")
            continue
        if mode & 0o170111 == stat.S_IFREG:  # regular and not executable: nearly all files
            names.append(prefix + name)
            stat_data.extend((status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns))
        elif not stat.S_ISDIR(mode):
            _add_special(found, prefix + name, name, fd, status, links)
        elif name != SIBLING:
            folders.append(name)
    for name in folders:
        _walk(tree, f"{path}/{name}", f"{prefix}{name}/", rules, links, found)


def _listed(tree: Tree, path: str) -> tuple[int, list[tuple[str, os.stat_result]]]:
    """Return a descriptor of the directory `path`, and the names in it with their status."""
    try:
        fd = tree.directory(path)
    except FileNotFoundError:
        raise vanished(path) from None
    try:
        with os.scandir(fd) as entries:
            return fd, [(entry.name, entry.stat(follow_symlinks=False)) for entry in entries]
    except FileNotFoundError as error:  # one that was renamed may not be listed under its new name
        raise vanished(f"{path}/{error.filename}") from None


def _add_special(found: Scan, label: str, name: str, dir_fd: int, status: os.stat_result, links: Links) -> None:
    """Add a file that may be executable, a symlink or special."""
    if stat.S_ISLNK(status.st_mode):
        found.links[label] = links.object_behind(name, dir_fd)
        try:
            status = os.stat(name, dir_fd=dir_fd)
        except OSError:
            found.refused[label] = UNBOUND if names_object(name, dir_fd) else "a dangling symlink"
            return
    if not stat.S_ISREG(status.st_mode):
        found.refused[label] = _SYMLINK if label in found.links else "neither a regular file nor a directory"
        return
    if status.st_mode & stat.S_IXUSR and label not in found.links:
        found.executables.add(label)
    found.names.append(label)
    found.stat_data.extend(StatData.of(status))


def refusal(path: str, found: Scan, show: Callable[[str], str] = str) -> MvcError | None:
    """Return the error about the first file at `path` that cannot be stored; `show` formats a path for the user."""
    for label, reason in found.refused.items():
        full = f"{path}/{label}" if label else path
        if reason == UNBOUND:
            return MvcError(f"{full} is {reason}", f"ls -l -- {shlex.quote(show(full))}")
        outside = f"{path}.{label.rpartition('/')[2]}" if label else ""
        fix = aside_line(show(full), show(outside) if outside else "")
        return UsageError(f"{full} is {reason}", f"{fix}{'  # or list it in .mvcignore' if label else ''}")
    return None
