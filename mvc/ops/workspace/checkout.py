"""`mvc checkout`: makes the workspace match the pointers, or restores both from a revision."""

from __future__ import annotations

import shlex
from collections.abc import Iterable

from mvc.errors import MissingObject, MvcError
from mvc.fs.tree import Replacement
from mvc.objects.manifest import Manifest
from mvc.objects.pointer import SUFFIX, emit
from mvc.ops.shared.checkout import (
    CheckedOut,
    CheckoutOptions,
    CheckoutResult,
    Guard,
    SavedContent,
    check_out,
    check_out_selected,
    plan_checkout,
)
from mvc.ops.shared.content.mismatch import check_agrees
from mvc.ops.shared.evidence.committed_reports import uncommitted_reports
from mvc.ops.shared.failures import Failure, collecting
from mvc.ops.shared.pointers import publish_pointers, store_directory
from mvc.ops.shared.remotes import configured_remotes
from mvc.ops.shared.reports import model_of
from mvc.ops.shared.revisions import companions_at, tracked_at
from mvc.ops.shared.selection import chosen_each, manifest_errors, unusable
from mvc.ops.shared.versions.references import resolve
from mvc.ops.shared.workspace_content import named_objects, observe_path, same_content
from mvc.ops.workspace.leftovers import find_leftovers
from mvc.ops.workspace.removals import clear_leftovers
from mvc.project import Project
from mvc.quality.files import MAX_BYTES
from mvc.retention.available import is_available, load_manifest
from mvc.store.cache.cache import Cache
from mvc.store.cache.writer import CacheWriter
from mvc.workspace.observe import Observed
from mvc.workspace.scan import refusal
from mvc.workspace.tracked import Selection, Tracked, holder_of


def checkout(
    project: Project, paths: Iterable[str] = (), rev: str | None = None, options: CheckoutOptions = CheckoutOptions(),
) -> CheckoutResult:
    """Make the workspace at `paths` (from the top of the worktree; none: everywhere) match its pointers.

    With `rev`, pointers, reports and content are restored from that revision.

    Raises:
        UsageError: no such revision.
        MvcError: a path is not tracked there.
    """
    if rev is None:
        return _check_out(project, list(paths), options)
    with project.locks.worktree(), project.locks.store():
        return _restore(project, rev, list(paths), options)


def _check_out(project: Project, paths: list[str], options: CheckoutOptions) -> CheckoutResult:
    """Check out, and clear those of `paths` whose pointers are gone."""
    tracked = project.tracked() if paths else {}
    strange = [path for path in paths if path not in tracked and not holder_of(tracked, path)]
    unknown = [path for path in strange if project.tree.lstat(path + SUFFIX) is None]
    left = {item.path for item in find_leftovers(project, tracked)} if unknown else set()
    cleared = [path for path in unknown if path in left]
    others = [path for path in paths if path not in cleared]
    result = CheckoutResult(()) if cleared and not others else check_out(project, others, options)
    if not cleared:
        return result
    done = clear_leftovers(project, cleared)
    deleted = tuple(CheckedOut(path, 0, 1, 0) for path in done.deleted)
    return CheckoutResult((*result.done, *deleted), (*result.failed, *done.failed))


def _restore(project: Project, rev: str, paths: list[str], options: CheckoutOptions) -> CheckoutResult:
    """Restore pointers first: if that is interrupted, the workspace is only behind them."""
    commit = resolve(project, rev)
    now = project.tracked()
    guard = Guard(project, named_objects(project), options.force, f"mvc checkout --rev {shlex.quote(rev)}")
    failed: list[Failure] = []
    selected = chosen_each(project, tracked_at(project, commit), paths, failed, rev)
    reports = _reports(project, commit, selected)
    unsaved = uncommitted_reports(project, [item.path for item in reports if item.old not in (None, item.new)])
    accepted: list[tuple[Selection, Observed]] = []
    for selection in selected:
        with collecting(failed, selection.item.path):
            _check_reports(guard, selection, unsaved)
            accepted.append(_accept(guard, selection, now, rev))
    observed = {item.path: before for (item, _), before in accepted}
    reports = [item for item in reports if model_of(item.path) in observed]
    lost = [item for item in reports if item.path in unsaved]
    saved = _save(project, lost) if lost else []
    pointers = [_replacement(project, item.pointer_path, item.raw) for (item, _), _ in accepted]
    publish_pointers(project, [*pointers, *reports])
    selected = [selection for selection, _ in accepted]
    named = named_objects(project)
    result = check_out_selected(guard, selected, named, relink=options.relink, observed=observed)
    return result._replace(failed=(*failed, *result.failed), saved=(*saved, *result.saved))


