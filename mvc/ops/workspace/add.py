"""`mvc add`: stores workspace files in the cache, and their pointers in Git."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from mvc.errors import MvcError, SourceChanged, UsageError
from mvc.fs.files import vanished
from mvc.fs.tree import Replacement
from mvc.objects.manifest import Manifest
from mvc.objects.pointer import SUFFIX, Notes, Pointer, emit, file_pointer
from mvc.ops.shared.checkout import content_line, unstorable
from mvc.ops.shared.failures import Failure, collecting
from mvc.ops.shared.pointers import publish_pointers, shown_to_git, store_directory
from mvc.ops.shared.reports import matching_report
from mvc.ops.shared.selection import unusable
from mvc.ops.shared.workspace_content import (
    has_unsaved,
    observe_path,
    observed_id,
    pointer_id,
    refuse_empty,
    same_content,
    was_updated,
)
from mvc.ops.workspace.planning.checks import check_content
from mvc.ops.workspace.planning.merge import (
    check_lists_nothing_else,
    corrected_file,
    merged_notes,
    merged_with,
    replaced_in_conflict,
    sides_of,
)
from mvc.ops.workspace.planning.targets import Target, targets_of
from mvc.ops.workspace.planning.updates import new_files
from mvc.project import Project, Shell
from mvc.quality.files import MAX_BYTES, REGULAR, FileAt
from mvc.quality.files import SUFFIX as REPORT
from mvc.quality.pointer_files import may_have_parts
from mvc.retention.available import find_shard, is_available, listing_objects, load_manifest, record_packed
from mvc.store.cache.cache import Cache
from mvc.store.cache.repack import compact
from mvc.store.cache.writer import LOOSE_AT, CacheWriter
from mvc.workspace.observe import Observed, ObserveOptions, check_storable, observe, settled
from mvc.workspace.read_files import storing
from mvc.workspace.scan import Scan
from mvc.workspace.stat_index import Group
from mvc.workspace.tracked import Tracked, folders_above, means

if TYPE_CHECKING:
    from mvc.quality.finding import Finding
    from mvc.quality.judge.facts import Parts


class AddOptions(NamedTuple):
    """Options of `mvc add`."""

    desc: str | None = None
    """The pointer's description; None keeps the present one."""
    name: str | None = None
    """The model's name in the registry; None keeps the present one."""
    force: bool = False
    """Add a path even if that reverts an update of its pointer."""
    stage: bool = True
    follow_symlinks: bool = False
    jobs: int = 4
    """Large files read at the same time."""
    update: bool = False
    """Add the tracked paths that changed, instead of given ones."""


class Added(NamedTuple):
    """A tracked path after `add`; `size` in bytes of content."""

    path: str
    pointer: str
    kind: str
    size: int
    files: int
    blake3: str
    xxh128: str
    changed: bool
    """Whether the pointer's content changed."""

class UpdatedPointer(NamedTuple):
    """An added path whose pointer was merged or corrected: the workspace may lack some of its content."""

    path: str
    complete: bool
    """Whether the cache has all of its content."""


class AddResult(NamedTuple):
    """What was added, and the paths that failed."""

    added: tuple[Added, ...]
    failed: tuple[Failure, ...] = ()
    updated: tuple[UpdatedPointer, ...] = ()
    untracked: tuple[str, ...] = ()
    """Files in a given directory whose tracked paths were updated: neither Git nor mvc tracks them."""
    findings: tuple[Finding, ...] = ()
    """What hook and `mvc eval check` would say about files that the added ones speak of, such as external data."""


class Prepared(NamedTuple):
    """A target whose content is in the cache, and the pointer to write."""

    target: Target
    pointer: Pointer
    observed: Observed
    beyond: bool = False
    """Whether the pointer has content that the workspace may lack."""

    @property
    def changed(self) -> bool:
        """Whether the pointer's content changes."""
        before = self.target.before
        return before is None or before.pointer is None or before.pointer.content != self.pointer.content


