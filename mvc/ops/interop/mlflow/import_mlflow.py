"""`mvc import mlflow`: an artifact of a run, or of a registered model, becomes a tracked path."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from mvc.errors import UsageError
from mvc.fs.progress import Share
from mvc.objects.digest import Digest
from mvc.objects.manifest import Entry, Manifest
from mvc.objects.names import check_path
from mvc.objects.pointer import Kind, Notes, Pointer, emit, file_pointer
from mvc.ops.interop.destination import track, tracked_before
from mvc.ops.interop.fetched_file import LINKS, fetched_file
from mvc.ops.interop.mlflow.artifacts import Artifact, find
from mvc.ops.interop.mlflow.logged import Logged, of_model_named, of_run_named
from mvc.ops.interop.mlflow.reported import Reported, reported
from mvc.ops.interop.mlflow.server import Server
from mvc.ops.shared.checkout import SavedContent
from mvc.ops.shared.failures import Failure, exit_code_of
from mvc.ops.shared.pointers import store_directory
from mvc.ops.shared.reports import report_in, state_of
from mvc.project import Project
from mvc.quality.files import SUFFIX as REPORT
from mvc.quality.reports.report import Run
from mvc.quality.reports.tags import Bump
from mvc.store.cache.repack import compact
from mvc.store.cache.writer import LOOSE_AT, CacheWriter
from mvc.store.packs.pack_writer import STEP
from mvc.workspace.tracked import Tracked


class MlflowImport(NamedTuple):
    """What was imported."""

    path: str
    kind: str
    run: str
    """Empty if nothing tells which run made it."""
    model: str
    """The registered model and its version: `ranker/3`; empty for an artifact of a run."""
    files: int
    size: int
    """Bytes of content."""
    changed: bool
    """Whether the pointer is new, or changed."""
    saved: tuple[SavedContent, ...]
    """What was at the path, and only an uncommitted pointer named."""
    failed: tuple[Failure, ...] = ()

    @property
    def exit_code(self) -> int:
        """The exit code of the command."""
        return exit_code_of(self.failed)


class ToReport(NamedTuple):
    """What a report of the imported model is to say."""

    run: Run
    reported: Reported
    bump: Bump | None
    """Which number of the last tag it raises; None if there is a report of this content."""


def import_mlflow(project: Project, run: str, model: str, typed: str) -> tuple[MlflowImport, ToReport | None]:
    """Import the artifact that `run` or `model` names to `typed`, a path as the user typed it.

    Return what its report is to say; None if no run made it, or the content could not be written.

    Raises:
        UsageError: it is not there, or `typed` cannot be tracked.
        RemoteError: the server refused, or did not answer as it must.
        InvalidName: an artifact has a name that is refused.
        MvcError: the cache, the pointer or the index cannot be written.
    """
    if bool(run) == bool(model):
        message = "--run and --model exclude each other" if run else "an import needs a run or a model"
        raise UsageError(message, "mvc import mlflow --help")
    server, path = Server(project.around.environ), check_path(project.shell.path(typed))
    logged = of_run_named(server, run) if run else of_model_named(server, model)
    about = reported(logged)
    files = find(server, logged.place, logged.path)
    if not files:
        raise UsageError("the artifact has no files", "mlflow artifacts list --help")
    kind: Kind = "dir" if files[0].name else "file"
    elsewhere = f"mvc import mlflow {'--run' if run else '--model'} {shlex.quote(run or model)} PATH  # another one"
    with project.locks.worktree(), project.locks.store():
        before = tracked_before(project, path, kind, elsewhere)
        with CacheWriter(project.cache, project.links.types, STEP) as writer:
            pointer = _stored(project, writer, partial(_content, server, logged), files, _notes(logged, before))
        done = track(project, path, before, pointer)
        compact(project.cache)
    result = MlflowImport(
        path, pointer.kind, logged.run.info.run_id if logged.run else "", _version(logged), pointer.files,
        pointer.total, before is None or before.raw != emit(pointer), done.saved, done.failed,
    )
    if about is None or logged.run is None or done.failed:
        return result, None
    origin = Run("mlflow", result.run, server.run_url(result.run))
    return result, ToReport(origin, about, _bump(project, path, pointer))


def _content(server: Server, logged: Logged, artifact: Artifact) -> Iterator[bytes]:
    place = logged.place
    return server.content(place.files, artifact.size, **place.query, **{place.file: artifact.path})


def _stored(
    project: Project, writer: CacheWriter, content: Callable[[Artifact], Iterator[bytes]], files: list[Artifact],
    notes: Notes,
) -> Pointer:
    entries = []
    project.around.progress.expect(sum(file.size for file in files))
    for file in files:
        with Share(project.around.progress, file.size) as share:
            entries.append(Entry(file.name, *_digest(writer, file, _counted(content(file), share))))
    if files[0].name:
        return store_directory(writer, Manifest.of(entries), notes)
    return file_pointer(entries[0].digest, notes=notes)


def _counted(parts: Iterator[bytes], share: Share) -> Iterator[bytes]:
    for part in parts:
        yield part
        share.advance(len(part))


def _digest(writer: CacheWriter, file: Artifact, parts: Iterator[bytes]) -> Digest:
    if file.size < LOOSE_AT:
        return writer.put_bytes(b"".join(parts))
    with fetched_file(writer.cache, file.path, parts) as source:
        return writer.put_file(source, LINKS).digest


def _version(logged: Logged) -> str:
    return f"{logged.version.name}/{logged.version.version}" if logged.version else ""


def _notes(logged: Logged, before: Tracked | None) -> Notes:
    """Return the notes of the pointer: run and registered model, besides what it had."""
    notes = before.pointer.notes if before and before.pointer else Notes()
    source = {"mlflow.run": logged.run.info.run_id if logged.run else "", "mlflow.model": _version(logged)}
    kept = {key: text for key, text in notes.labels if key not in source}
    labels = {**kept, **{key: text for key, text in source.items() if text}}
    return notes._replace(labels=tuple(sorted(labels.items())))


def _bump(project: Project, path: str, pointer: Pointer) -> Bump | None:
    """Return which number of the last tag a new report raises; None if there is a report of this content."""
    raw = report_in(project.tree, path + REPORT)
    if raw is None:
        return "major"
    return "minor" if state_of(raw, pointer, path + REPORT) == "stale" else None
