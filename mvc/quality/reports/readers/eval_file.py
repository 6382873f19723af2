"""The header of an `.eval` file of Inspect: a zip with a member for each sample, of which nothing else is unpacked.

Formats: https://inspect.aisi.org.uk/eval-logs.html, and section 4.3 of the ZIP File Format Specification (APPNOTE.TXT).
"""

from __future__ import annotations

import os
import struct
import sys
import zlib
from collections.abc import Iterator
from importlib.util import find_spec
from typing import BinaryIO, NamedTuple

from mvc.errors import InvalidFormat, UsageError
from mvc.modelfiles.zip_directory import ENTRY, read_directory
from mvc.packages import install

_HEADER = b"header.json"
_UNFINISHED = b"_journal/start.json"
_MAX_DIRECTORY = 64 << 20
_ENTRY = struct.Struct("<4s4xHH4xIIIHHH8xI")
"""Of an entry: signature, flags, method, CRC-32, both sizes, lengths of name, extra and comment, position."""
_LOCAL = struct.Struct("<4s22xHH")
"""Of what precedes the content: signature, lengths of name and extra."""
_ENCRYPTED = 1
_STORED, _DEFLATED, _ZSTD = 0, 8, 93
_BEYOND = 0xFFFFFFFF
"""A position that a field of Zip64 has."""
_FIELD = struct.Struct("<HH")
"""Of an extra field: kind, length."""
_ZIP64 = 1
_WINDOW = 25
"""Memory that a zstd frame may ask for, as the exponent of 2: 32 MiB."""
_BROKEN = "the zip is damaged, or cut off"


class _Member(NamedTuple):
    """An entry of the directory."""

    name: bytes
    encrypted: bool
    position: int
    method: int
    crc: int
    packed: int
    """Bytes of its compressed content."""
    size: int


def read_header(file: BinaryIO, limit: int) -> bytes:
    """Return the content of `header.json`, of at most `limit` bytes.

    Raises:
        InvalidFormat: it is no `.eval` file, an unfinished one, or a damaged one, or the header is too large.
        UsageError: the package that decompresses it is missing.
        OSError: the file cannot be read.
    """
    if not file.seekable():
        raise InvalidFormat("a zip in a pipe, expected a file")
    size = file.seek(0, os.SEEK_END)
    directory = read_directory(file, size)
    if not directory.sound or directory.length > _MAX_DIRECTORY:
        raise InvalidFormat(_BROKEN)
    file.seek(directory.start)
    found: dict[bytes, list[_Member]] = {_HEADER: [], _UNFINISHED: []}
    for member in _members(file.read(directory.length)):
        if member.name in found:
            found[member.name].append(member)
    if len(found[_HEADER]) != 1:
        unfinished = "the log of an unfinished evaluation" if found[_UNFINISHED] else "a zip that is no .eval file"
        raise InvalidFormat("header.json is twice in the zip" if found[_HEADER] else unfinished)
    (header,) = found[_HEADER]
    if max(header.packed, header.size) > limit:
        raise InvalidFormat(f"header.json has {max(header.packed, header.size):,} bytes, expected at most {limit:,}")
    return _unpacked(file, header)


def _members(directory: bytes) -> Iterator[_Member]:
    at = 0
    while at < len(directory):
        try:
            signature, flags, *fields, name, extra, comment, position = _ENTRY.unpack_from(directory, at)
        except struct.error:
            raise InvalidFormat(_BROKEN) from None
        if signature != ENTRY:
            raise InvalidFormat(_BROKEN)
        at += _ENTRY.size + name
        if position == _BEYOND:
            position = _long_position(directory[at : at + extra])
        yield _Member(directory[at - name : at], bool(flags & _ENCRYPTED), position, *fields)
        at += extra + comment


def _long_position(extra: bytes) -> int:
    """Return a position beyond 4 GiB, the last of the numbers in the Zip64 field of a small member."""
    while len(extra) >= _FIELD.size:
        kind, length = _FIELD.unpack_from(extra)
        if kind == _ZIP64:
            return int.from_bytes(extra[_FIELD.size : _FIELD.size + length][-8:], "little")
        extra = extra[_FIELD.size + length :]
    raise InvalidFormat(_BROKEN)


def _unpacked(file: BinaryIO, member: _Member) -> bytes:
    file.seek(member.position)
    head = file.read(_LOCAL.size)
    if len(head) < _LOCAL.size or not head.startswith(b"PK\x03\x04"):
        raise InvalidFormat(_BROKEN)
    _, name, extra = _LOCAL.unpack(head)
    file.seek(name + extra, os.SEEK_CUR)
    content = _decompressed(file.read(member.packed), member)
    if len(content) != member.size or zlib.crc32(content) != member.crc:
        raise InvalidFormat(_BROKEN)
    return content


def _decompressed(raw: bytes, member: _Member) -> bytes:
    """Return up to the bytes that the directory states, and one more if there are."""
    if member.encrypted:
        raise InvalidFormat("header.json is encrypted")
    if member.method == _STORED:
        return raw
    if member.method == _ZSTD:
        return _zstd(raw, member.size + 1)
    if member.method != _DEFLATED:
        raise InvalidFormat(f"header.json is compressed by method {member.method}, expected {_DEFLATED} or {_ZSTD}")
    try:
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(raw, member.size + 1)
    except zlib.error:
        raise InvalidFormat(_BROKEN) from None


def _zstd(raw: bytes, most: int) -> bytes:
    if sys.version_info >= (3, 14):
        from compression import zstd  # noqa: PLC0415 - few files need it
    else:
        if find_spec("backports") is None or find_spec("backports.zstd") is None:
            raise UsageError("an .eval file needs the package backports-zstd", install("inspect"))
        from backports import zstd  # noqa: PLC0415 - an extra
    options: dict[int, int] = {zstd.DecompressionParameter.window_log_max: _WINDOW}
    try:
        return zstd.ZstdDecompressor(options=options).decompress(raw, most)
    except zstd.ZstdError:
        raise InvalidFormat(_BROKEN) from None
