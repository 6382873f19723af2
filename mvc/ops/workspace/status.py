"""`mvc status`: what differs between workspace, pointers and cache."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple, TypeAlias

from mvc.errors import CorruptObject, InvalidFormat, MissingObject
from mvc.fs.files import as_error
from mvc.objects.diff import EntryChange, diff_manifests
from mvc.objects.manifest import Entry, Manifest
from mvc.objects.pointer import Pointer
from mvc.ops.shared.content import content_name, content_of, look, same_content
from mvc.ops.shared.reports import Reports, ReportState
from mvc.ops.shared.selection import broken_manifest, chosen, unusable
from mvc.project import Project
from mvc.retention.available import is_available, load_manifest
from mvc.workspace.observe import Observed
from mvc.workspace.tracked import Selection, Tracked

State: TypeAlias = Literal[
    "clean", "modified", "missing", "behind", "not-in-cache", "invalid", "conflict", "not-checked-out",
]


class FileChange(NamedTuple):
    """A file of a tracked directory that differs from the pointer; sizes in bytes."""

    path: str
    change: str
    """`added`, `modified`, `deleted`, or `refused` when it can't be stored."""
    old_size: int | None = None
    size: int | None = None


class StatusItem(NamedTuple):
    """The state of one tracked path."""

    path: str
    kind: str
    state: State
    size: int
    """Bytes of content, as the pointer has it."""
    report: ReportState | None = None
    """How its evaluation report stands; None where it has none and needs none. It does not count."""
    pushed: bool | None = None
    """Whether its remote holds everything that the pointer needs; None when it was not asked."""
    changes: tuple[FileChange, ...] = ()
    problem: str = ""
    """Why the state is `invalid`, why it cannot be told, or why nobody can tell whether it is pushed."""
    fix: str = ""
    """What to type about the problem."""
    unreadable: bool = False
    """Whether the system could not read the pointer or the content: then the state is not proven."""

    @property
    def has_own_fix(self) -> bool:
        """Whether `fix` is about this path alone, not about its state or its remote."""
        return self.state == "invalid" or self.unreadable


class Status(NamedTuple):
    """The state of all that was asked about."""

    clean: bool
    items: tuple[StatusItem, ...]


def status(project: Project, paths: Iterable[str] = ()) -> Status:
    """Return the state of the tracked `paths` (from the top of the worktree), or of everything.

    Raises:
        MvcError: a path is not tracked.

    """
    selected = chosen(project, project.tracked(), paths)
    reports = Reports(project)
    items = tuple(_with_report(reports, selection, item_status(project, selection)) for selection in selected)
    reports.remember()
    project.catalog.flush()
    settled = ("clean", "not-checked-out")
    return Status(all(item.state in settled for item in items), items)


def _with_report(reports: Reports, selection: Selection, item: StatusItem) -> StatusItem:
    pointer = selection.item.pointer
    if pointer is None or selection.item.condition:
        return item
    return item._replace(report=reports.state(item.path, pointer))


def item_status(project: Project, selection: Selection) -> StatusItem:
    """Return the state of one tracked path."""
    item = selection.item
    pointer = item.pointer
    if pointer is None or item.condition:
        state: State = item.condition or "invalid"
        size = pointer.total if pointer else 0
        fix = unusable(project.shell, item).fix if state == "invalid" else ""
        kind = pointer.kind if pointer else ""
        return StatusItem(item.path, kind, state, size, problem=item.problem, fix=fix, unreadable=item.unreadable)
    try:
        observed = look(project, item.path)
    except OSError as error:
        problem, fix = as_error(error, item.path).message, project.shell.line("ls -l --", item.path)
        return StatusItem(item.path, pointer.kind, "modified", pointer.total, problem=problem, fix=fix, unreadable=True)
    try:
        state = _state(project, item, pointer, observed)
    except InvalidFormat as error:
        problem = f"its manifest cannot be used: {error.message}"
        fix = broken_manifest(project.shell, item.path, error).fix
        return StatusItem(item.path, pointer.kind, "invalid", pointer.total, problem=problem, fix=fix)
    changes = _changes(project, pointer, observed, selection) if state in ("modified", "behind") else ()
    if selection.inside and state == "modified" and not changes:
        state = "clean"
    return StatusItem(item.path, pointer.kind, state, pointer.total, changes=changes)


def _state(project: Project, item: Tracked, pointer: Pointer, observed: Observed) -> State:
    synced = project.catalog.synced(item.path)
    name = content_name(pointer)
    if same_content(pointer, observed):
        if synced != name:
            project.catalog.set_synced(item.path, name)
        return "clean" if is_available(project.cache, project.catalog, pointer) else "not-in-cache"
    if observed.scan.kind == "none":
        return "missing" if is_available(project.cache, project.catalog, pointer) else "not-in-cache"
    if synced and synced == content_of(observed):
        return "behind"
    return "not-in-cache" if _waits_for_content(project, pointer, observed) else "modified"


def _waits_for_content(project: Project, pointer: Pointer, observed: Observed) -> bool:
    """Whether a directory only lacks files, some of which the cache lacks, too: nobody changed it."""
    if (pointer.kind, observed.scan.kind) != ("dir", "dir"):
        return False
    try:
        wanted = set(load_manifest(project.cache, pointer).entries)
    except (MissingObject, CorruptObject):
        return False
    absent = wanted.difference(observed.entries())
    return wanted.issuperset(observed.entries()) and bool(project.cache.missing({entry.blake3 for entry in absent}))


def _changes(
    project: Project, pointer: Pointer, observed: Observed, selection: Selection,
) -> tuple[FileChange, ...]:
    """Return the files of a directory that differ; nothing when the manifest is not at hand."""
    if pointer.kind != "dir" or observed.scan.kind != "dir":
        return ()
    try:
        old = load_manifest(project.cache, pointer)
    except (MissingObject, CorruptObject, InvalidFormat):
        return ()
    new = Manifest(tuple(sorted(_storable(observed))))
    changes = [_change(change) for change in diff_manifests(old, new) if change.path not in observed.scan.refused]
    changes += [FileChange(name, "refused") for name in observed.scan.refused]
    return tuple(sorted(change for change in changes if selection.covers(change.path)))


def _change(change: EntryChange) -> FileChange:
    old, new = change.old, change.new
    return FileChange(change.path, change.change, old.size if old else None, new.size if new else None)


def _storable(observed: Observed) -> list[Entry]:
    return [entry for entry in observed.entries() if entry.path not in observed.scan.refused]