def _replacement(project: Project, path: str, new: bytes) -> Replacement:
    return Replacement(path, project.tree.read(path, MAX_BYTES + 1), new)


def _reports(project: Project, commit: str, selected: list[Selection]) -> list[Replacement]:
    """Return how the reports of the selected paths, and their signatures, become what they are at `commit`."""
    found = companions_at(project.git, commit, [selection.item.path for selection in selected])
    return [_replacement(project, path, raw) for path, raw in found]


def _check_reports(guard: Guard, selection: Selection, unsaved: set[str]) -> None:
    """Refuse to overwrite a report that no commit has; with `force` it is saved."""
    lost = [path for path in sorted(unsaved) if model_of(path) == selection.item.path]
    if lost and not guard.force:
        raise MvcError(f"{lost[0]}: not committed, so not overwritten", guard.forcing_line(selection))


def _save(project: Project, reports: list[Replacement]) -> list[SavedContent]:
    """Store the present content of `reports` in the cache."""
    saved = []
    with CacheWriter(project.cache) as writer:
        for item in reports:
            digest = writer.put_bytes(item.old or b"")
            saved.append(SavedContent(item.path, digest.blake3, digest.size))
    project.catalog.set_origins({item.blake3: item.path for item in saved})
    return saved


def _accept(guard: Guard, past: Selection, now: dict[str, Tracked], rev: str) -> tuple[Selection, Observed]:
    """Return the path to track and what is there, after checking that its content is available and none is lost."""
    project, item = guard.project, past.item
    if item.pointer is None:
        raise unusable(project, item, rev)
    if past.inside:
        current = now.get(item.path)
        if current is not None and current.pointer is None:  # a part says nothing about the rest
            raise unusable(project, current)
        item = _with_parts(project.cache, past, current)
    pointer = item.pointer or past.item.pointer
    check_agrees(project, item)
    with manifest_errors(project.shell, item.path):
        available = pointer is not None and is_available(project.cache, project.catalog, pointer)
    if pointer is None or not available:
        line = project.shell.line(f"mvc fetch --rev {shlex.quote(rev)}", item.path)
        fix = line if configured_remotes(project.settings) else ""
        raise MissingObject(f"the cache does not hold {item.path} as of {rev}", fix)
    before = observe_path(project, item.path)
    if not same_content(pointer, before):
        if error := refusal(item.path, before.scan.bound(), project.shell.show):
            raise error
        present = Selection(now.get(item.path, item), past.inside)
        guard.check(present, plan_checkout(project, pointer, before, Selection(item)))
    return Selection(item), before


def _with_parts(cache: Cache, past: Selection, now: Tracked | None) -> Tracked:
    """Return the currently tracked directory with the selected parts from the past."""
    if past.item.pointer is None or now is None or now.pointer is None:
        return past.item
    old = load_manifest(cache, past.item.pointer).entries
    new = load_manifest(cache, now.pointer).entries
    manifest = Manifest.of(
        [entry for entry in old if past.covers(entry.path)] + [entry for entry in new if not past.covers(entry.path)],
    )
    with CacheWriter(cache) as writer:
        pointer = store_directory(writer, manifest, now.pointer.notes)
    return now._replace(pointer=pointer, raw=emit(pointer))

