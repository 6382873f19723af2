"""The files in small archives and compressed files, unpacked in memory as far as a budget allows."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

_BLOCK = 512
"""Bytes of a tar's header, and what contents are padded to."""
_ZLIB = re.compile(rb"\x1f\x8b|x[\x01\x5e\x9c\xda]")
_BZ2 = re.compile(rb"BZh[1-9]")
_LZMA = re.compile(rb"\xfd7zXZ\0|\]\0\0")
_MEMORY = 128 << 20
"""Bytes that a decompressor of xz may use; `xz -9` needs half of it, a file can demand 4 GiB."""


def is_archive(head: bytes) -> bool:
    """Whether a file that begins with `head` can be unpacked."""
    return head.startswith(b"PK") or _is_tar(head) or _decompressor(head) is not None


class Budget:
    """How many bytes may still be unpacked, of an archive and of those in it."""

    def __init__(self, size: int) -> None:
        """Allow `size` bytes."""
        self.left = size

    def spend(self, raw: bytes) -> bytes:
        """Return what was unpacked."""
        self.left -= len(raw)
        return raw


def members(head: bytes, budget: Budget) -> Iterator[tuple[bytes, int]]:
    """Yield the beginning of each file in an archive, and its size in bytes; of a compressed file its content.

    The archive may be cut off. A size is just too large where it is unknown.
    """
    if head.startswith(b"PK"):
        yield from _of_zip(head, budget)
    elif _is_tar(head):
        yield from _of_tar(head)
    elif new := _decompressor(head):
        limit = max(budget.left, 0)
        raw = budget.spend(_decompressed(new, head, limit))
        yield raw, len(raw) + (len(raw) == limit)


def _of_zip(head: bytes, budget: Budget) -> Iterator[tuple[bytes, int]]:
    import io  # noqa: PLC0415 - import time, of the hook
    import zipfile  # noqa: PLC0415 - as above
    from lzma import LZMAError  # noqa: PLC0415 - as above
    from struct import error  # noqa: PLC0415 - as above

    unreadable = (zipfile.BadZipFile, zlib.error, LZMAError, error, OSError, ValueError, EOFError, RuntimeError)
    with suppress(*unreadable), zipfile.ZipFile(io.BytesIO(head)) as opened:
        for info in opened.infolist():
            with suppress(*unreadable), opened.open(info) as file:
                yield budget.spend(file.read(max(budget.left, 0))), info.file_size


# Tar.


def _is_tar(head: bytes) -> bool:
    """Whether a block is a header: its checksum is right. Older forms have no magic bytes."""
    block = head[:_BLOCK]
    if len(block) < _BLOCK or not block[0]:
        return False
    return _octal(block[148:156]) == sum(block[:148]) + sum(block[156:]) + 8 * ord(" ")


def _octal(field: bytes) -> int:
    digits = field.strip(b" \0")
    return int(digits, 8) if re.fullmatch(rb"[0-7]+", digits) else -1


def _of_tar(raw: bytes) -> Iterator[tuple[bytes, int]]:
    position = 0
    while _is_tar(raw[position : position + _BLOCK]):
        size = max(_octal(raw[position + 124 : position + 136]), 0)
        position += _BLOCK
        yield raw[position : position + size], size
        position += -(-size // _BLOCK) * _BLOCK


# Compressed files.


def _decompressor(head: bytes) -> Callable[[], Any] | None:
    """Return what makes a decompressor for a file; None if it is not compressed."""
    if _ZLIB.match(head):
        return lambda: zlib.decompressobj(wbits=47)  # zlib or gzip
    if _BZ2.match(head):
        from bz2 import BZ2Decompressor  # noqa: PLC0415 - few files need it

        return BZ2Decompressor
    if _LZMA.match(head):
        from lzma import LZMADecompressor  # noqa: PLC0415 - as above

        return lambda: LZMADecompressor(memlimit=_MEMORY)
    return None


def _decompressed(new: Callable[[], Any], raw: bytes, limit: int) -> bytes:
    """Return up to `limit` bytes of all streams of a compressed file, as far as they can be read."""
    from lzma import LZMAError  # noqa: PLC0415 - as above

    found = b""
    with suppress(zlib.error, OSError, LZMAError, EOFError, ValueError):
        while raw and len(found) < limit:
            stream = new()
            found += stream.decompress(raw, limit - len(found))
            raw = stream.unused_data if stream.eof else b""
    return found
