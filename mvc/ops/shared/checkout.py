"""Makes the workspace match its pointers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from mvc.errors import MissingObject, MvcError
from mvc.objects.manifest import Entry
from mvc.objects.pointer import Pointer
from mvc.ops.shared.failures import Failure, collecting
from mvc.ops.shared.mismatch import check_agrees
from mvc.ops.shared.pointers import keep_ignoring
from mvc.ops.shared.remotes import configured_remotes
from mvc.ops.shared.selection import chosen, manifest_errors, unusable
from mvc.ops.shared.workspace_content import observe_path, pointer_id, same_content
from mvc.project import Project
from mvc.retention.available import load_manifest
from mvc.store.cache.writer import CacheWriter
from mvc.workspace.checkout import Checkout, Executed, Plan, check_safe, content_after, lost_by, make_plan
from mvc.workspace.observe import Observed, encode_directory, settled
from mvc.workspace.read_files import read_files, storing
from mvc.workspace.scan import refusal
from mvc.workspace.stat_index import snapshot_of
from mvc.workspace.tracked import Selection


class CheckoutOptions(NamedTuple):
    """Options of a checkout."""

    force: bool = False
    """Overwrite content that is not in the cache, after saving it there."""
    relink: bool = False
    """Write clean files again as well, with the present `cache.link`."""


class CheckedOut(NamedTuple):
    """A tracked path that now matches its pointer."""

    path: str
    written: int
    """Files written."""
    deleted: int
    size: int
    """Bytes written."""


class CheckoutResult(NamedTuple):
    """What was checked out, and the paths that failed."""

    done: tuple[CheckedOut, ...]
    failed: tuple[Failure, ...] = ()


def check_out(
    project: Project, paths: Iterable[str] = (), options: CheckoutOptions = CheckoutOptions(),
) -> CheckoutResult:
    """Make the workspace at `paths` (from the top of the worktree; none: everywhere) match its pointers.

    Raises:
        MvcError: a path is not tracked.
    """
    with project.locks.worktree(), project.locks.store():
        return check_out_selected(project, chosen(project, project.tracked(), paths), options)


def check_out_selected(project: Project, selected: list[Selection], options: CheckoutOptions) -> CheckoutResult:
    """Make the `selected` paths match; the caller holds the locks."""
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
        raise unusable(project.shell, item)
    pointer, path = item.pointer, item.path
    check_agrees(project, item)
    before = observe_path(project, path)
    if same_content(pointer, before) and not options.relink:
        project.catalog.set_synced(path, pointer_id(pointer))
        return CheckedOut(path, 0, 0, 0)
    if error := refusal(path, before.scan, project.shell.show):
        raise error
    plan = plan_checkout(project, pointer, before, selection, relink=options.relink)
    make_safe(project, path, plan, force=options.force)
    executed = tools.execute(path, plan, pointer.kind, before)
    failed += [_failure(project, path, name, error) for name, error in executed.failures]
    _remember(project, selection, pointer, before, executed)
    size = sum(entry.size for entry in plan.write if entry.path in executed.placed)
    return CheckedOut(path, len(executed.placed), len(plan.delete), size)


def plan_checkout(
    project: Project, pointer: Pointer, before: Observed, selection: Selection, *, relink: bool = False,
) -> Plan:
    """Return what to write and delete so that the selected files match `pointer`."""
    wanted = [Entry("", *pointer.digest, pointer.exec)]
    if pointer.kind == "dir":
        with manifest_errors(project.shell, selection.item.path):
            wanted = list(load_manifest(project.cache, pointer).entries)
    plan = make_plan(before.entries(), wanted, selection.covers, empty=before.scan.kind == "none")
    return plan._replace(write=[entry for entry in wanted if selection.covers(entry.path)]) if relink else plan


def make_safe(project: Project, path: str, plan: Plan, *, force: bool) -> None:
    """Refuse a plan that would lose content; with `force`, save that content to the cache first.

    Raises:
        MvcError: content would be lost, or changed while it was saved.
    """
    if not force:
        keep, save = project.shell.line("mvc add", path), project.shell.line("mvc checkout -f", path)
        why, fix = "changed here and not in the cache, so not overwritten", f"{keep}  # keeps the change"
        check_safe(project.cache, path, plan, why, f"{fix}; {save} saves it to the cache and continues")
        return
    # Without link types: storing a hard link to an object would change the file's stat data.
    lost = lost_by(project.cache, plan)
    names = [f"{path}/{entry.path}" if entry.path else path for entry in lost]
    with CacheWriter(project.cache) as writer:
        saved = list(read_files(project.tree, names, storing(writer, project.around.progress, 1, ())))
    for position, file in saved:
        entry = lost[position]
        project.catalog.set_origin(path, [file.digest.blake3])
        if file.digest != entry.digest:
            raise MvcError(f"{path}/{entry.path} changed meanwhile and was not touched", "run the command again")


def _failure(project: Project, path: str, name: str, error: MvcError) -> Failure:
    full = f"{path}/{name}" if name else path
    fix = error.fix
    if isinstance(error, MissingObject):
        fix = f"{project.shell.line('mvc add', path)}  # in a repository that shares this cache and has the file"
        if configured_remotes(project.settings):
            fix = f"{project.shell.line('mvc pull', path)}  # brings it from the remote"
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
        project.catalog.set_synced(path, pointer_id(pointer))