def add(project: Project, paths: Iterable[str] = (), options: AddOptions = AddOptions()) -> AddResult:
    """Store the content at `paths` (from the top of the worktree), write and stage their pointers.

    A directory above tracked paths stands for those that changed. One whose stat data is new, but not its content, is
    left as it is. A path that fails does not stop the others.

    Raises:
        UsageError: no path can be added; nothing was read.
        MvcError: the cache, the pointers or the index cannot be written.
    """
    with project.locks.worktree(), project.locks.store():
        tracked = project.tracked()
        failed: list[Failure] = []
        folders = {"", *folders_above(tracked)} - tracked.keys() if tracked else set()
        paths = [""] * bool(tracked) if options.update else list(paths)
        targets = targets_of(project, tracked, folders, paths, options.name, failed)
        stored = _store(project, targets, options, failed)
        parts = {item.target.path: found for item in stored if (found := _parts(project, item))}
        stored = [item for item in stored if _fits(item.target.path, parts.get(item.target.path), failed)]
        prepared = [item for item in stored if item.target.named or item.changed or item.beyond]
        if prepared:
            _publish(project, prepared, options)
        _remember(project, stored)
        compact(project.cache)
        _remember_packed(project, stored)
        updated = [
            UpdatedPointer(item.target.path, is_available(project.cache, project.catalog, item.pointer))
            for item in prepared if item.beyond
        ]
    above = set() if options.update else folders.intersection(paths)
    untracked = sorted({name for path in above for name in new_files(project, path)})
    findings = tuple(
        finding for item in prepared if (found := parts.get(item.target.path))
        for finding in _judged(project, item, found)
    )
    added = tuple(_added(item) for item in prepared)
    return AddResult(added, tuple(failed), tuple(updated), tuple(untracked), findings)


# Content into the cache.


def _store(
    project: Project, targets: list[Target], options: AddOptions, failed: list[Failure],
) -> list[Prepared]:
    prepared: list[Prepared] = []
    with CacheWriter(project.cache, project.links.types) as writer:
        for target in targets:
            with collecting(failed, target.path), _line_to_repeat(project.shell, target):
                prepared.append(_prepare(project, writer, target, options))
    return prepared


@contextmanager
def _line_to_repeat(shell: Shell, target: Target) -> Iterator[None]:
    """Suggest to add `target` again when one of its files changed or vanished."""
    try:
        yield
    except SourceChanged as error:
        paths = [f"{target.path}/{part}" for part in target.inside] or [target.path]
        raise SourceChanged(error.message, shell.line("mvc add", *paths)) from None


def _prepare(project: Project, writer: CacheWriter, target: Target, options: AddOptions) -> Prepared:
    before = target.before and replaced_in_conflict(project, target.before)
    if before is not None and (sides := sides_of(project, before)):
        observed = _observe(project, writer, target, before.pointer, options, may_lack=True)
        merged, files = merged_with(project, before, sides, observed, target.covers if target.inside else None)
        notes = merged_notes(project, before, sides, merged, Notes(options.name or "", options.desc or ""))
        updated = store_directory(writer, files, _notes(notes, options))
        return Prepared(target, updated, observed, beyond=True)
    if before is not None and before.pointer is not None and (digest := corrected_file(project, before)):
        notes = _notes(before.pointer.notes, options)
        updated = file_pointer(digest, executable=before.pointer.exec, notes=notes)
        return Prepared(target, updated, _observe(project, writer, target, None, options, may_lack=True), beyond=True)
    replaceable = before is None or before.condition in (("",) if target.inside else ("", "invalid"))
    if before is not None and not replaceable:
        raise unusable(project, before)
    pointer = before.pointer if before else None
    if pointer is not None and not options.force and was_updated(project, target.path, pointer):
        _check_not_behind(project, target.path, pointer)  # before anything is stored
    observed = _observe(project, writer, target, pointer, options)
    if before is not None and pointer is None and not options.force:
        check_lists_nothing_else(project, before, observed)
    notes = _notes(pointer.notes if pointer else Notes(), options)
    if target.inside and pointer is not None:
        return Prepared(target, _updated(project, writer, target, pointer, observed, notes), observed)
    if pointer is not None and same_content(pointer, observed) and _has_manifest(project.cache, pointer):
        return Prepared(target, pointer._replace(notes=notes), observed)
    return Prepared(target, _pointer(writer, observed, notes), observed)


