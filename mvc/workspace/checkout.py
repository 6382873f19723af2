"""Making a tracked path match its pointer: a plan of the differences, then its execution.

Files are written elsewhere and renamed into place; no symlink is followed.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterable
from functools import partial
from typing import NamedTuple

from mvc.errors import CorruptObject, MissingObject, MvcError, SourceChanged
from mvc.fs.files import StatData
from mvc.fs.progress import Progress, Share
from mvc.fs.scratch import Staging
from mvc.fs.tree import Tree
from mvc.objects.manifest import Entry
from mvc.store.cache.cache import Cache
from mvc.workspace.links import Links, names_object
from mvc.workspace.observe import Observed
from mvc.workspace.rename import remove_if_empty
from mvc.workspace.scan import scan
from mvc.workspace.stat_index import Content, Known, now, pack


class Plan(NamedTuple):
    """The changes that make a tracked path match its pointer."""

    write: list[Entry]
    """Files to write; the path of a tracked file itself is empty."""
    delete: list[Entry]
    destroyed: list[Entry]
    """Existing content that is deleted or replaced by other content."""
    empty: bool
    """Whether the path does not exist yet."""
    unlink: tuple[str, ...] = ()
    """Symlinks without content that are deleted: those that mvc made and that lead nowhere."""


NOTHING = Plan([], [], [], empty=False)
"""The plan that changes nothing."""


def make_plan(current: Iterable[Entry], wanted: Iterable[Entry], covers: Callable[[str], bool], *, empty: bool) -> Plan:
    """Return the plan that turns `current` into `wanted`, for the names that `covers` accepts."""
    have = {entry.path: entry for entry in current}
    want = {entry.path: entry for entry in wanted}
    write = [entry for path, entry in want.items() if covers(path) and have.get(path) != entry]
    delete = [entry for path, entry in have.items() if covers(path) and path not in want]
    replaced = [have[entry.path] for entry in write if entry.path in have]
    destroyed = [old for old in replaced if old.blake3 != want[old.path].blake3] + delete
    return Plan(write, delete, destroyed, empty)


def lost_by(cache: Cache, plan: Plan, progress: Progress) -> list[Entry]:
    """Return the content that the plan destroys and the cache lacks; the cache is read, and made durable."""
    lacking = cache.make_durable((entry.digest for entry in plan.destroyed), progress)
    return [entry for entry in plan.destroyed if entry.digest in lacking]


class Executed(NamedTuple):
    """The files written, and those that failed."""

    placed: dict[str, tuple[StatData, bytes]]
    """Files written: their stat data before the rename, and their packed digest."""
    failures: list[tuple[str, MvcError]]


class Checkout(NamedTuple):
    """The tools to execute plans."""

    tree: Tree
    staging: Staging
    links: Links
    progress: Progress

    def execute(self, path: str, plan: Plan, kind: str, before: Observed) -> Executed:
        """Execute `plan` at the tracked `path` of this kind.

        Raises:
            SourceChanged: a file changed since the plan was made; the rest was not touched.
            OSError: the workspace cannot be written to.
        """
        done = Executed({}, [])
        self.progress.expect(sum(entry.size for entry in plan.write))
        self._delete(path, plan, before)
        if kind == "file" and before.scan.kind == "dir":
            dir_fd, name = self.tree.parent(path)
            os.rmdir(name, dir_fd=dir_fd)
        if plan.empty and kind == "dir":
            self._write_new_directory(path, plan.write, done)
        else:
            self._write_each(path, plan, before, done)
        return done

    def _write_new_directory(self, path: str, entries: list[Entry], done: Executed) -> None:
        """Write a whole directory elsewhere and rename it once: faster, and atomic."""
        folder, dir_fd, name = self._target(path)

        def make(temp: str) -> None:
            done.placed.clear()
            done.failures.clear()
            os.mkdir(temp)
            made = {""}
            for entry in entries:
                _make_folders(temp, entry.path.rpartition("/")[0], made)
                self._fill(entry, f"{temp}/{entry.path}", done)

        try:
            self.staging.place(make, folder, dir_fd, name)
        except OSError as error:
            if error.errno in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR):
                raise SourceChanged(f"{path} appeared meanwhile", "run the command again") from None
            raise

    def _write_each(self, path: str, plan: Plan, before: Observed, done: Executed) -> None:
        stat_data = _stat_data_by_name(before)
        for entry in plan.write:
            full = f"{path}/{entry.path}" if entry.path else path
            folder, dir_fd, name = self._target(full)
            temp = self.staging.name(folder)
            if not self._fill(entry, temp, done):
                continue
            there = self.tree.lstat(full)
            if there and os.path.samestat(os.lstat(temp), there):  # the same hard link: a rename would do nothing
                os.unlink(temp)
                continue
            self._check_unchanged(full, stat_data.get(entry.path))
            try:
                os.rename(temp, name, dst_dir_fd=dir_fd)
            except OSError as error:
                if error.errno != errno.EXDEV:
                    raise
                self.staging.place(partial(self._fill, entry, done=done), folder, dir_fd, name)

    def _fill(self, entry: Entry, temp: str, done: Executed) -> bool:
        try:
            with Share(self.progress, entry.size) as share:
                self.links._replace(progress=share).materialise(entry.digest, temp, executable=entry.exec)
        except (MissingObject, CorruptObject) as error:
            done.failures.append((entry.path, error))
            return False
        done.placed[entry.path] = StatData.of(os.stat(temp)), pack(entry.digest)
        return True

    def _delete(self, path: str, plan: Plan, before: Observed) -> None:
        stat_data = _stat_data_by_name(before)
        labels = [*(entry.path for entry in plan.delete), *plan.unlink]
        for label in labels:
            full = f"{path}/{label}" if label else path
            self._check_unchanged(full, stat_data.get(label))
            dir_fd, name = self.tree.parent(full)
            os.unlink(name, dir_fd=dir_fd)
        self.tree.forget()
        for folder in sorted({label.rpartition("/")[0] for label in labels}, reverse=True):
            self._prune(path, folder)

    def _prune(self, path: str, folder: str) -> None:
        while folder:
            dir_fd, name = self.tree.parent(f"{path}/{folder}")
            if not remove_if_empty(name, dir_fd):
                break
            folder = folder.rpartition("/")[0]
        self.tree.forget()

    def _check_unchanged(self, full: str, before: StatData | None) -> None:
        """Check, just before a file is replaced or deleted, that it is unchanged since the plan was made."""
        status = self.tree.lstat(full)
        if status is not None and stat.S_ISLNK(status.st_mode):
            status = self._behind(full)
        if (StatData.of(status) if status else None) != before:
            raise SourceChanged(f"{full} changed meanwhile and was not touched", "run the command again")

    def _behind(self, full: str) -> os.stat_result | None:
        """Return the stat data of the file behind a symlink; None if it is one of mvc's that leads nowhere."""
        try:
            return os.stat(f"{self.tree.root}/{full}")
        except OSError:
            dir_fd, name = self.tree.parent(full)
            if names_object(name, dir_fd):
                return None
            raise

    def _target(self, full: str) -> tuple[str, int, str]:
        dir_fd, name = self.tree.parent(full, make=True)
        return os.path.dirname(f"{self.tree.root}/{full}"), dir_fd, name


def _make_folders(root: str, folder: str, made: set[str]) -> None:
    if folder not in made:
        _make_folders(root, folder.rpartition("/")[0], made)
        os.mkdir(f"{root}/{folder}")
        made.add(folder)


def _stat_data_by_name(observed: Observed) -> dict[str, StatData]:
    found = observed.scan
    return {name: found.stat(position) for position, name in enumerate(found.names)}


def content_after(tree: Tree, path: str, links: Links, before: Observed, done: Executed) -> Content | None:
    """Return the content of `path` after a checkout, from the files written and those already known.

    None if a file there is neither.
    """
    recorded = now()
    found = scan(tree, path, links)
    known = Known(before.snapshot).entries()
    digests: list[bytes] = []
    for position, name in enumerate(found.names):
        current = found.stat(position)
        placed, placed_digest = done.placed.get(name, (None, b""))
        seen, digest = known.get(name, (None, b""))
        if placed is not None and placed.equal_but_ctime(current):
            digests.append(placed_digest)
        elif seen == current:
            digests.append(digest)
        else:
            return None
    return Content(found, digests, recorded)
