"""Content by reference, from the cache or else from the remote: as a stream, or as a path on disk."""

from __future__ import annotations

import io
import os
import shlex
from collections.abc import Callable
from contextlib import ExitStack
from typing import BinaryIO, NamedTuple

from blake3 import blake3
from xxhash import xxh3_128

from mvc.errors import CorruptObject, MissingObject, MvcError, UsageError
from mvc.fs.scratch import Scratch
from mvc.objects.digest import Digest
from mvc.objects.manifest import Entry
from mvc.objects.pointer import Pointer, file_pointer
from mvc.ops.remotes.fetch import FetchOptions, fetch
from mvc.ops.shared.remotes import configured_remotes
from mvc.ops.shared.revisions import tracked_at
from mvc.ops.shared.selection import chosen, manifest_errors, split_reference, unusable
from mvc.ops.shared.transfers.open_remote import transferring
from mvc.ops.shared.transfers.selected import RevisionScope
from mvc.ops.shared.workspace_content import observe_path, same_content
from mvc.project import VIEWS, Project
from mvc.retention.available import is_available, load_manifest
from mvc.scm.commits import resolve
from mvc.store.buckets.bucket import RemoteError
from mvc.store.cache.source_file import LinkType
from mvc.store.remote.store import RemoteFile, RemoteStore
from mvc.transfer.send import not_whole
from mvc.workspace.links import Links
from mvc.workspace.tracked import Selection

_BUFFER = 1 << 20
"""Bytes that are read at once."""


class Source(NamedTuple):
    """Which content is meant: what a tracked path, or a part of a directory, has at a revision."""

    path: str
    """From the top of the worktree."""
    rev: str | None
    """None for the pointers as they lie in the workspace."""
    remote: str | None = None


def find(project: Project, reference: str, rev: str | None = None, remote: str | None = None) -> Source:
    """Return what `reference` means: a path, or `REV:path`.

    Raises:
        UsageError: it is neither.

    """
    revision, path = split_reference(reference)
    if not revision:
        return Source(project.shell.path(path), rev, remote)
    if rev is not None:
        raise UsageError(f"{reference} names a revision, and so does rev={rev!r}", "name one of them")
    return Source(path, revision, remote)


def _meant(project: Project, source: Source) -> tuple[Selection, Pointer]:
    """Return which part of which tracked path is meant, and the pointer of that path."""
    tracked = tracked_at(project.git, resolve(project.git, source.rev)) if source.rev else project.tracked()
    found = chosen(project, tracked, [source.path], "mvc log" if source.rev else "mvc add")
    if len(found) != 1:
        raise UsageError(f"{source.path} means {len(found)} tracked paths: name one", "mvc ls")
    pointer = found[0].item.pointer
    if pointer is None:
        raise unusable(project.shell, found[0].item)
    return found[0], pointer


def _bring(project: Project, source: Source) -> None:
    """Fetch what the cache lacks of the source.

    Raises:
        MvcError: some of it did not arrive.

    """
    scope = RevisionScope((source.rev,)) if source.rev else RevisionScope()
    for result in fetch(project, [source.path], FetchOptions(source.remote, scope)):
        for failure in result.failed[:1]:
            path = f"{failure.path}: " if failure.blake3 else ""
            raise MissingObject(f"{path}{failure.error}", failure.fix)


def _entries(project: Project, selection: Selection, pointer: Pointer) -> list[Entry]:
    """Return the files that are meant; a tracked file's own path is empty."""
    if pointer.kind == "file":
        return [Entry("", *pointer.digest, pointer.exec)]
    with manifest_errors(project.shell, selection.item.path):
        entries = load_manifest(project.cache, pointer).entries
    return [entry for entry in entries if selection.covers(entry.path)]


def _have(project: Project, source: Source, selection: Selection, pointer: Pointer) -> None:
    """Make sure that the cache has all of it.

    Raises:
        MvcError: it cannot be had, or its manifest breaks its format.

    """
    with manifest_errors(project.shell, selection.item.path):
        available = is_available(project.cache, project.catalog, pointer)
    if not available:
        _bring(project, source)


# As a stream.


def open_content(project: Project, source: Source, keep: ExitStack) -> BinaryIO:
    """Return a file object of one file's content; `keep` is closed with it.

    What the cache lacks is read from the remote in ranges as it is asked for. Whoever reads from the start to
    the end gets proven bytes, or an error at the end; after a seek nothing is proven.

    Raises:
        UsageError: the source is no single file.
        MissingObject: neither cache nor remote has it.

    """
    selection, pointer = _meant(project, source)
    if pointer.kind == "dir" and not project.cache.has(pointer.digest.blake3) and pointer.manifest is None:
        _bring(project, source)
    entries = _entries(project, selection, pointer)
    if len(entries) != 1 or (pointer.kind == "dir" and not selection.inside):
        raise UsageError(f"{source.path} is a directory: open one of its files, or use mvc.path()", "mvc ls -R")
    digest = entries[0].digest
    here = project.cache.has(digest.blake3)
    fetch = project.shell.line(f"mvc fetch --rev {shlex.quote(source.rev)}" if source.rev else "mvc pull", source.path)
    raw = _raw(project, source, source.remote or pointer.notes.remote, digest, keep)
    return io.BufferedReader(Proven(raw, digest, keep, f"mvc verify; {fetch}" if here else fetch), _BUFFER)


