"""What `mvc add` adds: the paths that were given, expanded and checked."""

from __future__ import annotations

import os
from collections.abc import Collection
from functools import partial
from typing import NamedTuple

from mvc.errors import UsageError
from mvc.objects.pointer import SUFFIX, path_of
from mvc.ops.shared.failures import Failure
from mvc.ops.shared.selection import accepted
from mvc.ops.workspace.planning.checks import check_name, check_target
from mvc.ops.workspace.planning.updates import changed_below
from mvc.project import FOLDER, Project
from mvc.scm.index import index_paths
from mvc.workspace.tracked import Tracked, find_twins, folders_above, holder_of, matching, means


class Target(NamedTuple):
    """A path to add: all of it, or the parts `inside` a tracked directory."""

    path: str
    before: Tracked | None
    inside: tuple[str, ...] = ()
    named: bool = True
    """Whether it was given; else it may have changed, by its stat data."""

    @property
    def raw(self) -> bytes | None:
        """The previous pointer file; None when there was none."""
        return self.before.raw if self.before else None

    def covers(self, name: str) -> bool:
        """Whether the file `name` of the directory is to be added."""
        return not self.inside or any(means(part, name) for part in self.inside)


def targets_of(
    project: Project, tracked: dict[str, Tracked], folders: Collection[str], paths: list[str], name: str | None,
    failed: list[Failure],
) -> list[Target]:
    """Return what to add for `paths`, as models called `name` if it is given; `folders` have tracked paths below.

    Raises:
        UsageError: no path can be added.
    """
    meant: dict[str, bool] = {}

    def take(path: str) -> None:
        named = path not in folders
        meant.update((full, named or meant.get(full, False)) for full in _expand(project, tracked, folders, path))

    accepted(paths, take, failed)
    wanted: dict[str, list[str]] = {}
    for full in meant:
        holder = holder_of(tracked, full)
        parts = wanted.setdefault(holder or full, [])
        parts.append(full[len(holder) + 1 :] if holder else "")
    check = partial(check_target, project, index_paths(project.git), folders_above(tracked))
    outer = _outermost(wanted)
    targets = [
        Target(path, tracked.get(path), outer[path], meant.get(path, True))
        for path in accepted(list(outer), check, failed)
    ]
    if twins := find_twins(tracked, [target.path for target in targets if target.before is None]):
        message = f"{twins[0]} and {twins[1]} are equal on a case-insensitive file system"
        raise UsageError(message, f"{project.shell.line('mv -n --', twins[0])} NAME && mvc add NAME")
    if name:
        check_name(tracked, name, [target.path for target in targets])
    return targets


def _outermost(wanted: dict[str, list[str]]) -> dict[str, tuple[str, ...]]:
    """Leave out the paths inside a directory that is added as a whole, and the parts of a path that is."""
    outer = {path: parts for path, parts in wanted.items() if not holder_of(wanted, path)}
    return {path: () if "" in parts else tuple(sorted(set(parts))) for path, parts in outer.items()}


def _expand(project: Project, tracked: dict[str, Tracked], folders: Collection[str], path: str) -> list[str]:
    """Return the paths that `path` means: itself, changed ones below it, that of a pointer, or matches of a pattern."""
    if path in folders:
        return changed_below(project, tracked, path)
    if not path:
        raise UsageError("the whole worktree can't be one tracked directory", "mvc add PATH")
    if path.endswith(SUFFIX) and (path_of(path) in tracked or project.tree.lstat(path_of(path))):
        path = path_of(path)
    if project.tree.lstat(path) is not None or path in tracked or holder_of(tracked, path):
        return [path]
    if found := [name for name in matching(path, _candidates(project.root, tracked)) if not name.endswith(SUFFIX)]:
        return found
    raise UsageError(f"{path} does not exist", "mvc add PATH  # a file or directory")


def _candidates(root: str, tracked: dict[str, Tracked]) -> list[str]:
    """Return the files of the workspace that a pattern may match, and the tracked directories as a whole."""
    found = list(tracked)
    for folder, folders, files in os.walk(root):
        prefix = os.path.relpath(folder, root) + "/" if folder != root else ""
        folders[:] = [name for name in folders if name not in (".git", FOLDER) and prefix + name not in tracked]
        folders[:] = [name for name in folders if not os.path.lexists(f"{folder}/{name}/.git")]  # submodules
        found += [prefix + name for name in files]
    return found
