"""Reading pointers without YAML, as only their canonical form is valid.

`mvc.objects.pointer_document` explains errors in any other.
"""

from __future__ import annotations

import re

from mvc.errors import InvalidFormat
from mvc.objects.digest import MAX_SIZE, Digest
from mvc.objects.manifest import INLINE_BYTES, INLINE_FILES, Entry, Manifest
from mvc.objects.pointer import MAX_BYTES, Notes, Pointer, check_notes, dir_pointer, emit, file_pointer

_STRING = r'"((?:[^"\\\n]|\\["\\]|\\U[0-9A-F]{8})*)"'
_NUMBER = r"(0|[1-9][0-9]{0,18})"
_HASHES = r'blake3: "([0-9a-f]{64})"\nxxh128: "([0-9a-f]{32})"\n'
_NOTES = (
    rf"(?:name: {_STRING}\n)?(?:desc: {_STRING}\n)?"
    rf'(?:labels: \{{((?:[a-z][a-z0-9_.-]*: "(?:[^"\\\n]|\\.)*"(?:, )?)+)\}}\n)?(?:remote: {_STRING}\n)?'
)
_FILE = re.compile(rf'mvc: 1\nkind: "file"\n{_HASHES}size: {_NUMBER}\n(exec: true\n)?{_NOTES}', re.ASCII)
_LARGE = re.compile(
    rf'mvc: 1\nkind: "dir"\n{_HASHES}size: {_NUMBER}\nfiles: {_NUMBER}\ntotal: {_NUMBER}\n{_NOTES}', re.ASCII,
)
_INLINE = re.compile(rf'mvc: 1\nkind: "dir"\nmanifest:(?: \[\]\n|\n((?:  - \{{[^\n]*\}}\n)+)){_NOTES}', re.ASCII)
_ENTRY = re.compile(
    rf"  - \{{path: {_STRING}, size: {_NUMBER}, (exec: true, )?"
    r'blake3: "([0-9a-f]{64})", xxh128: "([0-9a-f]{32})"\}\n',
    re.ASCII,
)
_LABELS = re.compile(rf"([a-z][a-z0-9_.-]*): {_STRING}")
_UNQUOTE = re.compile(r'\\(?:(["\\])|U([0-9A-F]{8}))')


def parse(raw: bytes, what: str = "pointer") -> Pointer:
    """Return the pointer in `raw`; `what` names the file in errors.

    Raises:
        InvalidFormat: `raw` is not a pointer in canonical form.
        InvalidName: a path in it is refused.
    """
    try:
        pointer = _match(raw) if len(raw) <= MAX_BYTES else None
        if pointer is not None and emit(pointer) == raw:
            return pointer
    except InvalidFormat as error:
        raise type(error)(f"{what}: {error.message}") from None
    from mvc.objects.pointer_document import explain_invalid  # noqa: PLC0415 - only invalid pointers need YAML

    raise InvalidFormat(explain_invalid(raw, what))


def pointer_in(raw: bytes) -> Pointer | None:
    """Return the pointer in `raw`; None if invalid."""
    try:
        return parse(raw)
    except InvalidFormat:
        return None


def _match(raw: bytes) -> Pointer | None:
    try:
        text = raw.decode()
        return _match_file(text) or _match_large(text) or _match_inline(text)
    except (ValueError, OverflowError):  # not UTF-8, or \U beyond Unicode
        return None


def _match_file(text: str) -> Pointer | None:
    if (match := _FILE.fullmatch(text)) is None or (size := int(match[3])) > MAX_SIZE:
        return None
    return file_pointer(Digest(match[1], match[2], size), executable=bool(match[4]), notes=_notes(*match.groups()[4:]))


def _match_large(text: str) -> Pointer | None:
    if (match := _LARGE.fullmatch(text)) is None:
        return None
    size, files, total = (int(match[group]) for group in (3, 4, 5))
    if max(size, files, total) > MAX_SIZE or (files <= INLINE_FILES and size <= INLINE_BYTES):
        return None
    notes = _notes(*match.groups()[5:])
    return Pointer("dir", Digest(match[1], match[2], size), files=files, total=total, notes=notes)


def _match_inline(text: str) -> Pointer | None:
    if (match := _INLINE.fullmatch(text)) is None:
        return None
    entries = tuple(_entry(*fields) for fields in _ENTRY.findall(match[1] or ""))
    if any(entry.size > MAX_SIZE for entry in entries):
        return None
    manifest = Manifest.of(entries)
    pointer = dir_pointer(manifest, notes=_notes(*match.groups()[1:]))
    return pointer if tuple(manifest.entries) == entries and pointer.manifest is not None else None


def parse_entry(line: str) -> Entry | None:
    """Return the file that a line of an inline manifest lists; None for any other line."""
    try:
        match = _ENTRY.fullmatch(f"{line}\n")
        return _entry(*match.groups()) if match and int(match[2]) <= MAX_SIZE else None
    except (ValueError, OverflowError):  # \U beyond Unicode
        return None


def _entry(path: str, size: str, executable: str | None, blake3: str, xxh128: str) -> Entry:
    return Entry(unquote(path), blake3, xxh128, int(size), bool(executable))


def _notes(name: str | None, desc: str | None, labels: str | None, remote: str | None) -> Notes:
    if not (name or desc or labels or remote):
        return Notes()
    pairs = tuple((key, unquote(text)) for key, text in _LABELS.findall(labels or ""))
    return check_notes(Notes(unquote(name or ""), unquote(desc or ""), pairs, unquote(remote or "")))


def unquote(body: str) -> str:
    """Undo `quote` for the text between the quotes."""
    if "\\" not in body:
        return body
    return _UNQUOTE.sub(lambda match: match[1] or chr(int(match[2], 16)), body)
