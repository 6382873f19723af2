"""The pointers whose objects a transfer moves: the workspace's, or those of revisions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from mvc.errors import MvcError, UsageError
from mvc.objects.dvc.imported import FILE, pointer_to
from mvc.objects.pointer import SUFFIX, path_of
from mvc.ops.shared.dvc.imported import read_imported
from mvc.ops.shared.failures import Failure
from mvc.ops.shared.revisions import pointers_in_blobs, tracked_at
from mvc.ops.shared.selection import chosen_each, tracks, unusable
from mvc.ops.shared.transfers.results import TransferFailure
from mvc.ops.shared.versions.references import resolve
from mvc.project import Project
from mvc.retention.roots import PATTERN
from mvc.scm.blobs import present_blobs
from mvc.scm.commits import head
from mvc.scm.plumbing import Git, missing_object
from mvc.scm.reachable import inside, mentions
from mvc.scm.refs import list_tips
from mvc.workspace.tracked import Selection, Tracked, select


class RevisionScope(NamedTuple):
    """The selected revisions; none selects the workspace's pointers."""

    revisions: tuple[str, ...] = ()
    branches: bool = False
    tags: bool = False
    commits: bool = False
    """Every reachable commit."""


class Selected(NamedTuple):
    """The selected pointers, and failures for those that cannot be used."""

    selections: tuple[Selection, ...]
    failed: tuple[TransferFailure, ...] = ()

    def __or__(self, other: Selected) -> Selected:
        return Selected(self.selections + other.selections, self.failed + other.failed)


def selected(project: Project, paths: Iterable[str], scope: RevisionScope) -> Selected:
    """Return the pointers at `paths`; a path inside a directory means that part of it.

    Raises:
        UsageError: no such revision.
        MvcError: a path is not tracked.
    """
    paths = [*paths]
    if scope == RevisionScope():
        failed: list[Failure] = []
        found = _usable(project, chosen_each(project, project.tracked(), paths, failed), named=any(paths))
        lost = (TransferFailure(item.path, error=item.message, fix=item.fix) for item in failed)
        return Selected(found.selections, (*lost, *found.failed))
    if scope.commits:
        found = _in_history(inside(project.git, project.layout.common_dir), paths)
        return found if paths else found | Selected(_imported(project))
    return _at_revisions(project, paths, _commits(project, scope))


def _usable(project: Project, selections: Iterable[Selection], *, named: bool, commit: str = "") -> Selected:
    """Sort out pointers that cannot be used. One outside a sparse checkout is a failure only if it is named."""
    good, failed = [], []
    for selection in selections:
        item = selection.item
        if item.pointer is not None and item.condition != "not-checked-out":
            good.append(selection)
        elif item.condition != "not-checked-out" or named:
            error = unusable(project, item, commit)
            text = f"at {commit[:12]}: {error.message}" if commit else error.message
            failed.append(TransferFailure(item.path, error=text, fix=error.fix))
    return Selected(tuple(good), tuple(failed))


def _commits(project: Project, scope: RevisionScope) -> list[str]:
    git = project.git
    if head(git) is None and not list_tips(git, branches=True, tags=True):
        raise UsageError("there is no commit yet", 'git commit -m "..."')
    commits = [resolve(project, revision) for revision in scope.revisions]
    return list(dict.fromkeys([*commits, *list_tips(git, branches=scope.branches, tags=scope.tags)]))


def _at_revisions(project: Project, paths: list[str], commits: Iterable[str]) -> Selected:
    """Return the pointers of `commits`; a path need not be tracked at each of them."""
    found, unseen = Selected(()), set(paths)
    for commit in commits:
        try:
            tracked = tracked_at(project, commit)
        except MvcError as error:
            problem = TransferFailure(error=f"the pointers of {commit[:12]}: {error.message}", fix=error.fix)
            found |= Selected((), (problem,))
            continue
        known = [path for path in paths if tracks(tracked, path)]
        unseen -= {*known}
        if known or not paths:
            found |= _usable(project, select(tracked, known), named=False, commit=commit)
    _refuse_unseen(unseen)
    return found


def _refuse_unseen(paths: Iterable[str]) -> None:
    for path in sorted(paths):
        raise MvcError(f"{path} is not tracked at any of these revisions", "mvc ls REV  # lists the tracked paths")


def _in_history(git: Git, paths: list[str]) -> Selected:
    """Return every version of every pointer in a reachable commit; invalid pointers are left out."""
    versions = {(mention.oid, path_of(mention.path)) for mention in mentions(git, PATTERN)}
    names = {path: Tracked(path) for _, path in sorted(versions)}
    _refuse_unseen(path for path in paths if not tracks(names, path))
    parts = {item.path: inner for item, inner in select(names, paths)}
    meant = {oid: path for oid, path in sorted(versions) if path in parts}
    present = present_blobs(git, meant)
    items = pointers_in_blobs(git, [(oid, path) for oid, path in meant.items() if oid in present])
    absent = (
        _absent(path, missing_object(git, oid).of(path + SUFFIX)) for oid, path in meant.items() if oid not in present
    )
    return Selected(tuple(Selection(item, parts[item.path]) for item in items), tuple(absent))


def _imported(project: Project) -> tuple[Selection, ...]:
    """Return what was imported from DVC: earlier commits have no pointers to it."""
    items = read_imported(project).items()
    return tuple(Selection(Tracked(f"{FILE}/{old.name}", pointer=pointer_to(old, content))) for old, content in items)


def _absent(path: str, error: MvcError) -> TransferFailure:
    return TransferFailure(path, error=error.message, fix=error.fix)
