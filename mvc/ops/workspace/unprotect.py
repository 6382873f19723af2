"""`mvc unprotect`: replaces files that share their content with the cache by writable copies."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from typing import NamedTuple

from mvc.errors import MissingObject, MvcError, SourceChanged
from mvc.fs.files import READ, StatData
from mvc.fs.progress import Share
from mvc.fs.scratch import Staging
from mvc.fs.tree import Tree
from mvc.objects.manifest import Entry
from mvc.ops.shared.checkout import content_line
from mvc.ops.shared.failures import Failure, collecting
from mvc.ops.shared.selection import chosen_each
from mvc.ops.shared.workspace_content import observe_path
from mvc.project import Project
from mvc.workspace.checkout import Executed, files_of, groups_after
from mvc.workspace.links import Links
from mvc.workspace.observe import Observed, settled
from mvc.workspace.scan import UNBOUND, Scan, scan
from mvc.workspace.stat_index import Snapshot
from mvc.workspace.tracked import Selection


class Unprotected(NamedTuple):
    """A tracked path with `files` made writable; `size` in bytes."""

    path: str
    files: int
    size: int


class UnprotectResult(NamedTuple):
    """The paths made writable, and those that failed."""

    unprotected: tuple[Unprotected, ...]
    failed: tuple[Failure, ...] = ()


def unprotect(project: Project, paths: Iterable[str]) -> UnprotectResult:
    """Make the files at `paths` (from the top of the worktree) writable, each with a copy of its content.

    Raises:
        MvcError: a path is not tracked.
    """
    done: list[Unprotected] = []
    failed: list[Failure] = []
    with project.locks.worktree(), project.locks.store(), project.staging() as staging:
        for selection in chosen_each(project, project.tracked(), paths, failed):
            with collecting(failed, selection.item.path):
                done.append(_unprotect(project, staging, selection, failed))
        project.catalog.flush()
    return UnprotectResult(tuple(item for item in done if item.files), tuple(failed))


def _unprotect(project: Project, staging: Staging, selection: Selection, failed: list[Failure]) -> Unprotected:
    path = selection.item.path
    found = scan(project.tree, path, project.links)
    fix = content_line(project, path, selection.item.pointer) if found.unbound else ""
    lost = (_full(path, name) for name in filter(selection.covers, found.unbound))
    failed += [Failure.of(full, MvcError(f"{full} is {UNBOUND}", fix)) for full in lost]
    names = _protected(project.tree, selection, found)
    if not names:
        return Unprotected(path, 0, 0)
    before = observe_path(project, path)
    wanted = set(names)
    entries = {entry.path: entry for entry in before.entries() if entry.path in wanted}
    done = Executed()
    project.around.progress.expect(sum(entry.size for entry in entries.values()))
    for name in names:
        full = _full(path, name)
        with collecting(failed, full):
            if (entry := entries.get(name)) is None:
                fix = content_line(project, path, selection.item.pointer)
                raise MissingObject(f"{full} points at an object that is not in the cache", fix)
            with Share(project.around.progress, entry.size) as share:
                links = project.links._replace(progress=share)
                done.placed.add(name, _separate(project, staging, links, full, entry), entry.digest)
            done.size += entry.size
    _remember(project, path, before, done)
    return Unprotected(path, done.placed.count, done.size)


def _protected(tree: Tree, selection: Selection, found: Scan) -> list[str]:
    """Return the selected files that are symlinks into the cache, read-only, or hard-linked."""
    names = {name for name, digest in found.links.items() if digest and name not in found.refused}
    for name in found.names:
        status = tree.lstat(_full(selection.item.path, name))
        if status and name not in found.links and (status.st_nlink > 1 or not status.st_mode & stat.S_IWUSR):
            names.add(name)
    return sorted(name for name in names if selection.covers(name))


def _separate(project: Project, staging: Staging, links: Links, full: str, entry: Entry) -> os.stat_result:
    """Replace the file by a copy; return its status, whose ctime still changes."""
    dir_fd, name = project.tree.parent(full)
    before = os.lstat(name, dir_fd=dir_fd)
    if stat.S_ISREG(before.st_mode) and before.st_nlink == 1:
        return _make_writable(name, dir_fd)
    made: list[os.stat_result] = []

    def make(temp: str) -> None:
        fd = _open(project, name, dir_fd)
        try:
            links.separate(fd, entry.digest, temp, executable=entry.exec)
        finally:
            os.close(fd)
        if not StatData.of(os.lstat(name, dir_fd=dir_fd)).equal_but_ctime(StatData.of(before)):
            raise SourceChanged(f"{full} changed meanwhile and was not touched", "run the command again")
        made.append(os.stat(temp))

    staging.place(make, os.path.dirname(f"{project.root}/{full}"), dir_fd, name)
    return made[-1]


def _make_writable(name: str, dir_fd: int) -> os.stat_result:
    fd = os.open(name, READ, dir_fd=dir_fd)
    try:
        os.fchmod(fd, stat.S_IMODE(os.fstat(fd).st_mode) | stat.S_IWUSR)
        return os.fstat(fd)
    finally:
        os.close(fd)


def _open(project: Project, name: str, dir_fd: int) -> int:
    """Open the file, or the object that a symlink points at."""
    if not stat.S_ISLNK(os.lstat(name, dir_fd=dir_fd).st_mode):
        return os.open(name, READ, dir_fd=dir_fd)
    return os.open(project.cache.loose_path(project.links.object_behind(name, dir_fd)), READ)


def _remember(project: Project, path: str, before: Observed, done: Executed) -> None:
    if groups := groups_after(project.tree, path, files_of(before), before, done, before.scan.kind):
        snapshot = Snapshot(before.scan.kind, groups)
        project.catalog.remember(path, settled(project.tree, path, project.links, snapshot))


def _full(path: str, name: str) -> str:
    return f"{path}/{name}" if name else path
