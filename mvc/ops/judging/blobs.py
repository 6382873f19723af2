"""Pointers and reports of any commit, as the gate reads them: each once, as blobs of Git."""

from __future__ import annotations

from collections.abc import Iterable

from mvc.errors import InvalidFormat
from mvc.objects.pointer import MAX_BYTES as MAX_POINTER
from mvc.objects.pointer_reader import parse
from mvc.ops.judging.touched_models import GITLINK
from mvc.quality.files import MAX_BYTES as MAX_REPORT
from mvc.quality.files import FileAt
from mvc.scm.blobs import stream_blobs
from mvc.scm.index_changes import Entry
from mvc.scm.landing import Merge

REGULAR = ("100644", "100755")
"""Modes of regular files."""
_NAMED = b"\nname: "
_LIMIT = max(MAX_POINTER, MAX_REPORT)


class Blobs:
    """Blobs of Git, each read once."""

    def __init__(self, merge: Merge) -> None:
        """Read nothing yet."""
        self._git = merge.git
        self._read: dict[str, bytes] = {}
        self._names: dict[str, str] = {}

    def load(self, oids: Iterable[str]) -> None:
        """Read those that are not read yet; what is too large to be one of ours counts as empty.

        Raises:
            MvcError: this clone lacks one.

        """
        wanted = sorted(set(oids) - self._read.keys() - {""})
        if not wanted:
            return
        for oid, raw in zip(wanted, stream_blobs(self._git, wanted, _LIMIT), strict=True):
            self._read[oid] = raw

    def load_files(self, entries: Iterable[Entry]) -> None:
        """Read those of the files that are blobs."""
        self.load(entry.oid for entry in entries if entry.mode != GITLINK)

    def load_names(self, pointers: Iterable[Entry]) -> None:
        """Read pointers, and keep nothing but their names."""
        oids = {entry.oid for entry in pointers if entry.mode != GITLINK}
        wanted = sorted(oids - self._read.keys() - self._names.keys())
        for oid, raw in zip(wanted, stream_blobs(self._git, wanted, _LIMIT), strict=True):
            self._names[oid] = _identity(raw)[0] if _NAMED in raw else ""

    def name(self, oid: str) -> str:
        """Return the name in a pointer that was loaded, if only for that; empty when it has none."""
        return self._names[oid] if oid in self._names else self.identity(oid)[0]

    def identity(self, oid: str) -> tuple[str, str]:
        """Return name and blake3 in a pointer that was loaded, empty where they cannot be read."""
        return _identity(self._read.get(oid, b""))

    def file(self, entry: Entry | None) -> FileAt | None:
        """Return a file that was loaded."""
        return entry and FileAt(entry.mode, self._read.get(entry.oid, b""), entry.oid)

    def regular(self, oid: str) -> FileAt | None:
        """Return a regular file that was loaded; None for the empty name."""
        return self.file(Entry(REGULAR[0], oid)) if oid else None


def _identity(raw: bytes) -> tuple[str, str]:
    try:
        pointer = parse(raw)
    except InvalidFormat:
        return "", ""
    return pointer.notes.name, pointer.digest.blake3
