"""Content of a tracked path, from the cache or a remote: as a stream, or as a path on disk."""

from __future__ import annotations

import io
import os
import re
import shlex
import shutil
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import BinaryIO, NamedTuple

from blake3 import blake3

from mvc.errors import CorruptObject, MissingObject, MvcError, UsageError
from mvc.fs.scratch import Scratch
from mvc.fs.tree import Tree
from mvc.objects.digest import Digest
from mvc.objects.manifest import Entry
from mvc.objects.pointer import Pointer, dir_pointer, file_pointer
from mvc.ops.remotes.fetch import FetchOptions, fetch
from mvc.ops.remotes.verified_stream import VerifiedStream
from mvc.ops.shared.remotes import configured_remotes
from mvc.ops.shared.revisions import tracked_at
from mvc.ops.shared.selection import chosen, is_path, manifest_errors, tracks, unusable
from mvc.ops.shared.transfers.open_remote import transferring
from mvc.ops.shared.transfers.selected import RevisionScope
from mvc.ops.shared.versions.references import resolve, split_reference
from mvc.ops.shared.workspace_content import check_unchanged, observe_path, same_content
from mvc.project import VIEWS, Project
from mvc.retention.available import is_available, load_manifest, stored_manifest
from mvc.store.buckets.bucket import RemoteError
from mvc.store.cache.cache import Cache
from mvc.store.cache.inventory import all_objects
from mvc.store.cache.source_file import LinkType
from mvc.store.remote.store import RemoteFile, RemoteStore
from mvc.workspace.links import Links
from mvc.workspace.observe import ObserveOptions, observe
from mvc.workspace.read_files import FileReader, hashing
from mvc.workspace.tracked import Selection, Tracked

_BUFFER = 1 << 20
"""Bytes per read."""
_OBJECT = re.compile(r"[0-9a-f]{8,64}")
"""The name of an object, or an abbreviation of it."""
_SHARING: tuple[LinkType, ...] = ("reflink", "hardlink", "copy")


class ContentReference(NamedTuple):
    """A tracked path, or a part of a tracked directory, at a revision."""

    path: str
    """From the top of the worktree."""
    rev: str | None
    """None for the pointers in the workspace."""
    remote: str | None = None
    """The remote to fetch from; None for the pointer's own, or the default one."""


def parse_reference(
    project: Project, text: str, rev: str | None = None, remote: str | None = None,
) -> ContentReference:
    """Return the reference that a user typed: a path, or `REV:path`.

    Raises:
        UsageError: there are two revisions.
    """
    revision, path = split_reference(project, text, partial(_is_path, project, rev))
    if not revision:
        return ContentReference(project.shell.path(path), rev, remote)
    if rev is not None:
        raise UsageError(f"{text} names a revision, and so does rev={rev!r}", "name one of them")
    return ContentReference(path, revision, remote)


def _is_path(project: Project, rev: str | None, text: str) -> bool:
    if rev is None:
        return is_path(project, text)
    return tracks(tracked_at(project, resolve(project, rev)), project.shell.path(text))


class Proven(NamedTuple):
    """A copy of content whose bytes were all compared with the pointer."""

    file: str
    """Where it is: the tracked file or directory, or the part of it that was named."""
    path: str
    """The tracked path, from the top of the worktree."""
    commit: str
    """Empty for the workspace's pointer."""
    pointer: Pointer


def named(project: Project, text: str) -> tuple[str, str, Pointer]:
    """Return the tracked path that a user named, or named a part of, its commit and its pointer.

    The commit is empty for the workspace's pointer.

    Raises:
        MvcError: it is not tracked, or the workspace has other content.
    """
    reference, content = _whole(project, text)
    return content.tracked_path, resolve(project, reference.rev) if reference.rev else "", content.pointer


def proven(project: Project, text: str, reader: FileReader | None = None) -> Proven:
    """Return a proven copy of what a user named; `reader` as for `Content.proven_path`.

    Raises:
        MvcError: it is not tracked, the workspace has other content, or it cannot be fetched.
    """
    reference, content = _whole(project, text)
    whole = content.tracked_path
    found = f"{content.proven_path(reader)}{reference.path[len(whole) :]}"
    if not os.path.exists(found):
        raise UsageError(f"{whole} has no file {reference.path[len(whole) + 1 :]}", "mvc ls -R")
    commit = resolve(project, reference.rev) if reference.rev else ""
    return Proven(found, whole, commit, content.pointer)


