"""`mvc rm`: removes pointer, report, ignore line, content and index entry together.

First the content is deleted, if the cache is verified to hold it; then the pointer. So after a kill the
path is missing, and the same command continues.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import NamedTuple

from mvc.errors import MvcError, UsageError
from mvc.fs.tree import Tree
from mvc.objects.pointer import SUFFIX, path_of
from mvc.ops.shared.evidence.committed_reports import uncommitted_reports
from mvc.ops.shared.failures import Failure, collecting, resumable
from mvc.ops.shared.pointers import stop_ignoring
from mvc.ops.shared.revisions import COMPANIONS
from mvc.ops.shared.selection import TRACKED, accepted, unusable
from mvc.ops.shared.workspace_content import check_saved, named_objects, observe_path, was_updated
from mvc.project import Project
from mvc.retention.named import NamedObjects
from mvc.scm.index import IndexPaths, index_paths
from mvc.scm.staging import stage
from mvc.workspace.checkout import NOTHING, Checkout, Plan, deletion
from mvc.workspace.rename import prune, remove_empty, remove_file
from mvc.workspace.scan import refusal
from mvc.workspace.tracked import NotTracked, Selection, Tracked, select


class Removed(NamedTuple):
    """A path that is no longer tracked; `files` and `size` (in bytes) were deleted."""

    path: str
    pointer: str
    files: int
    size: int
    kept: bool
    """Whether files remain: kept, or never tracked."""
    reports: tuple[str, ...]
    """The reports that were removed with the pointer."""


class RemoveResult(NamedTuple):
    """The removed paths, and those that failed."""

    removed: tuple[Removed, ...]
    failed: tuple[Failure, ...] = ()


def remove(project: Project, paths: Iterable[str], *, keep: bool = False) -> RemoveResult:
    """Stop tracking `paths` (from the top of the worktree), and delete their content unless `keep`.

    A path that fails does not stop the others.

    Raises:
        UsageError: all paths are parts of tracked directories.
        MvcError: no path is tracked, or Git's index is locked.
    """
    with project.locks.worktree(), project.locks.store():
        index = index_paths(project.git)
        failed: list[Failure] = []
        selected = _selected(project, index, paths, failed)
        reports = (path for selection in selected for path in _reports(project.tree, selection.item.path))
        unsaved = uncommitted_reports(project, reports)
        removed = _remove_all(project, selected, unsaved, failed, keep=keep)
        if removed:
            with resumable("not everything was removed"):
                _finish(project, removed, keep=keep)
    return RemoveResult(tuple(removed), tuple(failed))


# Checks before removing.


def _selected(
    project: Project, index: IndexPaths, paths: Iterable[str], failed: list[Failure],
) -> list[Selection]:
    tracked = _tracked(project, index)
    return select(tracked, accepted(list(paths), lambda path: _check_path(project, index, tracked, path), failed))


def _check_path(project: Project, index: IndexPaths, tracked: dict[str, Tracked], path: str) -> None:
    try:
        selected = select(tracked, [path])
    except NotTracked as error:
        in_git = f"{project.shell.line('git rm -r --cached --', error.path)}  # Git tracks it; its files stay"
        raise MvcError(error.message, in_git if index.at_or_below(error.path) else TRACKED) from None
    for selection in selected:
        if selection.inside:
            raise _partial(project, selection)


def _tracked(project: Project, index: IndexPaths) -> dict[str, Tracked]:
    """Return the tracked paths, and those with a pointer in the index but no longer in the workspace."""
    tracked = project.tracked()
    pointers = [path for path in index.paths if path.endswith(SUFFIX) and path_of(path) not in tracked]
    gone = [path for path in pointers if not os.path.lexists(f"{project.root}/{path}")]
    return dict(sorted({**tracked, **{path_of(path): Tracked(path_of(path)) for path in gone}}.items()))


def _partial(project: Project, selection: Selection) -> UsageError:
    path = selection.item.path
    part = f"{path}/{selection.inside[0]}"
    lines = [project.shell.line("mvc add", path)]
    if project.tree.lstat(part) is not None:
        pointer = selection.item.pointer
        behind = pointer is not None and was_updated(project, path, pointer)
        save = "mvc checkout -f" if behind else "mvc add"
        lines = [project.shell.line(save, path), project.shell.line("rm -r --", part), *lines]
    return UsageError(f"{part} is part of {path}, which is tracked as a whole", " && ".join(lines))


def _reports(tree: Tree, path: str) -> list[str]:
    return [path + suffix for suffix in COMPANIONS if tree.lstat(path + suffix) is not None]


def _check(project: Project, item: Tracked, unsaved: set[str], *, keep: bool) -> None:
    """Check that `item` can be removed: its pointer is readable or not needed, its report is in Git."""
    if item.condition == "not-checked-out":
        raise unusable(project, item)
    if item.condition and not keep:
        problem = unusable(project, item)
        line = project.shell.line("mvc rm --keep", item.path)
        raise MvcError(problem.message, f"{line}  # removes the pointer, keeps the content")
    for path in _reports(project.tree, item.path):
        if path in unsaved:
            commit = project.shell.line('git commit -m "..." --', path)
            line = f"{project.shell.line('git add --', path)} && {commit}"
            raise MvcError(f"the report {path} has changes that are not committed", line)


# Removing.


def _remove_all(
    project: Project, selected: list[Selection], unsaved: set[str], failed: list[Failure], *, keep: bool,
) -> list[Removed]:
    removed: list[Removed] = []
    with project.staging() as staging:
        tools = Checkout(project.tree, staging, project.links, project.around.progress)
        named = named_objects(project)
        for item, _ in selected:
            with collecting(failed, item.path):
                _check(project, item, unsaved, keep=keep)
                plan = NOTHING if keep else _delete(project, tools, named, item)
                removed.append(_removed(project.tree, item.path, plan))
    return removed


def _delete(project: Project, tools: Checkout, named: NamedObjects, item: Tracked) -> Plan:
    path = item.path
    before = observe_path(project, path)
    if error := refusal(path, before.scan.bound(), project.shell.show):
        raise error
    if before.scan.kind == "other":
        raise MvcError(f"{path} is neither a file nor a directory", project.shell.line("ls -ld", path))
    plan = deletion(before)
    check_saved(project, named, item, plan, "{}, so not deleted", lambda: _keeping_line(project, item))
    tools.execute(path, plan, before.scan.kind, before)
    remove_empty(project.tree, path)
    return plan


def _keeping_line(project: Project, item: Tracked) -> str:
    keep = project.shell.line("mvc rm --keep", item.path)
    if item.pointer is None or was_updated(project, item.path, item.pointer):
        return f"{keep}  # keeps the files"
    return f"{project.shell.line('mvc add', item.path)}  # stores it; {keep} keeps the files"


def _removed(tree: Tree, path: str, plan: Plan) -> Removed:
    sizes = [entry.size for entry in plan.destroyed]
    kept = tree.lstat(path) is not None
    reports = tuple(_reports(tree, path))
    return Removed(path, path + SUFFIX, len(sizes), sum(sizes), kept, reports)


def _finish(project: Project, removed: list[Removed], *, keep: bool) -> None:
    tree, paths = project.tree, [item.path for item in removed]
    names = [path + suffix for path in paths for suffix in (*COMPANIONS, SUFFIX)]
    for name in names:
        remove_file(tree, name)
    ignoring = stop_ignoring(project, paths)
    stage(project.git, [*names, *ignoring])
    for path in paths:
        project.catalog.forget(path)
    project.catalog.flush()
    if not keep:
        prune(tree, paths, {project.shell.start})
