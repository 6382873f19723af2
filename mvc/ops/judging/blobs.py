"""Pointers and reports of any commit, read as Git blobs, each once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from mvc.objects.pointer import MAX_BYTES as MAX_POINTER
from mvc.quality.files import MAX_BYTES as MAX_REPORT
from mvc.quality.files import REGULAR, SUBMODULE, FileAt
from mvc.quality.pointer_files import is_other, pointer_in_file, raw_of
from mvc.scm.blobs import stream_blobs
from mvc.scm.index_changes import Entry, Index
from mvc.scm.plumbing import Git

_NAME = b"\nname: "
_LIMIT = max(MAX_POINTER, MAX_REPORT)


class Identity(NamedTuple):
    """The model's name and digest in a pointer; empty if it cannot be read."""

    name: str = ""
    blake3: str = ""
    """As `Pointer.identity`."""


class Blobs:
    """Blobs of Git, each read once."""

    def __init__(self, git: Git) -> None:
        self._git = git
        self._content: dict[str, bytes] = {}
        self._names: dict[str, str] = {}

    def load(self, oids: Iterable[str]) -> None:
        """Read the blobs that are not loaded yet. One that is too large for a pointer or report counts as empty.

        Raises:
            MvcError: this clone lacks one.
        """
        wanted = sorted(oid for oid in set(oids) - self._content.keys() - {""} if not is_other(oid))
        if wanted:
            self._content.update(zip(wanted, stream_blobs(self._git, wanted, _LIMIT), strict=True))

    def load_files(self, entries: Iterable[Entry]) -> None:
        """Load files; submodules have no blob."""
        self.load(entry.oid for entry in entries if entry.mode != SUBMODULE)

    def load_names(self, pointers: Iterable[Entry]) -> None:
        """Read pointers, and keep only their names."""
        oids = {entry.oid for entry in pointers if entry.mode != SUBMODULE and not is_other(entry.oid)}
        wanted = sorted(oids - self._content.keys() - self._names.keys())
        for oid, raw in zip(wanted, stream_blobs(self._git, wanted, _LIMIT), strict=True):
            self._names[oid] = _identity(FileAt(REGULAR[0], raw, oid)).name if _NAME in raw else ""

    def name(self, oid: str) -> str:
        """Return the name in a loaded pointer; empty when it has none."""
        return self._names[oid] if oid in self._names else self.identity(oid).name

    def identity(self, oid: str) -> Identity:
        """Return name and blake3 of a loaded pointer."""
        found = self.regular(oid)
        return _identity(found) if found else Identity()

    def file(self, entry: Entry | None) -> FileAt | None:
        """Return a loaded file."""
        return entry and FileAt(entry.mode, self._raw(entry.oid), entry.oid)

    def regular(self, oid: str) -> FileAt | None:
        """Return a loaded blob as a regular file; None for an empty name."""
        return self.file(Entry(REGULAR[0], oid)) if oid else None


    def _raw(self, oid: str) -> bytes:
        return raw_of(oid) if is_other(oid) else self._content.get(oid, b"")


def _identity(file: FileAt) -> Identity:
    pointer = pointer_in_file(file)
    return Identity(pointer.notes.name, pointer.identity) if pointer else Identity()


def file_of_index(git: Git, index: Index, path: str) -> FileAt | None:
    """Return a pointer or report of an index; None where there is none, or a conflict."""
    entry = index.entries.get(path)
    if entry is None or entry.conflicted:
        return None
    blobs = Blobs(git)
    blobs.load_files([entry])
    return blobs.file(entry)