def _whole(project: Project, text: str) -> tuple[ContentReference, Content]:
    """Return what a user named, with what lies beside a part: a digest is of all."""
    reference = parse_reference(project, text)
    content = Content(project, reference._replace(path=Content(project, reference).tracked_path))
    if reference.rev is None:
        check_unchanged(project, content.tracked_path, content.pointer)
    return reference, content


class Content:
    """The content of a reference; what the cache lacks is fetched."""

    def __init__(self, project: Project, reference: ContentReference) -> None:
        """Find the tracked path, or the object of the cache with this name.

        Raises:
            MvcError: the path is not tracked, or its pointer cannot be used.
        """
        self._project, self._reference = project, reference
        self._selection, self.pointer = _find(project, reference)

    @property
    def tracked_path(self) -> str:
        """The tracked path that the reference names, or is inside of."""
        return self._selection.item.path

    def open(self, on_close: ExitStack) -> BinaryIO:
        """Return a file object of one file's content; `on_close` is closed with it.

        What the cache lacks is read from the remote in ranges. A reader that goes from start to end gets the right
        content or an error at the end; after a seek, nothing is checked.

        Raises:
            UsageError: the reference is not a single file.
            MissingObject: neither cache nor remote has the content.
        """
        project, pointer = self._project, self.pointer
        if pointer.kind == "dir" and not project.cache.has(pointer.digest.blake3) and pointer.manifest is None:
            self._fetch()
        entries = self._entries()
        if len(entries) != 1 or (pointer.kind == "dir" and not self._selection.inside):
            message = f"{self._reference.path} is a directory: open one of its files, or use mvc.path()"
            raise UsageError(message, "mvc ls -R")
        digest = entries[0].digest
        fix = self._fetch_line()
        if project.cache.has(digest.blake3):
            fix = f"mvc verify; {fix}"
        return io.BufferedReader(VerifiedStream(self._open_object(digest, on_close), digest, on_close, fix), _BUFFER)

    def path(self) -> str:
        """Return where the content is on disk: in the workspace if that has it, else in a read-only view.

        A view stays until `mvc gc --yes`.

        Raises:
            MvcError: the content cannot be fetched, or not be written.
        """
        project, pointer, path = self._project, self.pointer, self._selection.item.path
        if same_content(pointer, observe_path(project, path)):
            return f"{project.root}/{self._reference.path}"
        return self._view()

    def proven_path(self, reader: FileReader | None = None) -> str:
        """Return where a read-only view of the content is. All of it was read and compared with the pointer, by BLAKE3.

        `reader` computes the digests, if another than `hashing` is to.

        Raises:
            CorruptObject: the view is damaged; it is deleted.
            MvcError: as for `path`.
        """
        view = self._view()
        folder, name = os.path.split(view)
        options = ObserveOptions(None, reader or hashing(self._project.around.progress))
        with Tree(folder) as tree:
            seen = observe(tree, name, self._project.links, options)
        if not same_content(self.pointer, seen):
            shutil.rmtree(folder)
            raise CorruptObject(f"{view} was damaged, and is deleted", "mvc verify  # then ask for the path again")
        return view

    def _view(self) -> str:
        project, pointer, path = self._project, self.pointer, self._selection.item.path
        self._ensure_cached()
        name = os.path.basename(path)
        view = f"{project.home}/{VIEWS}/{pointer.digest.blake3}{'x' if pointer.exec else ''}"
        with project.locks.store():
            named = repr((name, self._selection.inside))  # the same content at another path has another name
            view += f"-{blake3(named.encode()).hexdigest()[:16]}"
            if not os.path.isdir(view):
                entries = self._entries()
                _create_directory(project, view, lambda top: self._write(f"{top}/{name}", pointer, entries, _SHARING))
        return f"{view}/{name}{self._reference.path[len(path) :]}"

    def write(self, target: str, types: tuple[LinkType, ...]) -> int:
        """Write the content to `target`, which must not exist; return the number of bytes.

        Raises:
            MvcError: the content cannot be fetched.
        """
        self._ensure_cached()
        pointer, entries, inside = self.pointer, self._entries(), self._selection.inside
        if inside and [entry.path for entry in entries] == [inside[0]]:
            (entry,) = entries
            pointer, entries = file_pointer(entry.digest, executable=entry.exec), [entry._replace(path="")]
        with self._project.locks.store():
            self._write(target, pointer, entries, types)
        return sum(entry.size for entry in entries)

    def _entries(self) -> list[Entry]:
        """Return the selected files; the path of a tracked file is empty."""
        if self.pointer.kind == "file":
            return [Entry("", *self.pointer.digest, self.pointer.exec)]
        with manifest_errors(self._project.shell, self._selection.item.path):
            entries = load_manifest(self._project.cache, self.pointer).entries
        return [entry for entry in entries if self._selection.covers(entry.path)]

    def _ensure_cached(self) -> None:
        project = self._project
        with manifest_errors(project.shell, self._selection.item.path):
            available = is_available(project.cache, project.catalog, self.pointer)
        if not available:
            self._fetch()

    def _fetch(self) -> None:
        reference = self._reference
        scope = RevisionScope((reference.rev,)) if reference.rev else RevisionScope()
        for result in fetch(self._project, [reference.path], FetchOptions(reference.remote, scope)):
            for failure in result.failed[:1]:
                path = f"{failure.path}: " if failure.blake3 else ""
                raise MissingObject(f"{path}{failure.error}", failure.fix)

    def _fetch_line(self) -> str:
        rev = self._reference.rev
        command = f"mvc fetch --rev {shlex.quote(rev)}" if rev else "mvc pull"
        return self._project.shell.line(command, self._reference.path)

    def _open_object(self, digest: Digest, on_close: ExitStack) -> BinaryIO:
        project, named = self._project, self._reference.remote
        if not project.cache.has(digest.blake3):
            try:
                tools = on_close.enter_context(transferring(project, named or self.pointer.notes.remote or None, 1))
                return on_close.enter_context(_open_on_remote(tools.remote, digest))
            except (MissingObject, RemoteError) as error:
                if isinstance(error, RemoteError) and (named or len(configured_remotes(project.settings)) == 1):
                    raise
                self._fetch()  # another remote may have it
        content: BinaryIO = project.cache.open(digest.blake3)
        return on_close.enter_context(content)

    def _write(self, target: str, pointer: Pointer, entries: list[Entry], types: tuple[LinkType, ...]) -> None:
        links = Links(self._project.cache, types, self._project.links.trusted)
        if pointer.kind == "dir":
            os.mkdir(target)
        for entry in entries:
            full = f"{target}/{entry.path}" if entry.path else target
            os.makedirs(os.path.dirname(full), exist_ok=True)
            links.materialise(entry.digest, full, executable=entry.exec)


