"""`mvc import dvc`: what DVC tracks becomes tracked by mvc, verified by the digests that DVC has."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from typing import NamedTuple

from mvc.errors import CorruptObject, InvalidName, MissingObject, MvcError, UsageError
from mvc.objects.dvc.digest import DvcDigest
from mvc.objects.dvc.imported import Content, content_of
from mvc.objects.dvc.names import FOLDER
from mvc.objects.dvc.outs import Out
from mvc.objects.manifest import Entry, Manifest
from mvc.objects.names import check_paths
from mvc.objects.pointer import Notes, Pointer, file_pointer
from mvc.ops.interop.dvc.metrics import MetricsFile, metrics_files
from mvc.ops.interop.dvc.objects import Objects
from mvc.ops.interop.dvc.planning import Plan, plan
from mvc.ops.interop.dvc.publishing import Prepared, publish, unlink_copies
from mvc.ops.interop.dvc.reading import PastOut, in_history, in_workspace
from mvc.ops.interop.dvc.stores import Stores, find_stores, no_content
from mvc.ops.interop.ledger import Ledger
from mvc.ops.interop.workspace_files import read_workspace, remember
from mvc.ops.shared.checkout import check_out
from mvc.ops.shared.dvc.files import DvcFiles, FoundOut
from mvc.ops.shared.dvc.imported import read_imported
from mvc.ops.shared.failures import Failure, collecting, exit_code_of
from mvc.ops.shared.pointers import store_directory, store_manifest
from mvc.ops.shared.remotes import configured_remotes
from mvc.project import Project
from mvc.scm.commits import CommitPath, blobs_at
from mvc.store.cache.repack import compact
from mvc.store.cache.writer import CacheWriter
from mvc.store.packs.pack_writer import STEP
from mvc.transfer.pool import Pool

_REMOTE = "dvc.remote"
"""The label with the remote of an output."""


class ImportOptions(NamedTuple):
    """Options of `mvc import dvc`."""

    dry_run: bool = False
    all_commits: bool = False


class ImportedPath(NamedTuple):
    """A path that mvc tracks now, or would; `size` in bytes of content."""

    path: str
    file: str
    """The file of DVC that named it."""
    kind: str
    size: int
    files: int
    stage: str
    """The stage of DVC's pipeline that writes it; empty without one."""


class ImportResult(NamedTuple):
    """What was imported, or would be, and what failed."""

    imported: tuple[ImportedPath, ...]
    finished: int
    """Outputs that were imported before."""
    of_git: int
    """Outputs whose content Git has."""
    versions: int
    """Versions of the history that are imported now."""
    removed: tuple[str, ...]
    """The `.dvc` files that were removed."""
    metrics: tuple[MetricsFile, ...]
    """The files with metrics that the pipelines name."""
    remarks: tuple[str, ...]
    failed: tuple[Failure, ...]

    @property
    def exit_code(self) -> int:
        """The exit code of the command."""
        return exit_code_of(self.failed)


def import_dvc(project: Project, options: ImportOptions = ImportOptions()) -> ImportResult:
    """Import the outputs of DVC's files in the workspace, and with `all_commits` those of the whole history.

    An output that fails does not stop the others.

    Raises:
        UsageError: there is no repository of DVC here.
        MvcError: the cache, the pointers or the index cannot be written.
    """
    if project.tree.lstat(FOLDER) is None:
        raise UsageError(f"{project.root} is not a repository of DVC: there is no {FOLDER}", "mvc add PATH")
    with project.locks.worktree(), project.locks.store():
        said, ignores = in_workspace(project)
        imported = read_imported(project)
        meant = plan(project, said.outs, imported)
        past, problems = in_history(project.git) if options.all_commits else ([], [])
        lacking = [item for item in past if item.out.digest and item.out.digest not in imported]
        if options.dry_run:
            return _planned(said, meant, lacking, problems)
        failed = [*meant.failed, *said.problems, *problems]
        with closing(find_stores(project)) as stores, Pool() as pool:
            importer = _Importer(project, stores, imported, failed)
            prepared = importer.run(pool, meant.new, lacking)
        removed = publish(project, said.outs, prepared, meant.finished, imported, ignores)
        compact(project.cache)
        remember(project, ((item.found.out.path, item.pointer, item.observed) for item in prepared))
        linked = unlink_copies(project, stores.cache, prepared)
    if linked:
        failed += check_out(project, linked).failed
    return _result(said, meant, prepared, importer.versions, removed, failed)


