"""`mvc import hf`: a snapshot of Hugging Face becomes a tracked directory, verified by the names of its blobs."""

from __future__ import annotations

import os
from typing import NamedTuple

from mvc.errors import CorruptObject, MvcError, UsageError
from mvc.fs.tree import Replacement, replace_files
from mvc.objects.manifest import Entry, Manifest
from mvc.objects.names import check_path, check_paths
from mvc.objects.pointer import SUFFIX, Notes, emit
from mvc.ops.interop.destination import track, tracked_before
from mvc.ops.interop.hf.reported import reported_in
from mvc.ops.interop.hf.snapshot import DOWNLOADS, Snapshot, SnapshotFile, find_snapshot
from mvc.ops.interop.ledger import Ledger
from mvc.ops.interop.local_files import store_local
from mvc.ops.interop.workspace_files import read_workspace, remember
from mvc.ops.shared.checkout import CheckoutResult, SavedContent
from mvc.ops.shared.failures import Failure, exit_code_of
from mvc.ops.shared.pointers import publish_pointers, store_directory
from mvc.project import Project
from mvc.quality.reports.model_index import Reported
from mvc.store.cache.repack import compact
from mvc.store.cache.writer import CacheWriter
from mvc.store.packs.pack_writer import STEP
from mvc.workspace.gitignore import pattern
from mvc.workspace.ignore import FILE as IGNORE
from mvc.workspace.observe import Observed, check_storable
from mvc.workspace.tracked import Tracked

_MOST = 1 << 20


class HfImport(NamedTuple):
    """What was imported."""

    path: str
    repository: str
    revision: str
    files: int
    size: int
    """Bytes of content."""
    changed: bool
    """Whether the pointer is new, or changed."""
    edited: tuple[str, ...]
    """Files that differ from what was downloaded; they are tracked as they are."""
    unproven: tuple[str, ...]
    """Files whose names at Hugging Face are not digests of their content."""
    left_out: tuple[str, ...]
    """What model card and `.eval_results` say that has no place in a report."""
    saved: tuple[SavedContent, ...] = ()
    """What was at the path, and only an uncommitted pointer named."""
    failed: tuple[Failure, ...] = ()

    @property
    def exit_code(self) -> int:
        """The exit code of the command."""
        return exit_code_of(self.failed)


class _Stored(NamedTuple):
    """A snapshot whose files are in the cache."""

    manifest: Manifest
    edited: tuple[str, ...] = ()
    observed: Observed | None = None
    """The directory, if it is tracked where it is."""


def import_hf(project: Project, typed: str) -> tuple[HfImport, Reported]:
    """Import the snapshot in the directory `typed`, as the user typed it; return its metrics as well.

    One of `hf download --local-dir` in the workspace is tracked where it is. From anywhere else the files come into a
    directory of the current one, named as the model; a later revision replaces an earlier one there.

    Raises:
        UsageError: there is no snapshot, or its directory cannot be tracked.
        CorruptObject: a blob has other content than its name says.
        MvcError: the cache, the pointer or the index cannot be written.
    """
    folder = os.path.normpath(os.path.join(project.around.cwd, typed))
    real = os.path.realpath(folder)
    is_inside = real.startswith(f"{project.root}/")
    if f"{project.root}/".startswith(f"{real}/"):
        raise UsageError(f"{real} has the whole worktree in it, which can't be one tracked directory", _DOWNLOAD)
    line = project.shell.line("mvc add", project.shell.path(typed)) if is_inside and os.path.isdir(real) else _DOWNLOAD
    snapshot = find_snapshot(folder, line)
    in_place = is_inside and not snapshot.is_cached
    path = check_path(project.shell.path(typed if in_place else snapshot.name))
    check_paths(lambda: (file.name for file in snapshot.files))
    with project.locks.worktree(), project.locks.store():
        before = tracked_before(project, path, "dir", _ELSEWHERE, in_place=in_place)
        with CacheWriter(project.cache, project.links.types, STEP) as writer:
            ledger = Ledger(writer, project.catalog)
            ignoring = _excluding(project, path) if in_place else []
            stored = _in_place(project, ledger, path, snapshot) if in_place else _copied(project, ledger, snapshot)
            pointer = store_directory(writer, stored.manifest, _notes(snapshot, before))
            reported = reported_in(snapshot)
        raw = emit(pointer)
        if in_place:
            publish_pointers(project, [Replacement(path + SUFFIX, before.raw if before else None, raw), *ignoring])
            remember(project, [(path, pointer, stored.observed)] if stored.observed else [])
        done = CheckoutResult(()) if in_place else track(project, path, before, pointer)
        compact(project.cache)
    unproven = tuple(file.name for file in snapshot.files if file.digest is None)
    result = HfImport(
        path, snapshot.repository, snapshot.revision, pointer.files, pointer.total, before is None or before.raw != raw,
        stored.edited, unproven, reported.left_out, done.saved, done.failed,
    )
    return result, reported


