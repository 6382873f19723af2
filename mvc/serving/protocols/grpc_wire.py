"""The fields of a message of gRPC before it is parsed: parsing stops all threads, and takes up to 60 times its bytes.

Source: https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from mvc.serving.problem import Problem, invalid
from mvc.serving.work import too_much_listed

_NAME, _VERSION, _RAW = 1, 2, 7
"""Numbers of fields of `ModelInferRequest`."""
_VARINT, _BYTES, _WIDTHS = 0, 2, {1: 8, 5: 4}
"""Types of fields; of some, how many bytes they have."""
_MOST_FIELDS = 4000
"""Inputs, outputs, tensors in bytes and the others: each at most 1,000."""
_LONGEST = 10
"""Bytes of a number."""


class Asked(NamedTuple):
    """The model that a request asks for."""

    name: str
    version: str


def asked(raw: bytes, most: int) -> Asked:
    """Return what a `ModelInferRequest` asks for; it may have `most` bytes besides tensors in bytes.

    Raises:
        Problem: it is too large, or cannot be parsed.
    """
    found, listed = {_NAME: b"", _VERSION: b""}, 0
    for count, (number, value) in enumerate(_fields(raw)):
        if count >= _MOST_FIELDS:
            raise invalid(f"the message has more than {_MOST_FIELDS:,} fields")
        if number in found:
            found[number] = bytes(value[:_MOST_FIELDS])
        if number != _RAW and (listed := listed + len(value)) > most:
            raise too_much_listed(most)
    return Asked(found[_NAME].decode(errors="replace"), found[_VERSION].decode(errors="replace"))


def _fields(raw: bytes) -> Iterator[tuple[int, memoryview]]:
    view, at = memoryview(raw), 0
    while at < len(raw):
        key, at = _number(raw, at)
        start, at = _value(raw, key & 7, at)
        if at > len(raw):
            raise _broken()
        yield key >> 3, view[start:at]


def _value(raw: bytes, kind: int, at: int) -> tuple[int, int]:
    """Return where a value begins and ends."""
    if kind == _VARINT:
        return at, _number(raw, at)[1]
    if kind == _BYTES:
        size, start = _number(raw, at)
        return start, start + size
    if kind in _WIDTHS:
        return at, at + _WIDTHS[kind]
    raise _broken()


def _number(raw: bytes, at: int) -> tuple[int, int]:
    found = 0
    for place in range(min(_LONGEST, len(raw) - at)):
        byte = raw[at + place]
        found |= (byte & 0x7F) << 7 * place
        if byte < 0x80:  # noqa: PLR2004 - the last byte of a number
            return found, at + place + 1
    raise _broken()


def _broken() -> Problem:
    return invalid("the message is broken")
