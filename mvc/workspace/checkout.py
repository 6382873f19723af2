"""Making a tracked path match its pointer: a plan of the differences, then its execution.

Files are written elsewhere and renamed into place; no symlink is followed.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import chain, islice
from typing import NamedTuple

from mvc.errors import CorruptObject, MissingObject, MvcError, SourceChanged
from mvc.fs.files import StatData
from mvc.fs.progress import Progress, Share
from mvc.fs.scratch import Staging
from mvc.fs.tree import Tree
from mvc.objects.diff import EntryChange, compare, diff_manifests
from mvc.objects.manifest import Entry, Manifest, Shard
from mvc.store.cache.cache import Cache
from mvc.store.cache.writer import LOOSE_AT
from mvc.workspace.links import Links, names_object
from mvc.workspace.observe import Observed
from mvc.workspace.rename import remove_if_empty
from mvc.workspace.stat_index import PACKED, UNREAD, Files, FilesBuilder, Group, Known, now


class Plan:
    """The changes that make a tracked path match its pointer. If there are many, they are computed each time."""

    def __init__(
        self, old: Manifest, new: Manifest, covers: Callable[[str], bool] = lambda _: True, *,
        empty: bool = False, unlink: tuple[str, ...] = (), rewrite: bool = False,
    ) -> None:
        """Plan to turn the present files `old` into `new`; the path of a tracked file itself is empty.

        `covers` selects the files to change. `empty`: the path does not exist yet. `unlink` are symlinks without
        content that are deleted: those that mvc made and that lead nowhere. `rewrite`: files that are right are written
        again as well.
        """
        self.old = old
        self.new = new
        self.empty = empty
        self.unlink = unlink
        self._covers = covers
        self._rewrite = rewrite
        self._few: list[EntryChange] | None = None

    @property
    def changes(self) -> Iterable[EntryChange]:
        """What changes, sorted by path."""
        if self._few is None:
            found = self._computed()
            start = list(islice(found, _FEW + 1))
            if len(start) > _FEW:
                return chain(start, found)
            self._few = start
        return self._few

    def _computed(self) -> Iterator[EntryChange]:
        rewrite = self._rewrite
        changes = compare(self.old.entries, self.new.entries) if rewrite else diff_manifests(self.old, self.new)
        return (change for change in changes if self._covers(change.path))

    @property
    def write(self) -> Iterator[Entry]:
        """The files to write."""
        return (change.new for change in self.changes if change.new)

    @property
    def delete(self) -> Iterator[Entry]:
        """The files to delete."""
        return (change.old for change in self._replaced() if change.old and change.new is None)

    @property
    def destroyed(self) -> Iterator[Entry]:
        """Existing content that is deleted or replaced by other content."""
        return (
            change.old for change in self._replaced()
            if change.old and (change.new is None or change.new.blake3 != change.old.blake3)
        )

    def _replaced(self) -> Iterable[EntryChange]:
        return self.changes if self.old.files else ()


_FEW = 10_000
"""Most changes of a plan that stay in memory."""
_NO_FILES = Manifest.holding(())
NOTHING = Plan(_NO_FILES, _NO_FILES)
"""The plan that changes nothing."""


def files_of(observed: Observed) -> Manifest:
    """Return the files at a tracked path; the path of a tracked file itself is empty."""
    return observed.manifest if observed.scan.kind == "dir" else Manifest.holding(list(observed.entries()))


def deletion(observed: Observed) -> Plan:
    """Return the plan that deletes all files."""
    return Plan(files_of(observed), _NO_FILES, unlink=tuple(observed.scan.unbound))


def lost_by(cache: Cache, plan: Plan, progress: Progress) -> list[Entry]:
    """Return the content that the plan destroys and the cache lacks; the cache is read, and made durable."""
    lacking = cache.make_durable((entry.digest for entry in plan.destroyed), progress)
    return [entry for entry in plan.destroyed if entry.digest in lacking] if lacking else []


class Executed:
    """What was done at a tracked path."""

    def __init__(self) -> None:
        self.placed = FilesBuilder()
        """The files written, sorted, with their stat data before the rename."""
        self.finished = 0
        """When a new directory was complete, in ns since the epoch, before it was renamed: its stat data stays."""
        self.written = 0
        self.size = 0
        """Bytes written."""
        self.deleted = 0
        """Files deleted."""
        self.failures: list[tuple[str, MvcError]] = []
        """Files not written."""

    def count(self, entry: Entry) -> None:
        """Count a file as written."""
        self.written += 1
        self.size += entry.size

    @contextmanager
    def collecting(self, entry: Entry) -> Iterator[None]:
        """Collect the error that the cache lacks a file, so that it does not stop the others."""
        try:
            yield
        except (MissingObject, CorruptObject) as error:
            self.failures.append((entry.path, error))


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
        known = Known(before.groups)
        self.progress.expect(sum(entry.size for entry in plan.write))
        deleted = self._delete(path, plan, known)
        if kind == "file" and before.scan.kind == "dir":
            dir_fd, name = self.tree.parent(path)
            os.rmdir(name, dir_fd=dir_fd)
        if plan.empty and kind == "dir":
            done = self._write_new_directory(path, plan)
        else:
            done = self._write_each(path, plan, known)
        done.deleted = deleted
        return done

    def _write_new_directory(self, path: str, plan: Plan) -> Executed:
        """Write a whole directory elsewhere and rename it once: faster, and atomic."""
        folder, dir_fd, name = self._target(path)
        done = Executed()

        def make(temp: str) -> None:
            nonlocal done
            done = Executed()
            os.mkdir(temp)
            made = ""
            for entry in plan.write:
                if (inside := entry.path.rpartition("/")[0]) != made:
                    os.makedirs(f"{temp}/{inside}", exist_ok=True)
                    made = inside
                with done.collecting(entry):
                    done.placed.add(entry.path, self._materialise(entry, f"{temp}/{entry.path}"), entry.digest)
                    done.count(entry)
            done.finished = now()

        try:
            self.staging.place(make, folder, dir_fd, name)
        except OSError as error:
            if error.errno in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR):
                raise SourceChanged(f"{path} appeared meanwhile", "run the command again") from None
            raise
        return done

    def _write_each(self, path: str, plan: Plan, known: Known) -> Executed:
        done = Executed()
        for entry in plan.write:
            with done.collecting(entry):
                full = f"{path}/{entry.path}" if entry.path else path
                if status := self._put(entry, full, known.stat_data(entry.path)):
                    done.placed.add(entry.path, status, entry.digest)
                done.count(entry)
        return done

    def _put(self, entry: Entry, full: str, before: StatData | None) -> os.stat_result | None:
        """Write one file; return its status before the rename, None if it is there already as the same hard link."""
        folder, dir_fd, name = self._target(full)
        temp = self.staging.name(folder)
        status = self._materialise(entry, temp)
        there = self.tree.lstat(full)
        if there and os.path.samestat(os.lstat(temp), there):  # a rename would do nothing
            os.unlink(temp)
            return None
        self._check_unchanged(full, before)
        try:
            os.rename(temp, name, dst_dir_fd=dir_fd)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            made: list[os.stat_result] = []
            self.staging.place(lambda temp: made.append(self._materialise(entry, temp)), folder, dir_fd, name)
            return made[-1]
        return status

    def _materialise(self, entry: Entry, temp: str) -> os.stat_result:
        if entry.size < LOOSE_AT:  # written at once
            self.progress.advance(entry.size)
            return self.links.materialise(entry.digest, temp, executable=entry.exec)
        with Share(self.progress, entry.size) as share:
            return self.links._replace(progress=share).materialise(entry.digest, temp, executable=entry.exec)

    def _delete(self, path: str, plan: Plan, known: Known) -> int:
        """Delete files; return their number."""
        deleted, folders = 0, set()
        for label in chain((entry.path for entry in plan.delete), plan.unlink):
            full = f"{path}/{label}" if label else path
            self._check_unchanged(full, known.stat_data(label))
            dir_fd, name = self.tree.parent(full)
            os.unlink(name, dir_fd=dir_fd)
            deleted += label not in plan.unlink
            folders.add(label.rpartition("/")[0])
        self.tree.forget()
        for folder in sorted(folders, reverse=True):
            self._prune(path, folder)
        return deleted

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


def groups_after(
    tree: Tree, path: str, wanted: Manifest, before: Observed, done: Executed, kind: str,
) -> tuple[Group, ...]:
    """Return the groups of the files at `path`, which a command has made equal to `wanted` by writing some of them.

    Left out are groups with a file that was neither written nor known.
    """
    written = [Group.of_files(files, digests, done.finished) for files, digests in done.placed.groups()]
    if done.finished:
        return tuple(written)
    known, placed = Known(before.groups), Known([_renamed(tree, path, group) for group in written])
    same = {group.shard: group for group in before.groups if not placed.has_any(*_bounds(group))}
    found = (same.get(shard) or _group_after(wanted, shard, known, placed, kind) for shard in wanted.shards)
    return tuple(filter(None, found))


def _bounds(group: Group) -> tuple[str, str]:
    paths = group.files.paths
    return (paths[0], paths[-1]) if paths else ("", "")


def _renamed(tree: Tree, path: str, group: Group) -> Group:
    """Return written files with their stat data since the rename; one that was changed meanwhile counts as unread."""
    recorded = now()
    stat_data: dict[int, StatData] = {}
    digests = bytearray(group.digests)
    for at, name in enumerate(group.files.paths):
        full = f"{path}/{name}" if name else path
        status = tree.lstat(full)
        if status and stat.S_ISLNK(status.st_mode):
            status = os.stat(f"{tree.root}/{full}")
        if status and group.files.stat(at).equal_but_ctime(found := StatData.of(status)):
            stat_data[at] = found
        else:
            digests[at * PACKED : (at + 1) * PACKED] = UNREAD
    return Group.of_files(group.files.with_stat_data(stat_data), bytes(digests), recorded)


def _group_after(wanted: Manifest, shard: Shard, known: Known, placed: Known, kind: str) -> Group | None:
    names = wanted.paths_of(shard)
    bounds = (names[0], names[-1]) if names else ("", "")
    known_rows = known.rows(*bounds) | placed.rows(*bounds)
    rows = [row for row in map(known_rows.get, names) if row]
    if len(rows) < len(names):
        return None
    stat_data, executable, digests, recorded = zip(*rows, strict=True) if rows else ((), (), (), ())
    files = Files("\0".join(names).encode(), b"".join(stat_data), bytes(executable))
    group = Group.of_files(files, b"".join(digests), min(recorded, default=now()))
    if group.shard != shard:
        return None
    return Group.of_file(files, group.digests, group.recorded) if kind == "file" else group
