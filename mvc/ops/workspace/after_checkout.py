"""What `git switch`, `merge` and `pull` call last: the workspace follows the pointers that they changed.

Nothing is destroyed: what `checkout` would refuse stays, and is told. What the cache lacks is left for `pull`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import NamedTuple

from mvc.errors import InvalidFormat, MvcError
from mvc.objects.pointer import SUFFIX, Pointer, path_of
from mvc.ops.shared.checkout import CheckedOut, CheckoutResult, check_out
from mvc.ops.shared.content import look, same_content
from mvc.ops.shared.failures import Failure, collecting
from mvc.ops.shared.revisions import pointers_in_blobs
from mvc.project import Project
from mvc.retention.available import is_available
from mvc.retention.roots import PATTERN
from mvc.scm.changes import FileChange, changed_between, changed_in_index, is_rebasing
from mvc.scm.plumbing import index_paths, is_revision
from mvc.workspace.checkout import Checkout, lost_by, make_plan
from mvc.workspace.rename import prune, remove_empty
from mvc.workspace.scan import refusal
from mvc.workspace.tracked import Tracked, folders_above, holder_of

ENABLED = "hooks.checkout"


class Followed(NamedTuple):
    """What was brought in line, and what was not."""

    written: tuple[CheckedOut, ...] = ()
    deleted: tuple[str, ...] = ()
    """Paths that are not tracked here any more, whose content the cache holds."""
    absent: tuple[str, ...] = ()
    """Paths whose content the cache lacks."""
    failed: tuple[Failure, ...] = ()


def after_checkout(project: Project, old: str, new: str) -> Followed:
    """Follow a switch from one commit to another; `old` of zeros is a new worktree."""
    return _follow(project, lambda: changed_between(project.git, old, new, PATTERN))


def after_merge(project: Project, *, squashed: bool) -> Followed:
    """Follow a merge; one that is squashed is in the index only."""
    return _follow(project, lambda: _merged(project, "HEAD" if squashed else "ORIG_HEAD"))


def _merged(project: Project, old: str) -> list[FileChange]:
    """Return what changed since the commit `old`.

    Raises:
        MvcError: Git has none of that name.

    """
    if not is_revision(project.git, old):
        raise MvcError(f"Git does not say what there was before: {old} is missing", "mvc checkout")
    return changed_in_index(project.git, old, PATTERN)


def _follow(project: Project, find: Callable[[], list[FileChange]]) -> Followed:
    if project.settings.value(ENABLED) != "true" or is_rebasing(project.layout.git_dir):
        return Followed()
    changes = {path_of(change.path): change for change in find() if not f"/{change.path}".endswith(f"/{SUFFIX}")}
    tracked = project.tracked()
    failed: list[Failure] = []
    deleted = _clear(project, tracked, {path: item.old for path, item in changes.items() if not item.new}, failed)
    wanted = [tracked[path] for path, change in changes.items() if change.new and path in tracked]
    absent = {item.path for item in wanted if _is_absent(project, item)}
    ready = [item.path for item in wanted if item.path not in absent and item.condition != "not-checked-out"]
    done = check_out(project, ready) if ready else CheckoutResult(())
    return Followed(done.done, deleted, tuple(sorted(absent)), (*failed, *done.failed))


def _is_absent(project: Project, item: Tracked) -> bool:
    """Whether the cache lacks content that the workspace does not have, either."""
    try:
        if item.pointer is None or item.condition or is_available(project.cache, project.catalog, item.pointer):
            return False
    except InvalidFormat:  # checkout says so
        return False
    return not same_content(item.pointer, look(project, item.path))


# What is not tracked any more.


def _clear(
    project: Project, tracked: dict[str, Tracked], gone: dict[str, str], failed: list[Failure],
) -> tuple[str, ...]:
    """Delete the content of pointers that are gone, given by path and blob; those paths. What is in use stays."""
    paths = _unused(project, tracked, gone)
    old = {item.path: item.pointer for item in pointers_in_blobs(project.git, [(gone[path], path) for path in paths])}
    with project.locks.worktree(), project.locks.store(), project.staging() as staging:
        tools = Checkout(project.tree, staging, project.links, project.around.progress)
        deleted = []
        for path, pointer in old.items():
            with collecting(failed, path):
                if pointer is not None and _delete(project, tools, path, pointer):
                    deleted.append(path)
    prune(project.tree, deleted, {os.path.realpath(project.around.cwd)})
    project.catalog.flush()
    return tuple(deleted)


def _unused(project: Project, tracked: dict[str, Tracked], paths: Iterable[str]) -> list[str]:
    """Return those of `paths` that are not tracked in another way: by Git, alone, or with a directory."""
    index, above = index_paths(project.git), folders_above(tracked)
    free = (path for path in paths if path not in tracked and path not in above and not holder_of(tracked, path))
    return [path for path in free if not index.at_or_below(path)]


def _delete(project: Project, tools: Checkout, path: str, pointer: Pointer) -> bool:
    """Delete what a pointer stood for; whether there was anything.

    Raises:
        MvcError: it was changed, or the cache does not hold all of it.

    """
    before = look(project, path)
    if before.scan.kind == "none":
        return False
    if error := refusal(path, before.scan, project.shell.show):
        raise error
    fix = f"{project.shell.line('rm -r --', path)}  # if nobody needs it"
    if not same_content(pointer, before):
        raise MvcError(f"{path} is not tracked here any more; it was changed, so it stays", fix)
    plan = make_plan(before.entries(), [], lambda name: True, empty=False)  # noqa: ARG005 - all of it
    if lost_by(project.cache, plan):
        raise MvcError(f"{path} is not tracked here any more; the cache does not hold it, so it stays", fix)
    tools.execute(path, plan, before.scan.kind, before)
    remove_empty(project.tree, path)
    project.catalog.forget(path)
    return True