def _raw(project: Project, source: Source, remote: str | None, digest: Digest, keep: ExitStack) -> BinaryIO:
    if not project.cache.has(digest.blake3):
        try:
            tools = keep.enter_context(transferring(project, remote or None, 1))
            return keep.enter_context(_there(tools.remote, digest))
        except (MissingObject, RemoteError) as error:
            if isinstance(error, RemoteError) and (source.remote or len(configured_remotes(project.settings)) == 1):
                raise
            _bring(project, source)  # another remote may have it
    return keep.enter_context(project.cache.open(digest.blake3))


def _there(remote: RemoteStore, digest: Digest) -> BinaryIO:
    """Return an object on a remote as a file.

    Raises:
        MissingObject: it is not there, or cut short.
        RemoteError: there is no answer.

    """
    places = remote.locate([digest.blake3])
    if not_whole({digest.blake3: digest}, places):
        raise MissingObject(f"object {digest.blake3} is not whole on {remote.bucket.url}")
    return io.BufferedReader(RemoteFile(remote.bucket, places[digest.blake3]), _BUFFER)


class Proven(io.RawIOBase):
    """A stream that is hashed as it is read, and held against its digest when the last byte was read in order."""

    def __init__(self, raw: BinaryIO, digest: Digest, keep: ExitStack, fix: str) -> None:
        """Read `raw`, which must be `digest`; `keep` is closed with this file; `fix` mends what is no match."""
        self._raw, self._digest, self._keep, self._fix = raw, digest, keep, fix
        self._strong, self._quick = blake3(), xxh3_128()
        self._position = self._hashed = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """See `io.IOBase.seek`."""
        self._position = self._raw.seek(offset, whence)
        return self._position

    def readinto(self, buffer: object) -> int:
        """See `io.RawIOBase.readinto`."""
        view = memoryview(buffer)  # type: ignore[arg-type]  # a buffer, as typeshed says elsewhere
        data = self._raw.read(len(view)) or b""
        view[: len(data)] = data
        if self._position == self._hashed:
            self._hash(data)
        self._position += len(data)
        return len(data)

    def _hash(self, data: bytes) -> None:
        self._strong.update(data)
        self._quick.update(data)
        self._hashed += len(data)
        ended = not data or self._hashed >= self._digest.size
        if ended and Digest(self._strong.hexdigest(), self._quick.hexdigest(), self._hashed) != self._digest:
            raise CorruptObject(f"object {self._digest.blake3}: the bytes do not match their digest", self._fix)

    def close(self) -> None:
        """Close what it reads from, too."""
        if not self.closed:
            super().close()
            self._keep.close()


# As a path.


def path_of_content(project: Project, source: Source) -> str:
    """Return where the content lies on disk: in the workspace when that has it, else laid out beside the cache.

    What is laid out is for reading. It stays until `mvc gc --yes`.

    Raises:
        MvcError: it cannot be had, or not be written.

    """
    selection, pointer = _meant(project, source)
    path = selection.item.path
    if same_content(pointer, observe_path(project, path)):
        return f"{project.root}/{source.path}"
    _have(project, source, selection, pointer)
    name = os.path.basename(path)
    view = f"{project.home}/{VIEWS}/{pointer.digest.blake3}{'x' if pointer.exec else ''}"
    with project.locks.store():
        if selection.inside:
            view += f"-{blake3(repr(selection.inside).encode()).hexdigest()[:16]}"
        if not os.path.isdir(view):
            entries = _entries(project, selection, pointer)
            _lay_out(project, view, lambda top: _write(project, f"{top}/{name}", pointer, entries))
    inside = source.path[len(path) :]
    return f"{view}/{name}{inside}"


def _lay_out(project: Project, view: str, write: Callable[[str], None]) -> None:
    """Let `write` fill a directory elsewhere, and give it its name once it is whole."""
    with Scratch(f"{project.home}/tmp") as scratch:
        temp = scratch.name()
        os.mkdir(temp)
        write(temp)
        try:
            os.makedirs(os.path.dirname(view), exist_ok=True)
            os.rename(temp, view)
        except OSError as error:
            if not os.path.isdir(view):  # else another process was quicker
                raise MvcError(f"{view} can't be written: {error.strerror}", f"ls -ld {project.home}") from None


def write_content(project: Project, source: Source, target: str, types: tuple[LinkType, ...]) -> int:
    """Write the content to `target`, where nothing is, fetched if need be; how many bytes.

    Raises:
        MvcError: it cannot be had.

    """
    selection, pointer = _meant(project, source)
    _have(project, source, selection, pointer)
    entries = _entries(project, selection, pointer)
    if selection.inside and [entry.path for entry in entries] == [selection.inside[0]]:
        pointer, entries = file_pointer(entries[0].digest, executable=entries[0].exec), [entries[0]._replace(path="")]
    with project.locks.store():
        _write(project, target, pointer, entries, types)
    return sum(entry.size for entry in entries)


_SHARING: tuple[LinkType, ...] = ("reflink", "hardlink", "copy")


def _write(
    project: Project, target: str, pointer: Pointer, entries: list[Entry], types: tuple[LinkType, ...] = _SHARING,
) -> None:
    links = Links(project.cache, types, project.links.trusted)
    if pointer.kind == "dir":
        os.mkdir(target)
    for entry in entries:
        full = f"{target}/{entry.path}" if entry.path else target
        os.makedirs(os.path.dirname(full), exist_ok=True)
        links.materialise(entry.digest, full, executable=entry.exec)
