"""`mvc export dvc`: `.dvc` files and DVC's cache, with which DVC goes on from what mvc tracks."""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from mvc.errors import MissingObject, MvcError
from mvc.fs.scratch import Staging
from mvc.fs.tree import Replacement, replace_files
from mvc.objects.digest import Digest
from mvc.objects.dvc.digest import DvcDigest, ListedFile, digest_of_list, encode_listing
from mvc.objects.dvc.dvc_file import emit_dvc_file
from mvc.objects.dvc.names import FOLDER, SUFFIX
from mvc.objects.dvc.outs import MAX_BYTES, Out, read_dvc_file
from mvc.objects.hashing import hash_reader
from mvc.objects.pointer import Pointer
from mvc.ops.interop.dvc.publishing import ignoring
from mvc.ops.interop.dvc.reading import in_workspace
from mvc.ops.interop.dvc.stores import find_stores
from mvc.ops.shared.failures import Failure, collecting
from mvc.ops.shared.selection import unusable
from mvc.project import Project
from mvc.retention.available import load_manifest
from mvc.scm.staging import stage
from mvc.store.cache.cache import damaged
from mvc.workspace import gitignore
from mvc.workspace.tracked import Tracked

_CACHE = f"{FOLDER}/cache"
_SETUP = {f"{FOLDER}/config": b"", f"{FOLDER}/.gitignore": b"/config.local\n/tmp\n/cache\n"}
"""What `dvc init` writes."""


class ExportedPath(NamedTuple):
    """A path that DVC can track now."""

    path: str
    size: int
    files: int
    file: str
    """The `.dvc` file that was written; empty if DVC has one, or a stage of `dvc.yaml` writes the path."""


class ExportResult(NamedTuple):
    """What was exported, and what failed."""

    exported: tuple[ExportedPath, ...]
    failed: tuple[Failure, ...]

    @property
    def exit_code(self) -> int:
        """The exit code of the command: that of the first failure."""
        return next((failure.exit_code for failure in self.failed), 0)


def export_dvc(project: Project) -> ExportResult:
    """Write the content of all tracked paths into DVC's cache, and `.dvc` files beside their pointers.

    A path that fails does not stop the others.

    Raises:
        MvcError: DVC's cache is elsewhere, or files cannot be written.
    """
    _check_cache(project)
    with project.locks.worktree(), project.locks.store(), project.staging() as staging:
        stages = {found.out.path: found.out for found in in_workspace(project)[0].outs if found.out.stage}
        store = _DvcCache(project, staging)
        exported, files = [], []
        failed: list[Failure] = []
        for item in project.tracked().values():
            with collecting(failed, item.path):
                done, written = _export(project, store, item, stages.get(item.path))
                exported.append(done)
                files += written
        _publish(project, staging, files)
    return ExportResult(tuple(exported), tuple(failed))


def _check_cache(project: Project) -> None:
    """Refuse another directory: settings that came with a clone could name any."""
    place = find_stores(project).cache
    if place != f"{project.root}/{_CACHE}":
        raise MvcError(f"DVC's cache is in {place}: mvc writes only to {_CACHE}", "check cache.dir in .dvc/config")


def _export(
    project: Project, store: _DvcCache, item: Tracked, of_stage: Out | None,
) -> tuple[ExportedPath, list[Replacement]]:
    """Export a path; return its `.dvc` file, unless DVC has it already."""
    if item.pointer is None:
        raise unusable(project, item)
    pointer, file = item.pointer, f"{item.path}{SUFFIX}"
    try:
        digest = store.put(pointer)
    except MissingObject:
        line = f"{project.shell.line('mvc fetch', item.path)} && mvc export dvc"
        raise MissingObject(f"{item.path}: the cache does not have all of its content", line) from None
    done = ExportedPath(item.path, pointer.total, pointer.files, "")
    if of_stage is not None:
        if of_stage.digest != digest:
            raise MvcError(f"{item.path}: dvc.lock names other content", f"check it, then: dvc commit {of_stage.stage}")
        return done, []
    old = project.tree.read(file, MAX_BYTES)
    if old is None:
        return done._replace(file=file), [Replacement(file, None, emit_dvc_file(item.path, digest, pointer))]
    if [out.digest for out in read_dvc_file(file, old)] != [digest]:
        raise MvcError(f"{file} names other content", f"{project.shell.line('git rm --', file)} && mvc export dvc")
    return done, []


class _DvcCache:
    """DVC's cache in the repository, in the layout of DVC 3."""

    def __init__(self, project: Project, staging: Staging) -> None:
        self._project, self._staging = project, staging
        self._known: dict[str, DvcDigest] = {}
        """By the object's name."""

    def put(self, pointer: Pointer) -> DvcDigest:
        """Store the content of a pointer; return how DVC names it.

        Raises:
            MissingObject: mvc's cache lacks content.
            CorruptObject: an object of it is damaged.
        """
        if pointer.kind == "file":
            return self._file(pointer.digest)
        entries = load_manifest(self._project.cache, pointer).entries
        files = [ListedFile(entry.path, self._file(entry.digest)) for entry in entries]
        digest = digest_of_list(files, old=False)
        temp = self._staging.name(self._project.root)
        with open(temp, "xb") as file:
            file.write(encode_listing(files))
        self._place(temp, digest)
        return digest

    def _file(self, digest: Digest) -> DvcDigest:
        if (known := self._known.get(digest.blake3)) is None:
            known = self._known[digest.blake3] = self._copy(digest)
        return known

    def _copy(self, digest: Digest) -> DvcDigest:
        """Copy an object, verified, and hashed as DVC does in the same read."""
        md5 = hashlib.md5(usedforsecurity=False)
        temp = self._staging.name(self._project.root)
        with self._project.cache.open(digest.blake3) as source, open(temp, "xb") as target:
            found = hash_reader(source.readinto, digest.size, (md5.update, target.write))
        if found != digest:
            os.unlink(temp)
            raise damaged(digest.blake3)
        known = DvcDigest(md5.hexdigest())
        self._place(temp, known)
        return known

    def _place(self, temp: str, digest: DvcDigest) -> None:
        """Give a file its name in the cache; the directories on the way are not symlinks."""
        os.chmod(temp, 0o444)
        folder, name = self._project.tree.parent(
            f"{_CACHE}/files/md5/{digest.name[:2]}/{digest.name[2:]}", make=True,
        )
        os.rename(temp, name, dst_dir_fd=folder)


def _publish(project: Project, staging: Staging, files: list[Replacement]) -> None:
    """Write and stage `.dvc` files, DVC's lines in `.gitignore`, and what `dvc init` writes."""
    tree = project.tree
    missing = [Replacement(path, None, raw) for path, raw in _SETUP.items() if tree.lstat(path) is None]
    written = [*missing, *_ignoring(project, (item.path.removesuffix(SUFFIX) for item in files)), *files]
    replace_files(tree, staging, written)
    stage(project.git, [item.path for item in written])


def _ignoring(project: Project, paths: Iterable[str]) -> list[Replacement]:
    """Return the `.gitignore` files with lines beside mvc's block: they stay when mvc no longer tracks a path."""
    names: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        folder, _, name = path.rpartition("/")
        names[f"{folder}/.gitignore" if folder else ".gitignore"].append(name)
    changed = []
    for path, inside in names.items():
        old = project.tree.read(path, gitignore.MAX_BYTES)
        text = (old or b"").decode("utf-8", "surrogateescape")
        new = gitignore.with_lines(text, map(ignoring, inside)).encode("utf-8", "surrogateescape")
        changed.append(Replacement(path, old, new))
    return changed
