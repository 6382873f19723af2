"""A pointer as a YAML document: its JSON Schema, and error messages for invalid ones.

`mvc.objects.pointer_reader` reads valid pointers without YAML. Only invalid ones are parsed here, for a message that
names the key or the line.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from mvc.errors import InvalidFormat
from mvc.objects.digest import MAX_SIZE, Digest
from mvc.objects.manifest import INLINE_BYTES, INLINE_FILES, Entry, Manifest
from mvc.objects.parsing import strict_yaml
from mvc.objects.parsing.conversion import convert
from mvc.objects.pointer import (
    LABEL,
    MAX_BYTES,
    NAME,
    REMOTE,
    Notes,
    Pointer,
    check_notes,
    dir_pointer,
    emit,
    file_pointer,
)

Blake3 = Annotated[str, Meta(pattern="^[0-9a-f]{64}$", description="BLAKE3, 32 bytes in lower-case hex")]
Xxh128 = Annotated[str, Meta(pattern="^[0-9a-f]{32}$", description="XXH3 128 bit, seed 0, canonical byte order")]
Size = Annotated[int, Meta(ge=0, le=MAX_SIZE, description="bytes")]
Count = Annotated[int, Meta(ge=0, le=MAX_SIZE)]
ModelName = Annotated[str, Meta(pattern=f"^{NAME.pattern}$", description="the registry's name")]
RemoteName = Annotated[str, Meta(pattern=f"^{REMOTE.pattern}$")]
LabelKey = Annotated[str, Meta(pattern=f"^{LABEL.pattern}$")]


class _Notes(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    name: ModelName = ""
    desc: str = ""
    labels: dict[LabelKey, str] = {}
    remote: RemoteName = ""

    def notes(self) -> Notes:
        return check_notes(Notes(self.name, self.desc, tuple(sorted(self.labels.items())), self.remote))


class FileDocument(_Notes, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """The pointer of a file."""

    mvc: Literal[1]
    kind: Literal["file"]
    blake3: Blake3
    xxh128: Xxh128
    size: Size
    exec: bool = False

    def pointer(self) -> Pointer:
        digest = Digest(self.blake3, self.xxh128, self.size)
        return file_pointer(digest, executable=self.exec, notes=self.notes())


class EntryDocument(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A file in the pointer of a directory."""

    path: Annotated[str, Meta(min_length=1)]
    size: Size
    blake3: Blake3
    xxh128: Xxh128
    exec: bool = False


class InlineDocument(_Notes, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """The pointer of a directory, with its files."""

    mvc: Literal[1]
    kind: Literal["dir"]
    manifest: Annotated[list[EntryDocument], Meta(max_length=INLINE_FILES)]

    def pointer(self) -> Pointer:
        entries = (Entry(e.path, e.blake3, e.xxh128, e.size, e.exec) for e in self.manifest)
        pointer = dir_pointer(Manifest.of(entries), notes=self.notes())
        if pointer.manifest is None:
            raise InvalidFormat(f"the list of files has more than {INLINE_BYTES >> 10} KiB")
        return pointer


class LargeDocument(_Notes, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """The pointer of a directory whose manifest is an object."""

    mvc: Literal[1]
    kind: Literal["dir"]
    blake3: Blake3
    xxh128: Xxh128
    size: Size
    files: Count
    total: Size

    def pointer(self) -> Pointer:
        if self.files <= INLINE_FILES and self.size <= INLINE_BYTES:
            raise InvalidFormat("the pointer of a directory this small must list its files")
        digest = Digest(self.blake3, self.xxh128, self.size)
        return Pointer("dir", digest, files=self.files, total=self.total, notes=self.notes())


Document = FileDocument | InlineDocument | LargeDocument


def explain_invalid(raw: bytes, what: str) -> str:
    """Return, in one line, why `raw` is not a pointer in canonical form."""
    try:
        canonical = emit(_read(raw, what).pointer())
    except InvalidFormat as error:
        message = "".join(char if char.isprintable() else repr(char)[1:-1] for char in error.message)
        return message if message.startswith(what) else f"{what}: {message}"
    return f"{what}: {_first_difference(raw, canonical)}"


def _read(raw: bytes, what: str) -> Document:
    data = strict_yaml.load(raw, what=what, max_bytes=MAX_BYTES)
    if not isinstance(data, dict):
        raise InvalidFormat("not a pointer: expected keys and values")
    if isinstance(version := data.get("mvc"), int) and version > 1:
        raise InvalidFormat(f"format {version}, this mvc reads format 1: upgrade mvc")
    return convert(data, _type_of(data), what=what)


def _type_of(data: dict[str, Any]) -> type[Document]:
    if data.get("kind") != "dir":
        return FileDocument
    return InlineDocument if "manifest" in data else LargeDocument


def _first_difference(raw: bytes, canonical: bytes) -> str:
    have, want = raw.decode().splitlines(), canonical.decode().splitlines()
    for number, (line, expected) in enumerate(zip(have, want, strict=False), 1):
        if line != expected:
            unsorted = line.startswith("  - ") and sorted(have) == sorted(want)
            reason = "entries must be sorted by path" if unsorted else f"expected {expected}"
            return f"line {number} is not in canonical form: {reason}"
    return "not in canonical form: line ends, order or trailing text differ"


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a pointer."""
    types = (FileDocument, InlineDocument, LargeDocument)
    references, components = msgspec.json.schema_components(types, ref_template="#/$defs/{name}")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "mvc pointer, format 1",
        "oneOf": list(references),
        "$defs": components,
    }
