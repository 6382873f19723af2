"""Where an ONNX model keeps weights outside of its own file.

Reads tags and lengths, and steps over everything else: weights in the file are not read.
Format: https://onnx.ai/onnx/repo-docs/ExternalData.html; the fields: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple, TypeAlias

from mvc.errors import InvalidFormat

MOST_FIELDS = 3_000_000
"""Fields that are read; the graph of a large language model has a tenth of that."""
DEEPEST = 64
"""Messages in each other: a graph in a loop of a graph has four more."""
LONGEST = 4096
"""Bytes of a location, as of a path."""

_VARINT, _FIXED64, _LENGTH, _GROUP, _GROUP_END, _FIXED32 = range(6)
_LENGTHS = {_FIXED64: 8, _FIXED32: 4, _GROUP: 0, _GROUP_END: 0}
"""Bytes of a field by type. ONNX has no groups, but its parsers skip them; here their content is read as well."""
_TAG = (1 << 32) - 1
"""The bits of a tag: parsers drop those above."""
_Inner: TypeAlias = dict[int, str]
_MESSAGES: dict[str, _Inner] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {13: "entry"},
}
"""By kind of message: the fields that lead to external data."""


class _Message(NamedTuple):
    kind: str
    end: int


def external_locations(file: BinaryIO) -> list[str]:
    """Return the locations of external data, sorted; none for a file that is not ONNX.

    Raises:
        InvalidFormat: it has more fields, or is nested deeper, than any model.
    """
    size = file.seek(0, 2)
    file.seek(0)
    found: set[str] = set()
    open_: list[_Message] = [_Message("model", size)]
    for _ in range(MOST_FIELDS):
        while open_ and file.tell() == open_[-1].end:
            open_.pop()
        if not open_:
            return sorted(found)
        field = next_field(file, open_[-1].end)
        if field is None:  # not a protobuf, or the end of what can be read
            return sorted(found)
        number, end = field
        kind = _MESSAGES[open_[-1].kind].get(number, "")
        if kind == "entry":
            found.update(_location(file, end))
        elif kind:
            open_.append(_Message(kind, end))
            if len(open_) > DEEPEST:
                raise InvalidFormat(f"messages are nested deeper than {DEEPEST}")
            continue
        file.seek(end)
    raise InvalidFormat(f"it has more than {MOST_FIELDS:,} fields")


def next_field(file: BinaryIO, end: int) -> tuple[int, int] | None:
    """Read a field's tag; return its number and its end, where its content is length-delimited that of the content.

    None for anything that does not fit before `end`.
    """
    tag = varint(file)
    wire = tag & 7
    if wire == _VARINT:
        return (0, file.tell()) if varint(file) >= 0 and file.tell() <= end else None
    length = varint(file) if wire == _LENGTH else _LENGTHS.get(wire, -1)
    after = file.tell() + length
    if tag < 0 or length < 0 or after > end:
        return None
    return ((tag & _TAG) >> 3 if wire == _LENGTH else 0), after


def varint(file: BinaryIO) -> int:
    """Return the next number; -1 if it is incomplete or too long."""
    value = 0
    for shift in range(0, 70, 7):
        byte = file.read(1)
        if not byte:
            return -1
        value |= (byte[0] & 0x7F) << shift
        if byte[0] < 0x80:  # noqa: PLR2004 - the last byte
            return value
    return -1


def _location(file: BinaryIO, end: int) -> Iterator[str]:
    """Yield the value of an entry of external data whose key is `location`."""
    texts = {}
    while file.tell() < end:
        field = next_field(file, end)
        if field is None:
            return
        number, after = field
        texts[number] = file.read(min(after - file.tell(), LONGEST + 1))
        file.seek(after)
    if texts.get(1) == b"location":
        yield texts.get(2, b"").decode(errors="replace")