def _has_manifest(cache: Cache, pointer: Pointer) -> bool:
    """Whether the cache has a directory's manifest; a clone that fetched nothing lacks it."""
    lists = listing_objects(cache, pointer) if pointer.kind == "dir" else []
    return not cache.missing(digest.blake3 for digest in lists)


def _observe(
    project: Project, writer: CacheWriter, target: Target, pointer: Pointer | None, options: AddOptions,
    *, may_lack: bool = False,
) -> Observed:
    """Read the workspace into the cache; with `may_lack`, nothing need be there."""
    observed = observe(
        project.tree,
        target.path,
        project.links,
        ObserveOptions(
            project.catalog.snapshot(target.path),
            storing(writer, project.around.progress, options.jobs, _likely(pointer), partial(check_content, project)),
            writer.lacking,
            partial(_is_stored, project, writer),
            options.follow_symlinks,
            target.covers if target.inside else None,
            None if target.inside else partial(_check_files, project, target.path, target.before),
        ),
    )
    if observed.scan.kind == "none" and target.before is None:
        raise vanished(target.path)
    is_bare = observed.scan.is_bare and pointer is not None and bool(pointer.files)
    if (observed.scan.kind == "none" or is_bare) and not target.inside and not may_lack:
        raise MvcError(f"{target.path} is tracked but missing", content_line(project, target.path, pointer))
    if error := unstorable(project, target.path, target.before, observed.scan):
        raise error
    return observed


def _is_stored(project: Project, writer: CacheWriter, group: Group) -> bool:
    where, _ = find_shard(project.cache, project.catalog, group.shard, lambda: group.entries)
    return where is not None and writer.holds_all(where.packs, where.loose)


def _check_files(project: Project, path: str, before: Tracked | None, found: Scan) -> None:
    if error := unstorable(project, path, before, found):
        raise error
    check_storable(path, found, project.shell.show)
    if found.kind == "file" and not found.total:
        refuse_empty(project, path, before.pointer if before else None)


def _likely(pointer: Pointer | None) -> list[int]:
    """Return the sizes of the pointer's large files: a file of that size may be unchanged."""
    if pointer is None:
        return []
    if pointer.manifest is not None:
        return [entry.size for entry in pointer.manifest.entries if entry.size >= LOOSE_AT]
    return [pointer.digest.size]


def _check_not_behind(project: Project, path: str, pointer: Pointer) -> None:
    """Refuse to revert an update that the pointer got since the workspace last matched it."""
    observed = observe_path(project, path)
    if same_content(pointer, observed) or observed.scan.kind == "none" or observed.scan.refused:
        return
    behind = project.catalog.synced(path) == observed_id(observed)
    names = {entry.blake3 for entry in observed.entries()}
    unsaved = not behind or has_unsaved(project, names)
    take = content_line(project, path, pointer, force=unsaved)
    listed = "; mvc log --lost lists what it replaces" if unsaved else ""
    state = "is behind its pointer" if behind else "was changed here, and its pointer was updated meanwhile"
    fix = f"{take}  # takes the update{listed}; {project.shell.line('mvc add -f', path)} reverts it"
    raise MvcError(f"{path} {state}: adding it would revert that update", fix)


def _notes(notes: Notes, options: AddOptions) -> Notes:
    if options.desc is not None:
        notes = notes._replace(desc=options.desc)
    return notes._replace(name=options.name) if options.name is not None else notes


def _pointer(writer: CacheWriter, observed: Observed, notes: Notes) -> Pointer:
    if observed.digest is None:
        raise MvcError("nothing to add")
    if observed.scan.kind == "file":
        return file_pointer(observed.digest, executable=observed.executable, notes=notes)
    return store_directory(writer, observed.manifest, notes)


