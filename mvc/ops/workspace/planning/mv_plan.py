"""The plan of `mvc mv`: old and new names, checked before anything is changed."""

from __future__ import annotations

import os
import stat
from typing import NamedTuple

from mvc.errors import MvcError, UsageError
from mvc.fs.files import UnsafePath, as_error, aside_line
from mvc.fs.tree import Tree
from mvc.objects.names import check_path, fold
from mvc.objects.pointer import SUFFIX, path_of
from mvc.ops.shared.revisions import COMPANIONS
from mvc.ops.shared.selection import TRACKED, adding_line, unusable
from mvc.project import Project, Shell
from mvc.scm.blobs import read_blobs
from mvc.scm.index import IndexPaths, ignored_files, index_paths, list_files
from mvc.scm.plumbing import Git
from mvc.workspace.rename import reaches
from mvc.workspace.tracked import Tracked, find_twins, folders_above, holder_of, parsed


class Move(NamedTuple):
    """A tracked path, and its new name."""

    item: Tracked
    new: str
    begun: bool
    """Whether a killed command has already written the new pointer."""

    @property
    def old(self) -> str:
        """The present name."""
        return self.item.path

    @property
    def names(self) -> list[tuple[str, str]]:
        """Old and new names of content and reports."""
        return [(self.old + suffix, self.new + suffix) for suffix in ("", *COMPANIONS)]


class MovePlan(NamedTuple):
    """The planned moves."""

    source: str
    target: str
    """The new name of `source` itself."""
    moves: list[Move]
    in_git: IndexPaths
    """The paths in the index."""


def plan_move(project: Project, source: str, target: str, *, into: bool) -> MovePlan:
    """Return the plan to rename `source` to `target`, or into it.

    Raises:
        UsageError: it cannot be moved there.
        MvcError: nothing is tracked at `source`, or the target is on another mount.
    """
    tracked, index = project.tracked(), index_paths(project.git)
    gone = _gone(project.git, tracked, index, source)
    if source.endswith(SUFFIX) and path_of(source) in {**tracked, **gone}:
        source, target = path_of(source), target if into else path_of(target)
    items = _items(project.shell, tracked, gone, source, target)
    moves = _moves(tracked, index, items, source, target)
    if not any(item.begun for item in moves):
        target = _resolved(project.tree, items, source, target, into=into)
        moves = _moves(tracked, index, items, source, target)
    plan = MovePlan(source, target, [item for item in moves if item.begun or item.old in tracked], index)
    if not plan.moves:
        raise _not_tracked(project, index, source)
    for item in plan.moves:
        if item.item.pointer is None or item.item.condition:
            raise unusable(project, item.item)
    _check(project, tracked, plan)
    return plan


def _gone(git: Git, tracked: dict[str, Tracked], index: IndexPaths, source: str) -> dict[str, Tracked]:
    """Return the paths at or below `source` with a pointer in the index, but no longer in the workspace."""
    pointers = [*index.at_or_below(source), *index.at_or_below(source + SUFFIX)]
    wanted = {path for path in pointers if path.endswith(SUFFIX) and path_of(path) not in tracked}
    if not wanted:
        return {}
    entries = list_files(git, *(f":(literal){path}" for path in (source, source + SUFFIX)))
    oids = {entry.path: entry.oid for entry in entries if entry.path in wanted and entry.mode.startswith("100")}
    blobs = read_blobs(git, oids.values())
    return {path_of(path): parsed(path_of(path), blob) for path, blob in zip(oids, blobs, strict=True)}


def _items(
    shell: Shell, tracked: dict[str, Tracked], gone: dict[str, Tracked], source: str, target: str,
) -> list[Tracked]:
    if not source:
        raise UsageError("the whole worktree can't be moved", "mvc mv SRC DST")
    if source in tracked:
        return [tracked[source]]
    if holder := holder_of(tracked, source):
        raise UsageError(
            f"{source} is part of {holder}, which is tracked as a whole",
            f"{aside_line(shell.show(source), shell.show(target))} && {shell.line('mvc add', holder)}",
        )
    if source in gone:
        return [gone[source]]
    return [item for path, item in {**tracked, **gone}.items() if path.startswith(source + "/")]


def _not_tracked(project: Project, index: IndexPaths, source: str) -> MvcError:
    if index.at_or_below(source):
        return MvcError(f"{source} is tracked by Git, not by mvc", project.shell.line("git mv --", source) + " DST")
    if project.tree.lstat(source) is None:
        return MvcError(f"{source} is not tracked and does not exist", TRACKED)
    return MvcError(f"{source} is not tracked", adding_line(project, source))


def _moves(
    tracked: dict[str, Tracked], index: IndexPaths, items: list[Tracked], source: str, target: str,
) -> list[Move]:
    moves = []
    for item in items:
        new = target + item.path[len(source) :]
        there = tracked.get(new)
        begun = there is not None and there.raw == item.raw and not index.at_or_below(new + SUFFIX)
        moves.append(Move(item, new, begun and new != item.path))
    return moves


def _resolved(tree: Tree, items: list[Tracked], source: str, target: str, *, into: bool) -> str:
    """Return the new name of `source`: in a directory it keeps its last part."""
    try:
        status = tree.lstat(target) if target else None
    except UnsafePath as error:
        raise UsageError(error.message, "mvc mv SRC DST  # with another DST") from None
    directory = not target or (status is not None and stat.S_ISDIR(status.st_mode))
    pointer = items[0].pointer if items and items[0].path == source else None
    if directory or (into and pointer is not None and pointer.kind == "file"):
        return f"{target}/{source.rpartition('/')[2]}".removeprefix("/")
    return target


