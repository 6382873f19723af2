"""The pointer: the small YAML file in Git that represents a tracked file or directory.

Format: docs/formats.md, "Pointer". Its only valid form is what `emit` returns.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple, TypeAlias

from mvc.errors import InvalidFormat
from mvc.objects.digest import Digest
from mvc.objects.manifest import Entry, Manifest

SUFFIX = ".mvc"
SOFT_HYPHEN = "\u00ad"
"""A dash in Unicode 3.2, but invisible, and a format character since Unicode 4.0."""
MAX_BYTES = 512 << 10
"""Largest pointer: 64 KiB of paths with all characters escaped are 320 KiB."""

Kind: TypeAlias = Literal["file", "dir"]

NAME = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9/_-]*[a-zA-Z0-9])?", re.ASCII)
"""GTO 1.10's grammar for artifact names, without the optional `dirname:`."""
REMOTE = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9_.-]{0,62}[a-zA-Z0-9])?", re.ASCII)
LABEL = re.compile(r"(?!(?:null|true|false|yes|no|on|off|y|n)$)[a-z](?:[a-z0-9_.-]{0,62})", re.ASCII)
"""The key of a label, which no YAML reader reads as a boolean or null."""


class Notes(NamedTuple):
    """Users' notes about a tracked path; not part of its identity."""

    name: str = ""
    desc: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    remote: str = ""


class Pointer(NamedTuple):
    """A tracked file, with its digest, or a directory, with the digest of its manifest object."""

    kind: Kind
    digest: Digest
    exec: bool = False
    manifest: Manifest | None = None
    """The files of a directory if the pointer lists them."""
    files: int = 1
    total: int = 0
    """Bytes of content."""
    notes: Notes = Notes()
    other: str = ""
    """The digest that DVC or git-lfs has of it instead: `md5:…` or `sha256:…`, as in a report."""

    @property
    def identity(self) -> str:
        """The digest that tells its content from other content: the blake3, or that of another program."""
        return self.other or self.digest.blake3

    @property
    def content(self) -> tuple[Kind, str, Digest, bool]:
        """Equal for pointers of the same content."""
        return self.kind, self.identity, self.digest, self.exec


def file_pointer(digest: Digest, *, executable: bool = False, notes: Notes = Notes()) -> Pointer:
    """Return the pointer of a file."""
    return Pointer("file", digest, executable, total=digest.size, notes=notes)


def dir_pointer(manifest: Manifest, notes: Notes = Notes()) -> Pointer:
    """Return the pointer of a directory."""
    inline = manifest if manifest.is_inline else None
    return Pointer("dir", manifest.digest, manifest=inline, files=manifest.files, total=manifest.total, notes=notes)


def path_of(pointer_path: str) -> str:
    """Return the tracked path of a pointer file: `a/b.onnx.mvc` gives `a/b.onnx`."""
    return pointer_path.removesuffix(SUFFIX)


# Writing.


def emit(pointer: Pointer) -> bytes:
    """Return the pointer in canonical form.

    Raises:
        InvalidFormat: its notes are invalid, or it would be too large.
    """
    lines = ["mvc: 1", f'kind: "{pointer.kind}"']
    if pointer.manifest is None:
        lines += _digest_lines(pointer)
    elif pointer.manifest.files:
        lines += ["manifest:", *map(_entry_line, pointer.manifest.entries)]
    else:
        lines += ["manifest: []"]
    lines += _note_lines(check_notes(pointer.notes))
    raw = ("\n".join(lines) + "\n").encode()
    if len(raw) > MAX_BYTES:
        raise InvalidFormat(f"the pointer would have {len(raw)} bytes, expected at most {MAX_BYTES}: shorten its desc")
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
    r"""Return `text` as a double-quoted YAML string in canonical form.

    Quotes and backslashes get a backslash, characters that are not printable become `\UXXXXXXXX`. Whether a character
    is printable is decided by Unicode 3.2 (unassigned ones: RFC 3454, table A.1), so that all Pythons agree.
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


def check_notes(notes: Notes) -> Notes:
    """Return `notes` if they are valid.

    Raises:
        InvalidFormat: a name, label or remote is invalid, or labels are not sorted.
    """
    if notes.name and NAME.fullmatch(notes.name) is None:
        raise InvalidFormat(f"invalid name {notes.name!r}: expected letters, digits, '-', '_' and '/'")
    if notes.remote and REMOTE.fullmatch(notes.remote) is None:
        raise InvalidFormat(f"invalid remote name {notes.remote!r}")
    keys = [key for key, _ in notes.labels]
    if keys != sorted(set(keys)) or not all(map(LABEL.fullmatch, keys)):
        raise InvalidFormat("invalid labels: expected sorted, unique, lower-case keys")
    if any("\ud800" <= char <= "\udfff" for text in (notes.desc, *(text for _, text in notes.labels)) for char in text):
        raise InvalidFormat("invalid description or label: expected UTF-8")
    return notes
