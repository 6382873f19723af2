"""`mvc import lfs`: what git-lfs tracks becomes tracked by mvc, verified by its SHA-256."""

from __future__ import annotations

import stat
from collections.abc import Collection, Iterable
from typing import NamedTuple

from mvc.errors import CorruptObject, MissingObject, MvcError
from mvc.fs.tree import Replacement, replace_files
from mvc.objects.digest import Digest
from mvc.objects.foreign import Sha256
from mvc.objects.lfs import MAX_BYTES, parse
from mvc.objects.pointer import SUFFIX, Pointer, emit, file_pointer
from mvc.ops.interop.ledger import Ledger
from mvc.ops.interop.lfs.attributes import Served, not_staged, without_patterns
from mvc.ops.interop.lfs.finding import LfsFile, find_lfs
from mvc.ops.interop.lfs.store import LfsStore
from mvc.ops.interop.local_files import store_local
from mvc.ops.interop.workspace_files import read_workspace, remember
from mvc.ops.shared.checkout import check_out
from mvc.ops.shared.failures import Failure, collecting, exit_code_of
from mvc.ops.shared.pointers import publish_pointers
from mvc.ops.shared.selection import unusable
from mvc.project import Project
from mvc.scm.staging import stage, unstage
from mvc.store.cache.repack import compact
from mvc.store.cache.writer import CacheWriter
from mvc.store.packs.pack_writer import STEP
from mvc.workspace.observe import Observed
from mvc.workspace.rename import remove_file
from mvc.workspace.tracked import Tracked

_FEW = 3
"""Paths that a message names before it counts the rest."""


class ImportedFile(NamedTuple):
    """A file that mvc tracks now; `size` in bytes."""

    path: str
    size: int


class LfsImport(NamedTuple):
    """What was imported, and what not."""

    imported: tuple[ImportedFile, ...]
    in_git: tuple[str, ...]
    """Files that the patterns of git-lfs match, but that were committed without it: Git has their content."""
    attributes: tuple[str, ...]
    """The `.gitattributes` files that changed."""
    failed: tuple[Failure, ...]

    @property
    def exit_code(self) -> int:
        """The exit code of the command."""
        return exit_code_of(self.failed)


class _Prepared(NamedTuple):
    """A file whose content is in the cache."""

    file: LfsFile
    pointer: Pointer
    observed: Observed | None
    """What the workspace has; None if that is not the content."""


def import_lfs(project: Project, wanted: Collection[str] = ()) -> LfsImport:
    """Import the files in the index that git-lfs tracks; `wanted` are paths or patterns from the top, or none for all.

    A file that fails does not stop the others. The workspace keeps its files: one that differs from the index is
    modified afterwards, too. Only a pointer of git-lfs in the place of a file gives way to the content.

    Raises:
        UsageError: git-lfs tracks nothing that is wanted.
        MvcError: the cache, the pointers or the index cannot be written.
    """
    failed: list[Failure] = []
    with project.locks.worktree(), project.locks.store():
        found = find_lfs(project, wanted, failed)
        with CacheWriter(project.cache, project.links.types, STEP) as writer:
            prepared = _Importer(project, Ledger(writer, project.catalog), failed).run(found.files)
        if prepared:
            publish_pointers(project, [_replacement(item) for item in prepared])
        compact(project.cache)
        remember(project, ((item.file.path, item.pointer, item.observed) for item in prepared if item.observed))
        absent = _remove_stubs(project, prepared)
    if absent:
        failed += check_out(project, absent).failed
    imported = {item.file.path for item in prepared}
    left = {file.path for file in found.files} - imported
    with project.locks.worktree():
        unstage(project.git, sorted(imported))
        served = Served({*imported, *found.finished}, {*found.others, *left}, is_all=not wanted)
        attributes = _remove_patterns(project, served, found.own)
    files = tuple(ImportedFile(item.file.path, item.pointer.total) for item in prepared)
    return LfsImport(files, found.in_git, attributes, tuple(failed))


