"""`mvc diff`: what changed between two revisions, or between one and the workspace."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Literal, NamedTuple

from mvc.errors import CorruptObject, InvalidFormat, MissingObject
from mvc.objects.diff import ChangeKind, EntryChange, compare, diff_manifests, pair_renames
from mvc.objects.manifest import Entry, Manifest
from mvc.ops.shared.conflicts.versions import find_conflicts, versions
from mvc.ops.shared.failures import Failure, collecting
from mvc.ops.shared.reports import MetricChange, matching_report, metric_changes, report_in
from mvc.ops.shared.revisions import companions_at, tracked_at
from mvc.ops.shared.selection import chosen, unusable
from mvc.ops.shared.versions.references import resolve
from mvc.ops.shared.workspace_content import observe_path
from mvc.ops.workspace.reading.diff_text import TextChange
from mvc.project import Project
from mvc.quality.files import SUFFIX
from mvc.retention.available import load_manifest
from mvc.scm.commits import head
from mvc.workspace.tracked import Selection, Tracked

if TYPE_CHECKING:
    from mvc.quality.reports.report import Report


class Side(NamedTuple):
    """A tracked path on one side; `size` in bytes of content."""

    path: str
    kind: str
    blake3: str
    size: int
    files: int


class FileDiff(NamedTuple):
    """A file inside a tracked directory that differs; sizes in bytes."""

    path: str
    change: ChangeKind
    old_path: str | None
    old_size: int | None
    size: int | None


class PathDiff(NamedTuple):
    """A tracked path that differs; of a path in conflict, `old` is our side and `new` theirs."""

    path: str
    change: ChangeKind | Literal["conflict"]
    old: Side | None
    new: Side | None
    files: tuple[FileDiff, ...] = ()
    metrics: tuple[MetricChange, ...] | None = None
    """None when neither side has a report of its content."""
    complete: bool = True
    """Whether the files could be compared: the cache holds both manifests."""


class Diff(NamedTuple):
    """What differs from `old` to `new`; an empty revision is the workspace, or no commit yet."""

    old: str
    new: str
    changes: tuple[PathDiff, ...]
    failed: tuple[Failure, ...] = ()
    """Paths that could not be compared, for example because a pointer is invalid."""


class TextDiff(NamedTuple):
    """What differs, and for each changed file in a directory how to get its changed lines."""

    diff: Diff
    texts: Mapping[tuple[str, str], TextChange]
    """By tracked path and the file's path in it."""


class _Loaded(NamedTuple):
    """The content of a tracked path on one side; `manifest` loads a directory's files."""

    side: Side
    manifest: Callable[[], Manifest]


def diff(project: Project, revisions: tuple[str, ...] = (), paths: Iterable[str] = ()) -> Diff:
    """Return what differs: HEAD to workspace, a revision to workspace, or between two revisions.

    A path without content in the workspace is compared by its pointer.

    Raises:
        UsageError: no such revision.
        MvcError: a path is not tracked on either side.
    """
    return diff_with_texts(project, revisions, paths).diff


def diff_with_texts(project: Project, revisions: tuple[str, ...] = (), paths: Iterable[str] = ()) -> TextDiff:
    """Return the same as `diff`, and what is needed to show the changed lines of text files.

    Raises:
        UsageError: as for `diff`.
        MvcError: as for `diff`.
    """
    old_commit = resolve(project, revisions[0]) if revisions else head(project.git)
    new_commit = resolve(project, revisions[1]) if len(revisions) > 1 else ""
    old_items = tracked_at(project, old_commit) if old_commit else {}
    new_items = tracked_at(project, new_commit) if new_commit else project.tracked()
    wanted = {selection.item.path: selection for selection in chosen(project, {**old_items, **new_items}, paths)}
    failed: list[Failure] = []
    old: dict[str, _Loaded] = {}
    new: dict[str, _Loaded] = {}
    content_now = _of_pointer if new_commit else _of_workspace
    in_conflict = [] if new_commit else [path for path in wanted if _is_in_conflict(new_items.get(path))]
    for path in [path for path in wanted if path not in in_conflict]:
        with collecting(failed, path):  # both sides or neither: a path that cannot be read was not deleted
            before = {path: _of_pointer(project, old_items[path], old_commit or "")} if path in old_items else {}
            after = {path: content_now(project, new_items[path], new_commit)} if path in new_items else {}
            old |= before
            new |= after
    project.catalog.flush()
    compared = _compare(old, new, wanted)
    changes = _with_metrics(project, (old_commit or "", new_commit), [item for item, _ in compared])
    changes += _conflicts(project, [wanted[path] for path in in_conflict])
    changes.sort(key=lambda item: item.path)
    texts = {
        (item.path, change.path): TextChange(change.old, change.new, f"{item.path}/{change.path}", not new_commit)
        for item, files in compared for change in files if change.old and change.new and change.change == "modified"
    }
    return TextDiff(Diff(old_commit or "", new_commit, tuple(changes), tuple(failed)), texts)


