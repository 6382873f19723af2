"""Clearing what `git rm` and `git mv` of a pointer leave: by `mvc checkout`, and by the hook before a commit.

Content is deleted only if the cache has it intact, and a pointer or a commit names it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import NamedTuple

from mvc.errors import MvcError
from mvc.objects.pointer import SUFFIX, Pointer, path_of
from mvc.ops.shared.checkout import check_out
from mvc.ops.shared.failures import Failure, collecting
from mvc.ops.shared.pointers import stop_ignoring
from mvc.ops.shared.workspace_content import observe_path, observed_id, pointer_id
from mvc.ops.workspace.after_checkout import ENABLED, delete_untracked
from mvc.ops.workspace.leftovers import find_leftovers
from mvc.project import Project
from mvc.quality.files import SUFFIX as REPORT
from mvc.retention.available import is_available
from mvc.scm.changes import is_rebasing
from mvc.scm.file_history import file_history
from mvc.scm.index import modified_files
from mvc.scm.index_changes import Index
from mvc.scm.staging import stage
from mvc.workspace.checkout import Checkout
from mvc.workspace.rename import prune
from mvc.workspace.tracked import Tracked, parsed


class Cleared(NamedTuple):
    """The paths whose content was deleted, the ignore files that changed, and the paths that failed."""

    deleted: tuple[str, ...]
    ignoring: tuple[str, ...]
    failed: tuple[Failure, ...] = ()


def clear_leftovers(project: Project, paths: Iterable[str], *, keep_staged: bool = False) -> Cleared:
    """Delete the content of `paths`, and their lines in `.gitignore`; the caller has found them to be left.

    With `keep_staged`, an ignore file that the user changed and did not stage is not staged.
    """
    paths, tracked = list(paths), project.tracked()
    failed: list[Failure] = []
    with project.locks.worktree(), project.locks.store(), project.staging() as staging:
        tools = Checkout(project.tree, staging, project.links, project.around.progress)
        deleted = []
        for path in paths:
            with collecting(failed, path):
                if delete_untracked(project, tools, path, _named_as(project, tracked, path)):
                    deleted.append(path)
        gone = [path for path in paths if not os.path.lexists(f"{project.root}/{path}")]
        unstaged = modified_files(project.git) if keep_staged else set()
        ignoring = stop_ignoring(project, gone) if gone else []
        stage(project.git, [file for file in ignoring if file not in unstaged])
        prune(project.tree, deleted, {project.shell.start})
        project.catalog.flush()
    return Cleared(tuple(deleted), tuple(ignoring), tuple(failed))


def _named_as(project: Project, tracked: dict[str, Tracked], path: str) -> Pointer:
    """Return a pointer, now or in history, that names the content at `path`.

    Raises:
        MvcError: there is none.
    """
    here = observed_id(observe_path(project, path))
    versions = file_history(project.git, path + SUFFIX, path + REPORT)
    past = (parsed(path, version.content) for version in versions if version.content)
    for item in (*tracked.values(), *past):
        if item.pointer is not None and here in ("", pointer_id(item.pointer)):
            return item.pointer
    fix = f"{project.shell.line('mvc add', path)}  # tracks it again; or delete it"
    raise MvcError(f"{path} is no longer tracked here, but was changed: it was not deleted", fix)


# In the hook before a commit.


def follow_removals(project: Project, index: Index) -> tuple[Failure, ...]:
    """Follow the pointers that a commit of `index` deletes or moves; return what could not be done."""
    changes = {path: change.mode for path, change in index.changes.items() if path.endswith(SUFFIX)}
    gone = [path_of(path) for path, mode in changes.items() if mode == "000000" and path not in index.entries]
    if project.settings.value(ENABLED) != "true" or is_rebasing(project.layout.git_dir):
        return ()
    tracked = project.tracked()
    added = [path_of(path) for path, mode in changes.items() if mode != "000000"]
    failed: list[Failure] = []
    if moved := [path for path in added if _can_be_written(project, tracked.get(path))]:
        failed += check_out(project, moved).failed
    left = {item.path for item in find_leftovers(project, tracked)}
    done = clear_leftovers(project, [path for path in gone if path in left], keep_staged=True)
    return (*failed, *done.failed)


def _can_be_written(project: Project, item: Tracked | None) -> bool:
    """Whether the workspace lacks the content of a pointer, and the cache has it."""
    if item is None or item.pointer is None or item.condition or os.path.lexists(f"{project.root}/{item.path}"):
        return False
    return is_available(project.cache, project.catalog, item.pointer)
