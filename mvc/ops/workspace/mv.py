"""`mvc mv`: renames pointer, report, content, ignore line and index entry together.

First the ignore line and a copy of the pointer are written under the new name. Then the content is
renamed, then the old pointer removed. So content is tracked and ignored at every moment, and the
same command continues after a kill.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from typing import NamedTuple

from mvc.errors import MvcError, SourceChanged
from mvc.fs.files import as_error
from mvc.fs.scratch import Staging
from mvc.fs.tree import Replacement, Tree, fsync_folders, replace_files
from mvc.objects.pointer import MAX_BYTES, SUFFIX
from mvc.ops.shared.failures import resumable
from mvc.ops.shared.pointers import ignore_files, stop_ignoring
from mvc.ops.shared.revisions import COMPANIONS
from mvc.ops.workspace.planning.mv_plan import Move, MovePlan, copying_line, names_there, plan_move
from mvc.project import Project
from mvc.scm.staging import stage, write_blobs
from mvc.workspace.observe import settled
from mvc.workspace.rename import prune, remove_file, rename
from mvc.workspace.scan import Scan, scan
from mvc.workspace.stat_index import Group, Snapshot, now, unchanged


class Moved(NamedTuple):
    """A tracked path that was renamed; `size` in bytes of content."""

    old_path: str
    path: str
    pointer: str
    kind: str
    size: int


class MoveResult(NamedTuple):
    """What was moved."""

    moved: tuple[Moved, ...]
    left: tuple[str, ...] = ()
    """Files in the directory that Git tracks itself: they were not moved."""


def move(project: Project, source: str, target: str, *, into: bool = False) -> MoveResult:
    """Move what is tracked at or below `source` to `target` (both from the top of the worktree).

    If `target` is a directory, or `into` is set, it is moved into that.

    Raises:
        UsageError: it cannot be moved there; nothing was changed.
        MvcError: the system refused; the changes were undone, or the same call continues from there.
    """
    with project.locks.worktree(), project.locks.store():
        plan = plan_move(project, source, target, into=into)
        with project.staging() as staging:
            _rename_all(project, staging, plan)
        with resumable("everything was moved, but not all old files were removed"):
            _finish(project, plan)
    return MoveResult(tuple(map(_moved, plan.moves)), tuple(_left_behind(project.root, plan)))


def _left_behind(root: str, plan: MovePlan) -> list[str]:
    if plan.moves[0].old == plan.source:
        return []
    below = plan.in_git.at_or_below(plan.source)
    return [path for path in below if os.path.lexists(f"{root}/{path}")]


def _moved(item: Move) -> Moved:
    pointer = item.item.pointer
    kind, size = (pointer.kind, pointer.total) if pointer else ("", 0)
    return Moved(item.old, item.new, item.new + SUFFIX, kind, size)


# Moving.


def _rename_all(project: Project, staging: Staging, plan: MovePlan) -> None:
    """Write the new pointers and rename the content; on an error, undo it."""
    with ExitStack() as undo:
        _write_new(project, staging, plan, undo)
        known = _copy_memory(project, plan, undo)
        for item in plan.moves:
            _rename_one(project, item, undo)
        _remember(project, known)
        fsync_folders(project.tree, [name for item in plan.moves for name in (item.old, item.new)])
        for item in plan.moves:
            raw = project.tree.read(item.old + SUFFIX, MAX_BYTES)
            if raw is not None and raw != item.item.raw:
                message = f"{item.old}{SUFFIX} was changed by another program meanwhile"
                raise SourceChanged(message, "run the command again")
        undo.pop_all()


def _write_new(project: Project, staging: Staging, plan: MovePlan, undo: ExitStack) -> None:
    ignoring = ignore_files(project.tree, add=[item.new for item in plan.moves])
    pointers = [Replacement(item.new + SUFFIX, None, item.item.raw) for item in plan.moves if not item.begun]
    files = [*(item for item in ignoring if item.old != item.new), *pointers]
    undo.callback(_take_back, project, staging, plan, tuple(files))
    if plan.moves[0].old != plan.source and project.tree.lstat(plan.target) is None:
        _begin_directory(project, staging, plan.target, files.pop())
    replace_files(project.tree, staging, files)


def _begin_directory(project: Project, staging: Staging, path: str, first: Replacement) -> None:
    """Create the new directory with a pointer in it, so that it differs from a directory of the user."""
    dir_fd, name = project.tree.parent(path, make=True)

    def make(temp: str) -> None:
        full = f"{temp}{first.path[len(path):]}"
        os.makedirs(os.path.dirname(full))
        with open(full, "xb") as file:
            file.write(first.new)
            file.flush()
            os.fsync(file.fileno())

    staging.place(make, os.path.dirname(f"{project.root}/{path}"), dir_fd, name)
    project.tree.forget()


def _take_back(project: Project, staging: Staging, plan: MovePlan, files: Iterable[Replacement]) -> None:
    """Restore files; the next try restores those that fail here.

    Content that could not be renamed back keeps its new pointer: the next try recognizes it by that.
    """
    project.tree.forget()
    if any(_is_away(project.tree, *names) for item in plan.moves for names in item.names):
        return
    for item in files:
        with suppress(OSError, MvcError):
            if project.tree.read(item.path, len(item.new) + 1) != item.new:
                continue
            if item.old is None:
                remove_file(project.tree, item.path)
            else:
                replace_files(project.tree, staging, [Replacement(item.path, item.new, item.old)])
    prune(project.tree, [item.path for item in files if item.old is None], {project.shell.start})


def _rename_one(project: Project, item: Move, undo: ExitStack) -> None:
    for old, new in names_there(project.tree, item):
        undo.callback(_rename_back, project.tree, old, new)  # Ctrl-C may come right after the rename
        try:
            rename(project.tree, old, new)
        except OSError as error:
            problem = as_error(error, f"{old} can't be renamed to {new}")
            raise MvcError(problem.message, problem.fix or copying_line(project, item)) from None


def _rename_back(tree: Tree, old: str, new: str) -> None:
    with suppress(OSError, MvcError):
        if _is_away(tree, old, new):
            rename(tree, new, old)


def _is_away(tree: Tree, old: str, new: str) -> bool:
    """Whether `old` was renamed to `new`; also True if the system does not report it."""
    try:
        return tree.lstat(old) is None and tree.lstat(new) is not None
    except (OSError, MvcError):
        return True


def _finish(project: Project, plan: MovePlan) -> None:
    tree = project.tree
    for item in plan.moves:
        remove_file(tree, item.old + SUFFIX)
        project.catalog.forget(item.old)
    ignoring = stop_ignoring(project, [item.old for item in plan.moves])
    if plan.moves[0].old != plan.source:
        above = os.path.dirname(f"{project.root}/{plan.source}")
        prune(tree, [item.old for item in plan.moves], {project.shell.start, above})
    paths = [path for item in plan.moves for path in (item.old, item.new)]
    staged = [path + suffix for path in paths for suffix in (SUFFIX, *COMPANIONS)]
    for item in plan.moves:  # files of Git in the directory
        names = [path[len(item.old) :] for path in plan.in_git.at_or_below(item.old)]
        staged += [path + name for path in (item.old, item.new) for name in names]
    newly_ignoring = (item.path for item in ignore_files(project.tree, add=[item.new for item in plan.moves]))
    write_blobs(project.git, [item.item.raw for item in plan.moves])
    stage(project.git, dict.fromkeys([*staged, *ignoring, *newly_ignoring]))
    project.catalog.flush()


# The memory of the catalog, so that no content is read again.


def _copy_memory(project: Project, plan: MovePlan, undo: ExitStack) -> dict[str, Snapshot]:
    """Copy what the catalog remembers to the new names; return the snapshots of unchanged files.

    Done before the rename, so that after a kill a path that is behind its pointer is still known to be.
    """
    known: dict[str, Snapshot] = {}
    for item in plan.moves:
        if project.tree.lstat(item.new) is None:
            project.catalog.copy(item.old, item.new)
            undo.callback(project.catalog.forget, item.new)
            snapshot = project.catalog.snapshot(item.old)
            if snapshot and snapshot.kind == "file" and unchanged(_scan(project, item.old).groups, snapshot):
                known[item.new] = snapshot
    project.catalog.flush()
    return known


def _remember(project: Project, known: dict[str, Snapshot]) -> None:
    """Record the stat data of files again: a rename changes the ctime (but not of files in a directory)."""
    for path, before in known.items():
        recorded = now()
        found = _scan(project, path)
        (old,) = before.groups
        if found.kind == "file" and found.groups[0].stat(0).equal_but_ctime(old.files.stat(0)):
            snapshot = Snapshot("file", (Group.of_file(found.groups[0], old.digests, recorded),))
            project.catalog.remember(path, settled(project.tree, path, project.links, snapshot))


def _scan(project: Project, path: str) -> Scan:
    return scan(project.tree, path, project.links)