_DOWNLOAD = "hf download REPO --local-dir DIR && mvc import hf DIR"
_ELSEWHERE = "mkdir DIR && cd DIR  # then run the command again there"


def _copied(project: Project, ledger: Ledger, snapshot: Snapshot) -> _Stored:
    return _Stored(Manifest.of(_entry(project, ledger, snapshot, file) for file in snapshot.files))


def _entry(project: Project, ledger: Ledger, snapshot: Snapshot, file: SnapshotFile) -> Entry:
    digest = ledger.digest(file.digest) if file.digest else None
    if digest is None:
        try:
            digest = store_local(ledger, file.path, file.digest, project.around.progress)
        except CorruptObject as error:
            what = f"{snapshot.repository} --revision {snapshot.revision}" if snapshot.repository else "REPO"
            raise CorruptObject(f"{file.name}: {error.message}", f"hf download {what} --force-download") from None
    return Entry(file.name, *digest)


def _in_place(project: Project, ledger: Ledger, path: str, snapshot: Snapshot) -> _Stored:
    expected = [(file.name, file.digest) for file in snapshot.files if file.digest]
    observed, proven = read_workspace(project, ledger, path, expected, whole=True)
    check_storable(path, observed.scan, project.shell.show)
    if observed.scan.refused:
        name, reason = next(iter(observed.scan.refused.items()))
        raise MvcError(f"{path}/{name} is {reason}", project.shell.line("mvc add --follow-symlinks", path))
    edited = tuple(name for name, _ in expected if name not in proven)
    return _Stored(observed.manifest, edited, observed)


def _excluding(project: Project, path: str) -> list[Replacement]:
    """Keep what Hugging Face's library notes about its downloads out of the tracked directory; return what to stage."""
    above, _, name = path.rpartition("/")
    file = f"{above}/{IGNORE}" if above else IGNORE
    old = project.tree.read(file, _MOST)
    line = os.fsencode(f"{pattern(name)}/{DOWNLOADS}/")
    if old is not None and line in old.splitlines():
        return [Replacement(file, old, old)]
    gap = b"\n" if old and not old.endswith(b"\n") else b""
    new = Replacement(file, old, (old or b"") + gap + line + b"\n")
    with project.staging() as staging:
        replace_files(project.tree, staging, [new])
    return [new._replace(old=new.new)]


def _notes(snapshot: Snapshot, before: Tracked | None) -> Notes:
    """Return the notes of the pointer: source and revision, besides what it had."""
    notes = before.pointer.notes if before and before.pointer else Notes()
    source = {"hf.repo": snapshot.repository, "hf.revision": snapshot.revision}
    kept = {key: text for key, text in notes.labels if key not in source}
    labels = {**kept, **{key: text for key, text in source.items() if text}}
    return notes._replace(labels=tuple(sorted(labels.items())))
