"""`mvc status`: what differs between workspace, pointers and cache."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple, TypeAlias

from mvc.errors import CorruptObject, InvalidFormat, MissingObject, SourceChanged
from mvc.fs.files import as_error
from mvc.objects.diff import EntryChange, diff_manifests
from mvc.objects.pointer import Pointer
from mvc.ops.shared.checkout import content_line
from mvc.ops.shared.conflicts.summary import SideSummary, choosing_line, summarize
from mvc.ops.shared.conflicts.versions import Conflict, find_conflicts, versions
from mvc.ops.shared.content.mismatch import mismatch_error
from mvc.ops.shared.reports import Reports, ReportState
from mvc.ops.shared.selection import broken_manifest, chosen, conflict_fix, unusable
from mvc.ops.shared.workspace_content import (
    lacks_only_links,
    observe_path,
    observed_id,
    only_lacks,
    pointer_id,
    same_content,
)
from mvc.ops.workspace.leftovers import Leftover, find_leftovers
from mvc.project import Project
from mvc.retention.available import availability, load_manifest
from mvc.store.cache.cache import Cache
from mvc.workspace.observe import Observed
from mvc.workspace.tracked import Selection, Tracked

State: TypeAlias = Literal[
    "clean", "modified", "missing", "behind", "not-in-cache", "invalid", "conflict", "not-checked-out",
]


SETTLED = ("clean", "not-checked-out")
"""States in which nothing needs to be done."""


class ChangedFile(NamedTuple):
    """A file of a tracked directory that differs from the pointer; sizes in bytes."""

    path: str
    change: str
    """`added`, `modified`, `deleted`, or `refused` if it cannot be stored."""
    old_size: int | None = None
    size: int | None = None


class StatusItem(NamedTuple):
    """The state of one tracked path."""

    path: str
    kind: str
    state: State
    size: int
    """Bytes of content, by the pointer."""
    report: ReportState | None = None
    """The state of its evaluation report; None if it has none and needs none. It does not affect `clean`."""
    pushed: bool | None = None
    """Whether its remote has all objects that the pointer needs; None if it was not asked."""
    changes: tuple[ChangedFile, ...] = ()
    problem: str = ""
    """Why the state is `invalid` or unknown, or why `pushed` is unknown."""
    fix: str = ""
    """The command that fixes the problem."""
    unreadable: bool = False
    """Whether the pointer or the content could not be read: the state is a guess."""
    unordered: bool = False
    """Whether the pointer is valid but for the order of its lines: `problem` and `fix` say more."""
    sides: tuple[SideSummary, ...] = ()
    """Of a conflict in the pointer or the report: ours, then theirs."""

    @property
    def has_own_fix(self) -> bool:
        """Whether `fix` is for this path alone, not for its state or its remote."""
        return self.state in ("invalid", "conflict") or self.report == "conflict" or self.unreadable or self.unordered


class Status(NamedTuple):
    """The state of the paths."""

    clean: bool
    items: tuple[StatusItem, ...]
    left: tuple[Leftover, ...] = ()
    """What `git rm` or `git mv` of a pointer left, unless only some paths were asked for."""


def status(project: Project, paths: Iterable[str] = ()) -> Status:
    """Return the state of the tracked `paths` (from the top of the worktree), or of everything.

    Raises:
        MvcError: a path is not tracked.
    """
    paths, tracked = [*paths], project.tracked()
    selected = chosen(project, tracked, paths)
    left = () if paths else tuple(find_leftovers(project, tracked))
    reports = Reports(project)
    items = [_with_report(reports, selection, item_status(project, selection)) for selection in selected]
    if any("conflict" in (item.state, item.report) for item in items):
        known = find_conflicts(project)
        items = [_with_sides(project, item, tracked[item.path], known) for item in items]
    reports.remember()
    project.catalog.flush()
    return Status(all(item.state in SETTLED for item in items), tuple(items), left)


def _with_report(reports: Reports, selection: Selection, item: StatusItem) -> StatusItem:
    pointer = selection.item.pointer
    if pointer is None or selection.item.condition:
        return item
    return item._replace(report=reports.state(item.path, pointer))


def _with_sides(
    project: Project, item: StatusItem, tracked: Tracked, known: Mapping[str, Conflict],
) -> StatusItem:
    """Add what both sides of a conflict have, and how to resolve it."""
    if item.path not in known:
        return item
    both = versions(project, known[item.path])
    sides = tuple(map(summarize, both))
    fix, problem = item.fix, item.problem
    if item.state != "conflict":
        is_merged = all(version.item and version.item.raw != tracked.raw for version in both)
        fix = _evaluating_line(project, item, tracked) if is_merged else choosing_line(project.shell, sides, item.path)
    else:
        gone = [f"{side.side} deleted it" for side in sides if side.state == "deleted"]
        problem = " and ".join(gone) or "both sides changed it"
        fix = fix if tracked.can_be_merged else choosing_line(project.shell, sides, item.path)
    return item._replace(sides=sides, fix=fix, problem=problem)


def _evaluating_line(project: Project, item: StatusItem, tracked: Tracked) -> str:
    """Return the line that evaluates content that is of neither side, such as a merged directory."""
    record = f"{project.shell.line('mvc eval record', item.path)} --bump patch --metric NAME=NUMBER"
    first = "" if item.state == "clean" else f"{content_line(project, item.path, tracked.pointer)} && "
    return f"{first}{record}  # it is of neither side, and needs a report of its own"


def item_status(project: Project, selection: Selection) -> StatusItem:
    """Return the state of one tracked path."""
    item = selection.item
    pointer = item.pointer
    if pointer is None or item.condition:
        state: State = item.condition or "invalid"
        size = pointer.total if pointer else 0
        fix = unusable(project, item).fix if state == "invalid" else ""
        fix = conflict_fix(project, item) if state == "conflict" else fix
        kind = pointer.kind if pointer else ""
        return StatusItem(item.path, kind, state, size, problem=item.problem, fix=fix, unreadable=item.unreadable)
    try:
        observed = observe_path(project, item.path)
    except (OSError, SourceChanged) as error:
        problem = error.message if isinstance(error, SourceChanged) else as_error(error, item.path).message
        fix = project.shell.line("ls -l --", item.path)
        return StatusItem(item.path, pointer.kind, "modified", pointer.total, problem=problem, fix=fix, unreadable=True)
    try:
        there = availability(project.cache, project.catalog, pointer)
        state = _state(project, item, pointer, observed, complete=there.complete)
    except InvalidFormat as error:
        problem = f"its manifest cannot be used: {error.message}"
        fix = broken_manifest(project.shell, item.path, error).fix
        return StatusItem(item.path, pointer.kind, "invalid", pointer.total, problem=problem, fix=fix)
    if there.mismatch:
        wrong = mismatch_error(project.shell, item, there.mismatch)
        return StatusItem(item.path, pointer.kind, "invalid", pointer.total, problem=wrong.message, fix=wrong.fix)
    changes = _changes(project.cache, pointer, observed, selection) if state in ("modified", "behind") else ()
    if selection.inside and state == "modified" and not changes:
        state = "clean"
    fix = project.shell.line("mvc add", item.path) if item.unordered else ""
    return StatusItem(
        item.path, pointer.kind, state, pointer.total, None, None, changes, item.problem, fix, unordered=item.unordered,
    )


def _state(project: Project, item: Tracked, pointer: Pointer, observed: Observed, *, complete: bool) -> State:
    synced = project.catalog.synced(item.path)
    name = pointer_id(pointer)
    if same_content(pointer, observed):
        if synced != name:
            project.catalog.set_synced(item.path, name)
        return "clean" if complete else "not-in-cache"
    is_bare = observed.scan.is_bare and pointer.files
    if observed.scan.kind == "none" or is_bare or lacks_only_links(project.cache, pointer, observed):
        return "missing" if complete else "not-in-cache"
    if synced and synced == observed_id(observed):
        return "behind"
    return "not-in-cache" if _waits_for_content(project.cache, pointer, observed) else "modified"


def _waits_for_content(cache: Cache, pointer: Pointer, observed: Observed) -> bool:
    """Whether a directory only lacks files that the cache lacks, too, so that the user did not change it."""
    if (pointer.kind, observed.scan.kind) != ("dir", "dir"):
        return False
    absent = only_lacks(cache, pointer, observed)
    return absent is not None and bool(cache.missing({entry.blake3 for entry in absent}))


def _changes(cache: Cache, pointer: Pointer, observed: Observed, selection: Selection) -> tuple[ChangedFile, ...]:
    """Return the files of a directory that differ; none if the cache lacks the manifest."""
    if pointer.kind != "dir" or observed.scan.kind != "dir":
        return ()
    refused = observed.scan.refused
    try:
        found = diff_manifests(load_manifest(cache, pointer), observed.manifest)
        changes = [_changed_file(change) for change in found if change.path not in refused]
    except (MissingObject, CorruptObject, InvalidFormat):
        return ()
    changes += [ChangedFile(name, "refused") for name in refused]
    return tuple(sorted(change for change in changes if selection.covers(change.path)))


def _changed_file(change: EntryChange) -> ChangedFile:
    old, new = change.old, change.new
    return ChangedFile(change.path, change.change, old.size if old else None, new.size if new else None)