def _of_pointer(project: Project, item: Tracked, commit: str = "") -> _Loaded:
    pointer = item.pointer
    if pointer is None:
        raise unusable(project, item, commit)
    side = Side(item.path, pointer.kind, pointer.digest.blake3, pointer.total, pointer.files)
    return _Loaded(side, lambda: load_manifest(project.cache, pointer))


def _of_workspace(project: Project, item: Tracked, commit: str = "") -> _Loaded:
    if item.pointer is None:
        raise unusable(project, item, commit)
    observed = observe_path(project, item.path)
    if observed.digest is None:
        return _of_pointer(project, item)
    found = observed.scan
    side = Side(item.path, found.kind, observed.digest.blake3, found.total, found.files)
    return _Loaded(side, lambda: observed.manifest)


def _compare(
    old: dict[str, _Loaded], new: dict[str, _Loaded], wanted: dict[str, Selection],
) -> list[tuple[PathDiff, list[EntryChange]]]:
    """Return the differences by path, and the files; a deleted path whose content was added elsewhere is a rename."""
    before, after = (sorted(_as_entry(content.side) for content in side.values()) for side in (old, new))
    changes = pair_renames(change for change in compare(before, after) if change.old != change.new)
    differences = (_path_diff(change, old, new, wanted) for change in changes)
    return [
        (item, files) for item, files in differences
        if item.change != "modified" or item.files or not wanted[item.path].inside
    ]


def _as_entry(side: Side) -> Entry:
    return Entry(side.path, side.blake3, side.kind, side.size)


def _path_diff(
    change: EntryChange, old: dict[str, _Loaded], new: dict[str, _Loaded], wanted: dict[str, Selection],
) -> tuple[PathDiff, list[EntryChange]]:
    before = old[change.old.path] if change.old else None
    after = new[change.new.path] if change.new else None
    sides = (before.side if before else None, after.side if after else None)
    files, complete = _files(before, after, wanted[change.path]) if change.change != "renamed" else ([], True)
    return PathDiff(change.path, change.change, *sides, tuple(map(_file_diff, files)), None, complete), files


def _files(before: _Loaded | None, after: _Loaded | None, selection: Selection) -> tuple[list[EntryChange], bool]:
    if not before or not after or (before.side.kind, after.side.kind) != ("dir", "dir"):
        return [], True
    try:
        changes = pair_renames(diff_manifests(before.manifest(), after.manifest()))
    except (MissingObject, CorruptObject, InvalidFormat):
        return [], False
    return [change for change in changes if selection.covers(change.path)], True


def _file_diff(change: EntryChange) -> FileDiff:
    old, new = change.old, change.new
    return FileDiff(
        change.path,
        change.change,
        old.path if old and change.change == "renamed" else None,
        old.size if old else None,
        new.size if new else None,
    )


def _is_in_conflict(item: Tracked | None) -> bool:
    return item is not None and item.condition == "conflict"


def _conflicts(project: Project, selected: list[Selection]) -> Iterator[PathDiff]:
    """Yield how the two sides of the paths in conflict differ."""
    known = find_conflicts(project) if selected else {}
    for selection in selected:
        both = versions(project, known[selection.item.path])
        ours, theirs = (
            _of_pointer(project, version.item) if version.item and version.item.pointer else None for version in both
        )
        files, complete = _files(ours, theirs, selection)
        sides = (ours and ours.side, theirs and theirs.side)
        metrics = metric_changes(*(version.report for version in both))
        yield PathDiff(selection.item.path, "conflict", *sides, tuple(map(_file_diff, files)), metrics, complete)


# Metrics.


def _with_metrics(project: Project, commits: tuple[str, str], changes: list[PathDiff]) -> list[PathDiff]:
    old = _reports(project, commits[0], [item.old for item in changes if item.old]) if commits[0] else {}
    new = _reports(project, commits[1], [item.new for item in changes if item.new])
    return [
        item._replace(metrics=metric_changes(old.get(item.old.path if item.old else ""), new.get(item.path)))
        for item in changes
    ]


def _reports(project: Project, commit: str, sides: list[Side]) -> dict[str, Report]:
    """Return the reports of one side that match their content, by path; an empty commit is the workspace."""
    files = dict(companions_at(project.git, commit, [side.path for side in sides])) if commit and sides else {}
    found = {}
    for side in sides:
        file = side.path + SUFFIX
        raw = files.get(file) if commit else report_in(project.tree, file)
        if report := matching_report(raw, side.blake3, file):
            found[side.path] = report
    return found
