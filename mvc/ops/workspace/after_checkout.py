"""The hooks post-checkout and post-merge: update the workspace to the pointers that Git changed.

Content that `checkout` would refuse to overwrite is kept and reported. `mvc pull` fetches what the cache lacks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from mvc.errors import InvalidFormat, MvcError
from mvc.objects.pointer import SUFFIX, Pointer, path_of
from mvc.ops.shared.checkout import CheckedOut, CheckoutResult, check_out
from mvc.ops.shared.failures import Failure, collecting
from mvc.ops.shared.revisions import pointers_in_blobs
from mvc.ops.shared.workspace_content import lacks_only_links, observe_path, same_content
from mvc.ops.workspace.leftovers import untracked
from mvc.project import Project
from mvc.retention.available import is_available
from mvc.retention.roots import PATTERN
from mvc.scm.changes import FileChange, changed_between, changed_in_index, is_rebasing
from mvc.scm.commits import is_revision
from mvc.scm.plumbing import Git
from mvc.workspace.checkout import Checkout, deletion, lost_by
from mvc.workspace.observe import Observed
from mvc.workspace.rename import prune, remove_empty
from mvc.workspace.scan import refusal
from mvc.workspace.tracked import Tracked

ENABLED = "hooks.checkout"


class Followed(NamedTuple):
    """The updated paths, and the others."""

    written: tuple[CheckedOut, ...] = ()
    deleted: tuple[str, ...] = ()
    """Paths that are no longer tracked here, and whose content the cache holds."""
    absent: tuple[str, ...] = ()
    """Paths whose content the cache lacks."""
    failed: tuple[Failure, ...] = ()


def after_checkout(project: Project, old: str, new: str) -> Followed:
    """Follow a switch from one commit to another; an `old` of zeros is a new worktree."""
    return _follow(project, lambda: changed_between(project.git, old, new, PATTERN))


def after_merge(project: Project, *, squashed: bool) -> Followed:
    """Follow a merge; a squashed one is in the index only."""
    return _follow(project, lambda: _merged(project.git, "HEAD" if squashed else "ORIG_HEAD"))


def _merged(git: Git, old: str) -> list[FileChange]:
    if not is_revision(git, old):
        raise MvcError(f"the commit before the merge is unknown: {old} is missing", "mvc status")
    return changed_in_index(git, old, PATTERN)


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
    try:
        if item.pointer is None or item.condition or is_available(project.cache, project.catalog, item.pointer):
            return False
    except InvalidFormat:  # checkout reports it
        return False
    return not same_content(item.pointer, observe_path(project, item.path))


# Paths that are no longer tracked.


def _clear(
    project: Project, tracked: dict[str, Tracked], gone: dict[str, str], failed: list[Failure],
) -> tuple[str, ...]:
    """Delete the content of deleted pointers, given as path and blob; return the paths. Content in use is kept."""
    paths = untracked(project, tracked, gone)
    old = {item.path: item.pointer for item in pointers_in_blobs(project.git, [(gone[path], path) for path in paths])}
    with project.locks.worktree(), project.locks.store(), project.staging() as staging:
        tools = Checkout(project.tree, staging, project.links, project.around.progress)
        deleted = []
        for path, pointer in old.items():
            with collecting(failed, path):
                if pointer is not None and delete_untracked(project, tools, path, pointer):
                    deleted.append(path)
    prune(project.tree, deleted, {project.shell.start})
    project.catalog.flush()
    return tuple(deleted)


def delete_untracked(project: Project, tools: Checkout, path: str, pointer: Pointer) -> bool:
    """Delete the content of a pointer; return whether there was any."""
    before = observe_path(project, path)
    if not check_deletion(project, path, pointer, before):
        return False
    tools.execute(path, deletion(before), before.scan.kind, before)
    remove_empty(project.tree, path)
    project.catalog.forget(path)
    return True


def check_deletion(project: Project, path: str, pointer: Pointer, before: Observed) -> bool:
    """Check that `before`, what the workspace has of a pointer, can be deleted; return whether there is anything.

    Raises:
        MvcError: it was changed, or the cache lacks some of it.
    """
    if before.scan.kind == "none" or (before.scan.is_bare and pointer.files):
        return False
    if error := refusal(path, before.scan.bound(), project.shell.show):
        raise error
    fix = f"{project.shell.line('mvc add', path)}  # tracks it again; or delete it"
    if not same_content(pointer, before) and not lacks_only_links(project.cache, pointer, before):
        raise MvcError(f"{path} is no longer tracked here, but was changed: it was not deleted", fix)
    if lost_by(project.cache, deletion(before), project.around.progress):
        raise MvcError(f"{path} is no longer tracked here, but is not in the cache: it was not deleted", fix)
    return True
