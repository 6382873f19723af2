"""`mvc checkout`: makes the workspace match the pointers, or brings both back as they were."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from typing import NamedTuple

from mvc.errors import MissingObject, MvcError
from mvc.objects.manifest import Entry, Manifest, encode
from mvc.objects.pointer import MAX_BYTES, Pointer, emit
from mvc.ops.common import Failure, chosen, collecting, content_name, listing, unusable
from mvc.ops.pointers import keep_ignoring, publish_pointers, store_directory
from mvc.ops.revisions import companions_at, tracked_at
from mvc.ops.status import look, same_content
from mvc.project import Project
from mvc.scm.plumbing import resolve
from mvc.store.writer import CacheWriter
from mvc.tree import Replacement
from mvc.workspace.available import is_available, load_manifest
from mvc.workspace.checkout import (
    Checkout,
    Executed,
    Plan,
    check_safe,
    content_after,
    lost_by,
    make_plan,
)
from mvc.workspace.content import read_files, storing
from mvc.workspace.observe import Observed, encode_directory, settled
from mvc.workspace.scan import refusal
from mvc.workspace.stat_index import snapshot_of
from mvc.workspace.tracked import Selection, Tracked


class CheckoutOptions(NamedTuple):
    """How to check out."""

    rev: str | None = None
    """Bring pointer and content back as they were at this revision."""
    force: bool = False
    """Overwrite what is not in the cache, after saving it there."""
    relink: bool = False
    """Write clean files again, too, in the way that `cache.link` says now."""


class CheckedOut(NamedTuple):
    """A tracked path that matches its pointer now."""

    path: str
    written: int
    """Files written."""
    deleted: int
    size: int
    """Bytes written."""


class CheckoutResult(NamedTuple):
    """What was checked out, and what could not be."""

    done: tuple[CheckedOut, ...]
    failed: tuple[Failure, ...] = ()


def checkout(
    project: Project, paths: Iterable[str] = (), options: CheckoutOptions = CheckoutOptions(),
) -> CheckoutResult:
    """Make the workspace at `paths` (from the top of the worktree; none: everywhere) match.

    Raises:
        UsageError: no such revision.
        MvcError: a path is not tracked there.

    """
    with project.worktree_lock(), project.store_lock():
        if options.rev is None:
            selected = chosen(project, project.tracked(), paths)
            return _checkout_all(project, selected, options)
        return _bring_back(project, resolve(project.git, options.rev), list(paths), options)


def _bring_back(project: Project, commit: str, paths: list[str], options: CheckoutOptions) -> CheckoutResult:
    """Pointers first: interrupted after that, the workspace is merely behind them."""
    now = project.tracked()
    failed: list[Failure] = []
    accepted: list[Selection] = []
    for selection in chosen(project, tracked_at(project.git, commit), paths, "mvc log"):
        with collecting(failed, selection.item.path):
            accepted.append(_accept(project, selection, now, options))
    files = [
        Replacement(item.pointer_path, project.tree.read(item.pointer_path, MAX_BYTES), item.raw)
        for item, _ in accepted
    ]
    publish_pointers(project, [*files, *_companions(project, commit, accepted)])
    result = _checkout_all(project, [Selection(item) for item, _ in accepted], options)
    return result._replace(failed=(*failed, *result.failed))


def _accept(project: Project, past: Selection, now: dict[str, Tracked], options: CheckoutOptions) -> Selection:
    """Return what shall be tracked, once its content is known to be there and nothing would be lost."""
    item = past.item
    if item.pointer is None:
        raise unusable(project, item)
    if past.inside:
        item = _with_parts(project, past, now.get(item.path))
    pointer = item.pointer or past.item.pointer
    with listing(project, item.path):
        available = pointer is not None and is_available(project.cache, project.catalog, pointer)
    if pointer is None or not available:
        fix = project.line(f"mvc fetch --rev {shlex.quote(options.rev or '')}", item.path) if project.remotes() else ""
        raise MissingObject(f"the cache does not hold {item.path} as it was at {options.rev}", fix)
    before = look(project, item.path)
    if not same_content(pointer, before):
        if error := refusal(item.path, before.scan, project.show):
            raise error
        _make_safe(project, item.path, _plan(project, pointer, before, Selection(item)), force=options.force)
    return Selection(item)


def _with_parts(project: Project, past: Selection, now: Tracked | None) -> Tracked:
    """Return the tracked directory as it is now, but for the parts that come from the past."""
    if past.item.pointer is None or now is None or now.pointer is None:
        return past.item
    old = load_manifest(project.cache, past.item.pointer).entries
    new = load_manifest(project.cache, now.pointer).entries
    manifest = Manifest.of(
        [entry for entry in old if past.covers(entry.path)] + [entry for entry in new if not past.covers(entry.path)],
    )
    with CacheWriter(project.cache) as writer:
        pointer = store_directory(writer, manifest, encode(manifest), now.pointer.notes)
    return now._replace(pointer=pointer, raw=emit(pointer))


def _companions(project: Project, commit: str, accepted: list[Selection]) -> list[Replacement]:
    """Return the reports that stood beside the pointers at `commit`."""
    wanted = [selection.item.path for selection in accepted]
    return [
        Replacement(path, project.tree.read(path, MAX_BYTES), raw)
        for path, raw in companions_at(project.git, commit, wanted)
    ]


def _checkout_all(project: Project, selected: list[Selection], options: CheckoutOptions) -> CheckoutResult:
    done: list[CheckedOut] = []
    failed: list[Failure] = []
    keep_ignoring(project, [item.path for item, _ in selected if item.pointer and not item.condition])
    with project.staging() as staging:
        tools = Checkout(project.tree, staging, project.links, project.around.progress)
        for selection in selected:
            if selection.item.condition == "not-checked-out":
                continue
            with collecting(failed, selection.item.path):
                done.append(_checkout_one(project, tools, selection, options, failed))
    project.catalog.flush()
    return CheckoutResult(tuple(item for item in done if item.written or item.deleted), tuple(failed))


def _checkout_one(
    project: Project, tools: Checkout, selection: Selection, options: CheckoutOptions, failed: list[Failure],
) -> CheckedOut:
    item = selection.item
    if item.pointer is None or item.condition:
        raise unusable(project, item)
    pointer, path = item.pointer, item.path
    before = look(project, path)
    if same_content(pointer, before) and not options.relink:
        project.catalog.set_synced(path, content_name(pointer))
        return CheckedOut(path, 0, 0, 0)
    if error := refusal(path, before.scan, project.show):
        raise error
    plan = _plan(project, pointer, before, selection, relink=options.relink)
    _make_safe(project, path, plan, force=options.force)
    executed = tools.execute(path, plan, pointer.kind, before)
    failed += [_failure(project, path, name, error) for name, error in executed.failures]
    _remember(project, selection, pointer, before, executed)
    size = sum(entry.size for entry in plan.write if entry.path in executed.placed)
    return CheckedOut(path, len(executed.placed), len(plan.delete), size)


def _plan(
    project: Project, pointer: Pointer, before: Observed, selection: Selection, *, relink: bool = False,
) -> Plan:
    wanted = [Entry("", *pointer.digest, pointer.exec)]
    if pointer.kind == "dir":
        with listing(project, selection.item.path):
            wanted = list(load_manifest(project.cache, pointer).entries)
    plan = make_plan(before.entries(), wanted, selection.covers, empty=before.scan.kind == "none")
    return plan._replace(write=[entry for entry in wanted if selection.covers(entry.path)]) if relink else plan


def _make_safe(project: Project, path: str, plan: Plan, *, force: bool) -> None:
    if not force:
        keep, save = project.line("mvc add", path), project.line("mvc checkout -f", path)
        why, fix = "changed here and not in the cache, so not overwritten", f"{keep}  # keeps the change"
        check_safe(project.cache, path, plan, why, f"{fix}; {save} saves it to the cache and goes on")
        return
    # Storing what is there freshens it: where that is a hard link, the file would seem to change meanwhile.
    lost = lost_by(project.cache, plan)
    names = [f"{path}/{entry.path}" if entry.path else path for entry in lost]
    with CacheWriter(project.cache) as writer:
        saved = list(read_files(project.tree, names, storing(writer, project.around.progress, 1, ())))
    for position, file in saved:
        entry = lost[position]
        project.catalog.set_origin(path, [file.digest.blake3])
        if file.digest != entry.digest:
            raise MvcError(f"{path}/{entry.path} changed meanwhile, and was left as it is", "run the command again")


def _failure(project: Project, path: str, name: str, error: MvcError) -> Failure:
    full = f"{path}/{name}" if name else path
    fix = error.fix
    if isinstance(error, MissingObject):
        fix = f"{project.line('mvc add', path)}  # where the file still is, in a repository that shares this cache"
        if project.remotes():
            fix = f"{project.line('mvc pull', path)}  # brings it from the remote"
    return Failure(full, f"{full}: {error.message}", fix, error.exit_code)


def _remember(project: Project, selection: Selection, pointer: Pointer, before: Observed, done: Executed) -> None:
    path = selection.item.path
    content = content_after(project.tree, path, project.links, before, done)
    if content is None or content.scan.refused:
        return
    digest = content.digest(0) if content.scan.kind == "file" else encode_directory(content).digest
    snapshot = settled(project.tree, path, project.links, snapshot_of(content, digest))
    project.catalog.remember(path, snapshot)
    if not done.failures and not selection.inside:
        project.catalog.set_synced(path, content_name(pointer))