class _Importer:
    """Brings content into the cache, and learns which digests of DVC are which of mvc's."""

    def __init__(
        self, project: Project, stores: Stores, imported: dict[DvcDigest, Content], failed: list[Failure],
    ) -> None:
        self._project, self._stores = project, stores
        self._imported, self._failed = imported, failed
        self.versions = 0

    def run(self, pool: Pool, new: Iterable[FoundOut], past: Iterable[PastOut]) -> list[Prepared]:
        """Return the new outputs whose content is in the cache now."""
        project, prepared = self._project, []
        with CacheWriter(project.cache, project.links.types, STEP) as writer:
            self._ledger = Ledger(writer, project.catalog)
            self._objects = Objects(self._ledger, self._stores, project.around.progress, pool)
            for found in new:
                with collecting(self._failed, found.out.path):
                    prepared.append(self._of_workspace(found))
                project.catalog.flush()
            for item in past:
                with collecting(self._failed, item.out.path):
                    self._of_history(item)
                project.catalog.flush()
        return prepared

    def _of_workspace(self, found: FoundOut) -> Prepared:
        out, project = found.out, self._project
        line = project.shell.line("dvc fetch", found.file if not out.stage else out.path)
        files = self._files(out, out.path, f"{line} && mvc import dvc")
        observed, entries = read_workspace(project, self._ledger, out.path, files)
        rest = [(name, old) for name, old in files if name not in entries]
        entries |= self._bring(out, out.path, rest, f"{line} && mvc import dvc")
        notes = _notes(out, configured_remotes(project.settings))
        return Prepared(found, self._pointer(out, entries, notes), observed)

    def _of_history(self, item: PastOut) -> None:
        """Import an output of an earlier commit, unless Git has its content there."""
        out, digest = item.out, item.out.digest
        what = f"{out.path} of {item.commit[:12]}"
        fix = "dvc fetch --all-commits && mvc import dvc --all-commits"
        if digest is None or digest in self._imported:
            return
        try:
            entries = self._bring(out, what, self._files(out, what, fix), fix)
        except MissingObject:
            if blobs_at(self._project.git, [CommitPath(item.commit, out.path)]):
                return
            raise
        self._pointer(out, entries, Notes())
        self.versions += 1

    def _files(self, out: Out, what: str, fix: str) -> list[tuple[str, DvcDigest]]:
        """Return the files of an output by their names in it; the name of a file itself is empty."""
        if out.digest is None or not out.digest.is_dir:
            return [("", out.digest)] if out.digest else []
        try:
            files = out.files or self._objects.listing(out.digest, what, _remote(out))
        except MissingObject:
            raise self._lacking(what, [out.digest], fix) from None
        try:
            check_paths(lambda: (file.path for file in files))
        except InvalidName as error:
            raise InvalidName(f"{what}: {error.message}", "name it differently, then: dvc add") from None
        return [*files]

    def _bring(self, out: Out, what: str, files: list[tuple[str, DvcDigest]], fix: str) -> dict[str, Entry]:
        self._objects.bring((old for _, old in files), _remote(out))
        found = {name: self._ledger.digest(old) for name, old in files}
        if lacking := [old for name, old in files if found[name] is None]:
            raise self._lacking(what, lacking, fix)
        return {name: Entry(name, *digest, out.exec) for name, digest in found.items() if digest}

    def _lacking(self, what: str, lacking: list[DvcDigest], fix: str) -> MvcError:
        wrong = self._objects.wrong
        bad = next((old for old in lacking if old in wrong), None)
        more = f" (and {len(lacking) - 1:,} others)" if len(lacking) > 1 else ""
        if bad is not None:
            message = f"{what}: the content is not that of {bad} in {' and '.join(wrong[bad])}{more}"
            return CorruptObject(message, "check whether another clone still has it")
        return no_content(self._stores, what, lacking[0], more, fix)

    def _pointer(self, out: Out, entries: dict[str, Entry], notes: Notes) -> Pointer:
        """Return the pointer of an output whose files are stored, and list it as imported."""
        writer = self._ledger.writer
        if out.digest is not None and not out.digest.is_dir:
            entry = entries[""]
            self._imported[out.digest] = Content(entry.digest, total=entry.size)
            return file_pointer(entry.digest, executable=entry.exec, notes=notes)
        ordered = sorted(entries.values())
        plain = manifest = Manifest.holding(ordered)
        if any(entry.exec for entry in ordered):  # DVC's digest does not depend on it
            plain = Manifest.holding([entry._replace(exec=False) for entry in ordered])
        store_manifest(writer, plain)
        if out.digest is not None:
            self._imported[out.digest] = content_of(plain)
        return store_directory(writer, manifest, notes)


def _remote(out: Out) -> str:
    return dict(out.notes.labels).get(_REMOTE, "")


def _notes(out: Out, remotes: Iterable[str]) -> Notes:
    """Return the notes of a pointer; a remote of DVC becomes mvc's if there is one of that name."""
    labels = dict(out.notes.labels)
    remote = labels.pop(_REMOTE) if labels.get(_REMOTE, "") in [*remotes] else ""
    return out.notes._replace(labels=tuple(sorted(labels.items())), remote=remote)


def _planned(said: DvcFiles, meant: Plan, past: list[PastOut], problems: Iterable[Failure]) -> ImportResult:
    """Return what would be imported; nothing was read but files of DVC."""
    paths = tuple(
        ImportedPath(out.path, file, "dir" if out.digest and out.digest.is_dir else "file", 0, 0, out.stage)
        for file, out in meant.new
    )
    failed = (*meant.failed, *said.problems, *problems)
    here = {found.out.digest for found in meant.new}
    versions = sum(item.out.digest not in here for item in past)
    metrics = tuple(metrics_files(said.pipelines.values(), {item.path for item in paths}))
    return ImportResult(
        paths, len(meant.finished), len(meant.of_git), versions, (), metrics, said.remarks, failed,
    )


def _result(
    said: DvcFiles, meant: Plan, prepared: list[Prepared], versions: int, removed: tuple[str, ...],
    failed: list[Failure],
) -> ImportResult:
    paths = tuple(
        ImportedPath(found.out.path, found.file, pointer.kind, pointer.total, pointer.files, found.out.stage)
        for found, pointer, _ in prepared
    )
    tracked = {item.path for item in paths} | {found.out.path for found in meant.finished}
    metrics = tuple(metrics_files(said.pipelines.values(), tracked))
    return ImportResult(
        paths, len(meant.finished), len(meant.of_git), versions, removed, metrics, said.remarks, tuple(failed),
    )