def _find(project: Project, reference: ContentReference) -> tuple[Selection, Pointer]:
    """Return what is tracked at a path, which takes precedence over the name of an object."""
    try:
        return _find_tracked(project, reference)
    except MvcError:
        if pointer := _find_stored(project.cache, reference.path):
            return Selection(Tracked(reference.path, pointer=pointer)), pointer
        raise


def _find_stored(cache: Cache, text: str) -> Pointer | None:
    """Return a pointer to the object of the cache that `text` names or abbreviates; None without one."""
    if _OBJECT.fullmatch(text) is None:
        return None
    names = {item.name for item in all_objects(cache) if item.name.startswith(text)}
    if len(names) > 1:
        raise UsageError(f"{text} abbreviates the names of {len(names)} objects", "mvc -v log --lost  # in full")
    for name in names:
        found = stored_manifest(cache, name)
        return dir_pointer(found) if found else file_pointer(cache.digest_of(name))
    return None


def _find_tracked(project: Project, reference: ContentReference) -> tuple[Selection, Pointer]:
    path, rev = reference.path, reference.rev
    tracked = tracked_at(project, resolve(project, rev)) if rev else project.tracked()
    found = chosen(project, tracked, [path], rev or "")
    if len(found) != 1:
        raise UsageError(f"{path} matches {len(found)} tracked paths: name one", "mvc ls")
    (selection,) = found
    if selection.item.pointer is None:
        raise unusable(project, selection.item, rev or "")
    return selection, selection.item.pointer


def _open_on_remote(remote: RemoteStore, digest: Digest) -> BinaryIO:
    """Return an object on a remote as a file.

    Raises:
        MissingObject: it is not there, or cut short.
        RemoteError: the remote does not answer.
    """
    location = remote.locate([digest.blake3]).get(digest.blake3)
    if location is None or not location.is_whole(digest.size):
        raise MissingObject(f"object {digest.blake3} is not on {remote.bucket.url}, or cut short there")
    return io.BufferedReader(RemoteFile(remote.bucket, location), _BUFFER)


def _create_directory(project: Project, path: str, fill: Callable[[str], None]) -> None:
    """Let `fill` fill a temporary directory, then rename that to `path`."""
    with Scratch(f"{project.home}/tmp") as scratch:
        temporary = scratch.name()
        os.mkdir(temporary)
        fill(temporary)
        try:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            os.rename(temporary, path)
        except OSError as error:
            if not os.path.isdir(path):  # else another process was faster
                raise MvcError(f"{path} cannot be written: {error.strerror}", f"ls -ld {project.home}") from None