def _updated(
    project: Project, writer: CacheWriter, target: Target, pointer: Pointer, observed: Observed, notes: Notes,
) -> Pointer:
    """Return the directory's pointer with only the selected parts updated."""
    if pointer.kind != "dir":
        raise UsageError(f"{target.path} is tracked as a file", project.shell.line("mvc add", target.path))
    old = list(load_manifest(project.cache, pointer).entries)
    new = [entry for entry in observed.entries() if target.covers(entry.path)]
    for part in target.inside:
        if not any(means(part, entry.path) for entry in (*old, *new)):
            raise UsageError(f"{target.path}/{part} does not exist", "mvc add PATH")
    manifest = Manifest.of([*(entry for entry in old if not target.covers(entry.path)), *new])
    return store_directory(writer, manifest, notes)


# Files that others speak of.


def _fits(path: str, parts: Parts | None, failed: list[Failure]) -> bool:
    """Whether no file of a target speaks of one outside of its folder; otherwise append that to `failed`."""
    if parts is None or not parts.outside:
        return True
    from mvc.quality.judge.fixes import saved_beside  # noqa: PLC0415 - import time: few models are refused

    failed.append(Failure.of(path, UsageError(parts.outside[0], saved_beside())))
    return False


def _judged(project: Project, item: Prepared, parts: Parts) -> tuple[Finding, ...]:
    from mvc.ops.shared.finding_lines import relative_findings  # noqa: PLC0415 - import time, as above
    from mvc.quality.judge.rules.parts import judge_parts  # noqa: PLC0415

    path = item.target.path
    raw = project.tree.read(path + REPORT, MAX_BYTES)
    report = matching_report(raw, item.pointer.identity, path)
    return relative_findings(project.shell, judge_parts(path, parts, report, has_report=raw is not None))


def _parts(project: Project, item: Prepared) -> Parts | None:
    """Return what the files of a target say about others; None for most."""
    if not may_have_parts(item.target.path, FileAt(REGULAR[0], emit(item.pointer))):
        return None
    from mvc.ops.shared.evidence.model_parts import parts_of  # noqa: PLC0415 - import time, as above

    def is_tracked(path: str) -> bool:
        return project.tree.lstat(path + SUFFIX) is not None

    return parts_of(project.cache, item.target.path, item.pointer, is_tracked)


# Pointers into Git.


def _publish(project: Project, prepared: list[Prepared], options: AddOptions) -> None:
    pointers = [Replacement(item.target.path + SUFFIX, item.target.raw, emit(item.pointer)) for item in prepared]
    shown = {
        item.target.path: shown_to_git(project, item.target.path, item.observed.scan.excluded)
        for item in prepared if item.pointer.kind == "dir"
    }
    publish_pointers(project, pointers, stage_them=options.stage, shown=shown)


def _remember(project: Project, stored: list[Prepared]) -> None:
    for item in stored:
        path, snapshot = item.target.path, item.observed.snapshot
        if snapshot is not None:
            project.catalog.remember(path, settled(project.tree, path, project.links, snapshot))
        if not item.beyond:
            project.catalog.set_synced(path, pointer_id(item.pointer))
        elif not item.target.inside:  # behind the pointer, unless the workspace has the other side's files, too
            project.catalog.set_synced(path, observed_id(item.observed))
        manifest, whole = item.pointer.manifest, item.pointer.digest.blake3
        files = {entry.blake3: f"{path}/{entry.path}" for entry in manifest.entries} if manifest else {whole: path}
        project.catalog.set_origins(files)
    project.catalog.flush()


def _remember_packed(project: Project, stored: list[Prepared]) -> None:
    """Record where the files of large directories are, if all of them are small."""
    for item in stored:
        groups = item.observed.groups
        is_large = item.pointer.kind == "dir" and item.pointer.manifest is None
        is_whole = not (item.beyond or item.target.inside or item.observed.scan.refused)
        if is_large and is_whole and all(size < LOOSE_AT for group in groups for size in group.files.sizes):
            record_packed(project.cache, project.catalog, item.pointer, [group.shard for group in groups])
    project.catalog.flush()


def _added(item: Prepared) -> Added:
    path, pointer = item.target.path, item.pointer
    digest = pointer.digest
    return Added(
        path, path + SUFFIX, pointer.kind, pointer.total, pointer.files, digest.blake3, digest.xxh128, item.changed,
    )