class _Importer:
    """Brings content into the cache."""

    def __init__(self, project: Project, ledger: Ledger, failed: list[Failure]) -> None:
        self._project, self._ledger, self._failed = project, ledger, failed
        self._store = LfsStore(project)

    def run(self, files: Iterable[LfsFile]) -> list[_Prepared]:
        """Return the files whose content is in the cache now; what git-lfs has not fetched yet, it fetches."""
        prepared, lacking = self._bring(files)
        if lacking:
            reason = self._store.fetch(file.path for file in lacking)
            arrived, lacking = self._bring(lacking)
            prepared += arrived
            if lacking:
                self._failed.append(Failure.of("", _missing(lacking, reason)))
        return prepared

    def _bring(self, files: Iterable[LfsFile]) -> tuple[list[_Prepared], list[LfsFile]]:
        prepared, lacking = [], []
        for file in files:
            with collecting(self._failed, file.path):
                if item := self._prepare(file):
                    prepared.append(item)
                else:
                    lacking.append(file)
        self._project.catalog.flush()
        return prepared, lacking

    def _prepare(self, file: LfsFile) -> _Prepared | None:
        """Return the file with its content stored; None if neither workspace nor git-lfs has that."""
        old = Sha256(file.pointer.sha256)
        observed = self._workspace(file, old)
        digest = self._ledger.digest(old) or self._of_lfs(file, old)
        if digest is None:
            return None
        pointer = file_pointer(digest, executable=file.exec)
        if file.before is not None:
            pointer = _same_pointer(self._project, file.before, pointer)
        return _Prepared(file, pointer, observed if observed and observed.digest == digest else None)

    def _workspace(self, file: LfsFile, old: Sha256) -> Observed | None:
        """Read the workspace's file if it may be the content."""
        status = self._project.tree.lstat(file.path)
        if status is None or not stat.S_ISREG(status.st_mode) or status.st_size != file.pointer.size:
            return None
        return read_workspace(self._project, self._ledger, file.path, [("", old)])[0]

    def _of_lfs(self, file: LfsFile, old: Sha256) -> Digest | None:
        try:
            return store_local(self._ledger, self._store.path(old.hex), old, self._project.around.progress)
        except FileNotFoundError:
            return None
        except CorruptObject as error:
            line = "git lfs fsck || git lfs fetch && mvc import lfs"  # git lfs fsck moves it away, and fails
            raise CorruptObject(f"{file.path}: {error.message}", line) from None


def _same_pointer(project: Project, before: Tracked, pointer: Pointer) -> Pointer:
    """Return the pointer that mvc has for the path already.

    Raises:
        MvcError: it is another one, or cannot be read.
    """
    if before.pointer is None:
        raise unusable(project, before)
    if before.pointer.content != pointer.content:
        told = f"{before.path} is tracked by mvc, and Git's index has other content, of git-lfs"
        raise MvcError(told, f"{project.shell.line('mvc rm --keep', before.path)} && mvc import lfs  # takes that")
    return before.pointer


def _missing(files: list[LfsFile], reason: str) -> MissingObject:
    names = ", ".join(file.path for file in files[:_FEW])
    more = f" and {len(files) - _FEW:,} more" if len(files) > _FEW else ""
    because = f" ({reason})" if reason else ""
    return MissingObject(
        f"content that neither workspace nor git-lfs has, and git lfs fetch does not bring{because}: {names}{more}",
        "git lfs fetch --all && mvc import lfs",
    )


def _replacement(item: _Prepared) -> Replacement:
    before, path = item.file.before, item.file.path + SUFFIX
    return Replacement(path, None, emit(item.pointer)) if before is None else Replacement(path, before.raw, before.raw)


def _remove_stubs(project: Project, prepared: Iterable[_Prepared]) -> list[str]:
    """Remove the pointers of git-lfs that the workspace has instead of content; return the paths that lack it then.

    Those are also of an interrupted import.
    """
    absent = [item.file for item in prepared if item.observed is None]
    stubs = {file.path for file in absent if _is_stub(project, file)}
    for path in stubs:
        remove_file(project.tree, path)
    begun = (file.path for file in absent if file.before and file.path not in stubs)
    return [*stubs, *(path for path in begun if project.tree.lstat(path) is None)]


def _is_stub(project: Project, file: LfsFile) -> bool:
    try:
        raw = project.tree.read(file.path, MAX_BYTES + 1)
        return raw is not None and parse(raw).sha256 == file.pointer.sha256
    except MvcError:  # other content, or a symlink
        return False


def _remove_patterns(project: Project, served: Served, own: Collection[str]) -> tuple[str, ...]:
    """Remove the patterns of git-lfs that have no use any more; return the files that changed.

    This comes last: as long as the patterns are there, the same command continues from any point before.
    """
    changed = without_patterns(project, served)
    with project.staging() as staging:
        replace_files(project.tree, staging, [item for item in changed if item.new])
    for item in changed:
        if not item.new:
            remove_file(project.tree, item.path)
    paths = sorted({*(item.path for item in changed), *not_staged(project)})
    stage(project.git, [*paths, *own])
    return tuple(paths)
