"""Makes the workspace match its pointers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import NamedTuple

from mvc.errors import InvalidFormat, MissingObject, MvcError, SourceChanged
from mvc.objects.manifest import Entry, Manifest
from mvc.objects.pointer import Pointer
from mvc.ops.shared.content.mismatch import check_agrees
from mvc.ops.shared.failures import Failure, collecting
from mvc.ops.shared.pointers import keep_ignoring
from mvc.ops.shared.remotes import configured_remotes
from mvc.ops.shared.selection import chosen_each, manifest_errors, unusable
from mvc.ops.shared.workspace_content import (
    check_saved,
    named_objects,
    observe_path,
    pointer_id,
    same_content,
    unnamed,
    was_updated,
)
from mvc.project import Project
from mvc.retention.available import is_available, load_manifest
from mvc.retention.named import NamedObjects
from mvc.store.cache.writer import CacheWriter
from mvc.workspace.checkout import NOTHING, Checkout, Plan, files_of, groups_after, lost_by
from mvc.workspace.observe import Observed, settled
from mvc.workspace.read_files import read_files, storing
from mvc.workspace.scan import UNBOUND, Scan, refusal
from mvc.workspace.stat_index import Group, Snapshot
from mvc.workspace.tracked import Selection, Tracked


class CheckoutOptions(NamedTuple):
    """Options of a checkout."""

    force: bool = False
    """Overwrite content that is not saved, after saving it to the cache."""
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


class SavedContent(NamedTuple):
    """A file that was overwritten or deleted, and that no pointer names: the cache has it; `size` in bytes."""

    path: str
    blake3: str
    size: int


class CheckoutResult(NamedTuple):
    """What was checked out, and the paths that failed."""

    done: tuple[CheckedOut, ...]
    failed: tuple[Failure, ...] = ()
    saved: tuple[SavedContent, ...] = ()


class Guard(NamedTuple):
    """Keeps a checkout from losing content of the workspace."""

    project: Project
    named: NamedObjects
    """The objects that pointers name before the command."""
    force: bool
    command: str = "mvc checkout"
    """The command to repeat with `-f`."""

    def check(self, selection: Selection, plan: Plan) -> None:
        """Refuse a plan that would lose content; with `force`, save that content to the cache first.

        Raises:
            MvcError: content would be lost, or changed while it was saved.
        """
        if self.force:
            self._save(selection.item, plan)
        else:
            refusal = "changed here and {}, so not overwritten"
            check_saved(self.project, self.named, selection.item, plan, refusal, lambda: self._fix(selection))

    def _save(self, item: Tracked, plan: Plan) -> None:
        # Without link types: storing a hard link to an object would change the file's stat data.
        project, lost = self.project, lost_by(self.project.cache, plan, self.project.around.progress)
        names = [_full(item.path, entry.path) for entry in lost]
        with CacheWriter(project.cache) as writer:
            saved = list(read_files(project.tree, names, storing(writer, project.around.progress, 1, ())))
        for position, file in saved:
            if file.digest != lost[position].digest:
                raise SourceChanged(f"{names[position]} changed meanwhile and was not touched", "run the command again")
        lost = unnamed(self.named, plan, item)
        project.catalog.set_origins({entry.blake3: _full(item.path, entry.path) for entry in lost})

    def forcing_line(self, selection: Selection) -> str:
        """Return the command line that continues with `-f`."""
        return f"{self._forced(selection)}  # saves it to the cache first: mvc log --lost lists it"

    def _forced(self, selection: Selection) -> str:
        parts = [_full(selection.item.path, part) for part in selection.inside or ("",)]
        force = self.project.shell.line(f"{self.command} -f", *parts)
        if not has_content(self.project, selection.item.pointer) and configured_remotes(self.project.settings):
            return f"{self.project.shell.line('mvc fetch', selection.item.path)} && {force}"
        return force

    def _fix(self, selection: Selection) -> str:
        item, project = selection.item, self.project
        if item.pointer is None or was_updated(project, item.path, item.pointer):
            return self.forcing_line(selection)
        add = project.shell.line("mvc add", item.path)
        return f"{add}  # keeps the change; {self._forced(selection)} saves it to the cache and continues"


def has_content(project: Project, pointer: Pointer | None) -> bool:
    """Whether the cache has the content of a pointer, or its manifest is invalid."""
    with suppress(InvalidFormat):
        return pointer is None or is_available(project.cache, project.catalog, pointer)
    return True


def content_line(project: Project, path: str, pointer: Pointer | None, *, force: bool = False) -> str:
    """Return the command line that writes the content of a tracked path; `force` where it overwrites unsaved content.

    It fetches what the cache lacks.
    """
    line = project.shell.line("mvc checkout -f" if force else "mvc checkout", path)
    if has_content(project, pointer):
        return line
    if not configured_remotes(project.settings):
        return f"mvc remote add NAME URL  # that has the content of {path}; then: mvc pull"
    return f"{project.shell.line('mvc fetch', path)} && {line}" if force else project.shell.line("mvc pull", path)


def unstorable(project: Project, path: str, item: Tracked | None, found: Scan) -> MvcError | None:
    """Return the error about the first file at `path` that cannot be stored; `item` if the path is tracked.

    A symlink that mvc made and that leads nowhere gets its content back.
    """
    if item is None or item.pointer is None or not found.unbound:
        return refusal(path, found, project.shell.show)
    return MvcError(f"{_full(path, found.unbound[0])} is {UNBOUND}", content_line(project, path, item.pointer))


def _full(path: str, name: str) -> str:
    return f"{path}/{name}" if name else path


def check_out(
    project: Project, paths: Iterable[str] = (), options: CheckoutOptions = CheckoutOptions(),
) -> CheckoutResult:
    """Make the workspace at `paths` (from the top of the worktree; none: everywhere) match its pointers.

    Raises:
        MvcError: no path is tracked.
    """
    failed: list[Failure] = []
    with project.locks.worktree(), project.locks.store():
        guard = Guard(project, named_objects(project), options.force)
        selected = chosen_each(project, project.tracked(), paths, failed)
        result = check_out_selected(guard, selected, guard.named, relink=options.relink)
    return result._replace(failed=(*failed, *result.failed))


def check_out_selected(
    guard: Guard, selected: list[Selection], named: NamedObjects, *,
    relink: bool = False, observed: Mapping[str, Observed] = MappingProxyType({}),
) -> CheckoutResult:
    """Make the `selected` paths match; the caller holds the locks.

    `named` is what pointers name afterwards, `observed` what the caller has just found at some paths.
    """
    project = guard.project
    done: list[CheckedOut] = []
    failed: list[Failure] = []
    saved: list[SavedContent] = []
    keep_ignoring(project, [item.path for item, _ in selected if item.pointer and not item.condition])
    with project.staging() as staging:
        tools = Checkout(project.tree, staging, project.links, project.around.progress)
        for selection in selected:
            if selection.item.condition == "not-checked-out":
                continue
            with collecting(failed, selection.item.path):
                before = observed.get(selection.item.path)
                plan, written = _checkout_one(guard, tools, selection, before, failed, relink=relink)
                done.append(written)
                saved += _saved(selection.item, unnamed(named, plan, selection.item))
    project.catalog.flush()
    changed = tuple(item for item in done if item.written or item.deleted)
    return CheckoutResult(changed, tuple(failed), tuple(saved))


def _saved(item: Tracked, entries: Iterable[Entry]) -> list[SavedContent]:
    return [SavedContent(_full(item.path, entry.path), entry.blake3, entry.size) for entry in entries]


def _checkout_one(
    guard: Guard, tools: Checkout, selection: Selection, before: Observed | None, failed: list[Failure], *,
    relink: bool,
) -> tuple[Plan, CheckedOut]:
    project, item = guard.project, selection.item
    if item.pointer is None or item.condition:
        raise unusable(project, item)
    pointer, path = item.pointer, item.path
    check_agrees(project, item)
    before = before or observe_path(project, path)
    if same_content(pointer, before) and not relink:
        project.catalog.set_synced(path, pointer_id(pointer))
        return NOTHING, CheckedOut(path, 0, 0, 0)
    if error := refusal(path, before.scan.bound(), project.shell.show):
        raise error
    plan = plan_checkout(project, pointer, before, selection, relink=relink)
    guard.check(selection, plan)
    done = tools.execute(path, plan, pointer.kind, before)
    failed += [_failure(project, path, name, error) for name, error in done.failures]
    if not done.failures and not selection.inside:
        _remember(project, path, pointer, groups_after(project.tree, path, plan.new, before, done, pointer.kind))
    return plan, CheckedOut(path, done.written, done.deleted, done.size)


def plan_checkout(
    project: Project, pointer: Pointer, before: Observed, selection: Selection, *, relink: bool = False,
) -> Plan:
    """Return what to write and delete so that the selected files match `pointer`."""
    wanted = Manifest.holding([Entry("", *pointer.digest, pointer.exec)])
    if pointer.kind == "dir":
        with manifest_errors(project.shell, selection.item.path):
            wanted = load_manifest(project.cache, pointer)
    unbound = [path for path in before.scan.unbound if selection.covers(path)]
    unwanted = {*unbound}.difference(entry.path for entry in wanted.entries) if unbound else ()
    empty = before.scan.kind == "none"
    unlink = tuple(sorted(unwanted))
    return Plan(files_of(before), wanted, selection.covers, empty=empty, unlink=unlink, rewrite=relink)


def _failure(project: Project, path: str, name: str, error: MvcError) -> Failure:
    full, fix = _full(path, name), error.fix
    if isinstance(error, MissingObject):
        fix = "mvc remote add NAME URL  # that has the content; then: mvc pull"
        if configured_remotes(project.settings):
            fix = f"{project.shell.line('mvc pull', path)}  # brings it from the remote"
    return Failure(full, f"{full}: {error.message}", fix, error.exit_code)


def _remember(project: Project, path: str, pointer: Pointer, groups: tuple[Group, ...]) -> None:
    if groups:
        snapshot = settled(project.tree, path, project.links, Snapshot(pointer.kind, groups))
        project.catalog.remember(path, snapshot)
    project.catalog.set_synced(path, pointer_id(pointer))
