"""The pointer: the small YAML file in Git that stands for a tracked file or directory.

Format: docs/formats.md, "Pointer". It has one canonical form: the bytes that `emit` returns.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple, TypeAlias

from mvc.errors import InvalidFormat
from mvc.objects.digest import Digest
from mvc.objects.manifest import Encoded, Entry, Manifest, encode

SUFFIX = ".mvc"
SOFT_HYPHEN = "\u00ad"
"""Unicode 3.2 takes it for a dash; it is invisible, and a format character since Unicode 4.0."""
MAX_BYTES = 512 << 10
"""Bytes of a pointer: 64 KiB of paths, every character escaped, are five times as many."""

Kind: TypeAlias = Literal["file", "dir"]

NAME = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9/_-]*[a-zA-Z0-9])?", re.ASCII)
"""GTO 1.10's grammar for the name of an artifact, without its optional `dirname:`."""
REMOTE = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9_.-]{0,62}[a-zA-Z0-9])?", re.ASCII)
LABEL = re.compile(r"(?!(?:null|true|false|yes|no|on|off|y|n)$)[a-z](?:[a-z0-9_.-]{0,62})", re.ASCII)
"""A label's key: none that some YAML reader takes for a boolean or null."""


class Notes(NamedTuple):
    """What people say of a tracked path; it identifies nothing."""

    name: str = ""
    desc: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    remote: str = ""


class Pointer(NamedTuple):
    """A tracked file (`digest` of its bytes) or directory (`digest` of its manifest object)."""

    kind: Kind
    digest: Digest
    exec: bool = False
    manifest: Manifest | None = None
    """A directory's files when the pointer lists them itself."""
    files: int = 1
    total: int = 0
    """Bytes of content."""
    notes: Notes = Notes()

    @property
    def content(self) -> tuple[Kind, Digest, bool]:
        """What decides whether two pointers stand for the same bytes."""
        return self.kind, self.digest, self.exec


def file_pointer(digest: Digest, *, executable: bool = False, notes: Notes = Notes()) -> Pointer:
    """Return the pointer of a file."""
    return Pointer("file", digest, executable, total=digest.size, notes=notes)


def dir_pointer(manifest: Manifest, encoded: Encoded | None = None, notes: Notes = Notes()) -> Pointer:
    """Return the pointer of a directory; `encoded` saves encoding `manifest` again."""
    encoded = encoded or encode(manifest)
    inline = manifest if encoded.inline else None
    return Pointer(
        "dir", encoded.digest, manifest=inline, files=manifest.files, total=manifest.total, notes=notes,
    )


def path_of(pointer_path: str) -> str:
    """Return the tracked path of a pointer file: `a/b.onnx.mvc` gives `a/b.onnx`."""
    return pointer_path.removesuffix(SUFFIX)


# Writing.


def emit(pointer: Pointer) -> bytes:
    """Return the pointer's one spelling.

    Raises:
        InvalidFormat: the formats cannot carry its notes, or it would be too large.

    """
    lines = ["mvc: 1", f'kind: "{pointer.kind}"']
    if pointer.manifest is None:
        lines += _digest_lines(pointer)
    elif pointer.manifest.entries:
        lines += ["manifest:", *map(_entry_line, pointer.manifest.entries)]
    else:
        lines += ["manifest: []"]
    lines += _note_lines(check_notes(pointer.notes))
    raw = ("\n".join(lines) + "\n").encode()
    if len(raw) > MAX_BYTES:
        raise InvalidFormat(f"the pointer would be {len(raw)} bytes, at most {MAX_BYTES} are read: shorten its desc")
    return raw


def _digest_lines(pointer: Pointer) -> list[str]:
    digest = pointer.digest
    lines = [f'blake3: "{digest.blake3}"', f'xxh128: "{digest.xxh128}"', f"size: {digest.size}"]
    if pointer.kind == "dir":
        return [*lines, f"files: {pointer.files}", f"total: {pointer.total}"]
    return [*lines, "exec: true"] if pointer.exec else lines


def _entry_line(entry: Entry) -> str:
    executable = "exec: true, " if entry.exec else ""
    return (
        f"  - {{path: {quote(entry.path)}, size: {entry.size}, {executable}"
        f'blake3: "{entry.blake3}", xxh128: "{entry.xxh128}"}}'
    )


def _note_lines(notes: Notes) -> list[str]:
    lines = [f"{key}: {quote(text)}" for key, text in (("name", notes.name), ("desc", notes.desc)) if text]
    if notes.labels:
        pairs = ", ".join(f"{key}: {quote(text)}" for key, text in notes.labels)
        lines.append(f"labels: {{{pairs}}}")
    return [*lines, f"remote: {quote(notes.remote)}"] if notes.remote else lines


_ESCAPE = re.compile(r"[^ !#-\[\]-~]")


def quote(text: str) -> str:
    r"""Return `text` as a double-quoted YAML string, in the pointer's one spelling.

    Printable characters stand as they are, quote and backslash behind a backslash, the rest
    as `\UXXXXXXXX`. Printable is asked of Unicode 3.2 (RFC 3454, table A.1 has what that
    version leaves unassigned), so that the answer is the same in every Python.
    """
    return f'"{_ESCAPE.sub(_escape, text)}"'


def _escape(match: re.Match[str]) -> str:
    char = match[0]
    if char in '"\\':
        return "\\" + char
    return char if _printable(char) else f"\\U{ord(char):08X}"


def _printable(char: str) -> bool:
    from unicodedata import ucd_3_2_0  # noqa: PLC0415 - only names beyond ASCII need it

    return char <= "\uffff" and char != SOFT_HYPHEN and ucd_3_2_0.category(char)[0] not in "CZ"


# Reading.


def check_notes(notes: Notes) -> Notes:
    """Return `notes` when the formats can carry them.

    Raises:
        InvalidFormat: a name, label or remote breaks its grammar, or labels are unsorted.

    """
    if notes.name and NAME.fullmatch(notes.name) is None:
        raise InvalidFormat(f"refused name {notes.name!r}: letters, digits, '-', '_' and '/' only, no dots")
    if notes.remote and REMOTE.fullmatch(notes.remote) is None:
        raise InvalidFormat(f"refused remote name {notes.remote!r}")
    keys = [key for key, _ in notes.labels]
    if keys != sorted(set(keys)) or not all(map(LABEL.fullmatch, keys)):
        raise InvalidFormat("labels must be sorted, unique, lower-case words")
    if any("\ud800" <= char <= "\udfff" for text in (notes.desc, *(text for _, text in notes.labels)) for char in text):
        raise InvalidFormat("a description or label is not UTF-8")
    return notes