def _check(project: Project, tracked: dict[str, Tracked], plan: MovePlan) -> None:
    source, target = plan.source, plan.target
    if target == source:
        raise UsageError(f"{source} already has that name", "mvc mv SRC DST")
    if target.startswith(source + "/"):
        raise UsageError(f"{source} can't be moved into itself", "mvc mv SRC DST")
    for item in plan.moves:
        check_path(item.new)
        if item.new.endswith(SUFFIX):
            raise UsageError(f"{item.new} would be the name of a pointer", "mvc mv SRC DST  # without .mvc")
        _check_not_inside(project.shell, tracked, item)
    moved = {item.old for item in plan.moves}
    if twins := find_twins((path for path in tracked if path not in moved), [item.new for item in plan.moves]):
        message = f"{twins[0]} and {twins[1]} are equal on a case-insensitive file system"
        raise UsageError(message, "mvc mv SRC DST  # with another DST")
    _check_folders(project, plan)
    if not any(item.begun for item in plan.moves):
        _check_free(project, plan.in_git, target, source)
    for item in plan.moves:
        _check_names(project, plan.in_git, item)
    _check_not_ignored(project, plan)
    _check_reach(project, plan)


def _check_free(project: Project, index: IndexPaths, path: str, old: str) -> None:
    if project.tree.lstat(path) is not None:
        if _is_one_name(project.tree, old, path):
            lines = project.shell.line("mvc mv", old, f"{path}.tmp"), project.shell.line("mvc mv", f"{path}.tmp", path)
            raise UsageError(f"{old} and {path} are the same file on this file system", " && ".join(lines))
        raise UsageError(f"{path} already exists", "mvc mv SRC DST  # with another DST")
    if index.at_or_below(path):
        raise UsageError(f"{path} is in Git's index, but not in the workspace", "mvc mv SRC DST  # with another DST")


def _is_one_name(tree: Tree, old: str, new: str) -> bool:
    """Whether two names are one on this file system, which ignores case: of hard links it would list both."""
    before, there = tree.lstat(old), tree.lstat(new)
    if fold(old) != fold(new) or before is None or there is None or not os.path.samestat(before, there):
        return False
    fd, name = tree.parent(new)
    return sum(fold(other) == fold(name) for other in os.listdir(fd)) == 1


def _check_not_inside(shell: Shell, tracked: dict[str, Tracked], item: Move) -> None:
    if holder := holder_of(tracked, item.new):
        lines = (
            shell.line("mvc rm --keep", item.old),
            aside_line(shell.show(item.old), shell.show(item.new)),
            shell.line("mvc add", holder),
        )
        raise UsageError(f"{item.new} would be inside {holder}, which is tracked as a whole", " && ".join(lines))


def _check_names(project: Project, index: IndexPaths, item: Move) -> None:
    """Check that the new names are free, except for files that a killed command left there."""
    for old, new in [*item.names, (item.old + SUFFIX, item.new + SUFFIX)]:
        ours = item.begun and (new == item.new + SUFFIX or project.tree.lstat(old) is None)
        if not ours:
            _check_free(project, index, new, old)


def _check_folders(project: Project, plan: MovePlan) -> None:
    """Check that no directory above the new names is a repository, a symlink or a file."""
    for folder, path in sorted(folders_above(item.new for item in plan.moves).items()):
        status = project.tree.lstat(folder)
        if status is not None and not stat.S_ISDIR(status.st_mode):
            raise UsageError(f"{path} cannot be created: {folder} is not a directory", "mvc mv SRC DST")
        nested = project.tree.lstat(f"{folder}/.git") is not None
        if nested or plan.in_git.at_or_below(folder)[:1] == [folder]:
            fix = f"{project.shell.line('cp -a', plan.source, path)} && {project.shell.line('mvc -C', folder)} add PATH"
            raise UsageError(f"{path} would be in the submodule or repository {folder}", fix)


def _check_not_ignored(project: Project, plan: MovePlan) -> None:
    pointers = [item.new + SUFFIX for item in plan.moves]
    for path in sorted(ignored_files(project.git, pointers))[:1]:
        line = f"{project.shell.line('git check-ignore -v --', path)}  # names the pattern"
        raise UsageError(f"Git ignores {path}: it would not be committed", line)


def _check_reach(project: Project, plan: MovePlan) -> None:
    tried: set[tuple[str, str]] = set()
    for item in plan.moves:
        folders = os.path.dirname(item.old), os.path.dirname(item.new)
        if folders in tried or not (there := names_there(project.tree, item)):
            continue
        tried.add(folders)
        try:
            reached = reaches(project.tree, *there[0])
        except OSError as error:
            raise as_error(error, item.new) from None
        if not reached:
            raise MvcError(
                f"{item.old} cannot be renamed to {item.new}: that is on another file system or mount",
                copying_line(project, item),
            )


def names_there(tree: Tree, item: Move) -> list[tuple[str, str]]:
    """Return old and new names of the files that are not renamed yet."""
    return [(old, new) for old, new in item.names if tree.lstat(old) is not None]


def copying_line(project: Project, item: Move) -> str:
    """Return the command line that copies instead of renaming."""
    there = names_there(project.tree, item)
    lines = [project.shell.line("cp -a", old, new) for old, new in there] + [project.shell.line("mvc add", item.new)]
    if reports := [new for _, new in there if new != item.new]:
        lines.append(project.shell.line("git add --", *reports))
    return " && ".join([*lines, project.shell.line("mvc rm", item.old)])
