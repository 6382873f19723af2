"""The central directory of a zip: section 4.3 of the ZIP File Format Specification (APPNOTE.TXT)."""

from __future__ import annotations

from typing import BinaryIO, NamedTuple

ENTRY = b"PK\x01\x02"
END = b"PK\x05\x06"
_END64 = b"PK\x06\x06"
_LOCATOR = b"PK\x06\x07"
_END_BYTES = 22
_LOCATOR_BYTES = 20
_END64_BYTES = 56
_COMMENT = 1 << 16


def read_tail(file: BinaryIO, size: int) -> bytes:
    """Return the last bytes of a file of `size` bytes, which hold the end record if it is a zip."""
    file.seek(max(0, size - _COMMENT - _END_BYTES - _LOCATOR_BYTES - _END64_BYTES))
    return file.read(_COMMENT + _END_BYTES + _LOCATOR_BYTES + _END64_BYTES)


class Directory(NamedTuple):
    """The central directory of a zip, as its end record describes it."""

    start: int
    length: int
    sound: bool
    """Whether every reader finds the same one: right before the end record, which ends the file."""


def read_directory(file: BinaryIO, size: int) -> Directory:
    """Return the directory of a zip of `size` bytes, by its end record; other bytes may precede the zip."""
    tail = read_tail(file, size)
    at = tail.rfind(END)
    end = tail[at : at + _END_BYTES]
    position = size - len(tail) + at
    sound = len(end) == _END_BYTES and position + _END_BYTES + int.from_bytes(end[20:22], "little") == size
    length, start = int.from_bytes(end[12:16], "little"), int.from_bytes(end[16:20], "little")
    if tail[max(0, at - _LOCATOR_BYTES) :].startswith(_LOCATOR):
        long = tail[max(0, at - _LOCATOR_BYTES - _END64_BYTES) :]
        sound = sound and long.startswith(_END64)
        if long.startswith(_END64):
            short = (length, start)
            length, start = int.from_bytes(long[40:48], "little"), int.from_bytes(long[48:56], "little")
            position -= _LOCATOR_BYTES + _END64_BYTES
            sound = sound and position == int.from_bytes(tail[at - 12 : at - 4], "little")
            sound = sound and short[0] in (length, 0xFFFFFFFF) and short[1] in (start, 0xFFFFFFFF)
    return Directory(position - length, length, sound and start == position - length)
