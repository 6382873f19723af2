"""Compressed content as a stream."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any, NamedTuple

from mvc.pickles.source import TRUNCATED, MalformedPickle, Stream, Unreadable

MIN_LIMIT = 1 << 30
RATIO = 100
"""Compressed data may grow to `MIN_LIMIT` bytes, or to `RATIO` times its size: more would be a bomb."""


class Decompressor(NamedTuple):
    """How to decompress a file."""

    new: Callable[[], Any]
    errors: tuple[type[Exception], ...]


def decompressor_for(head: bytes) -> Decompressor | None:
    """Return the decompressor for a file that starts with `head`; None if it is not compressed."""
    if head[:2] in (b"\x1f\x8b", b"x\x01", b"x^", b"x\x9c", b"x\xda"):
        return Decompressor(lambda: _Zlib(zlib.decompressobj(wbits=47)), (zlib.error,))  # 47: zlib or gzip
    if head.startswith(b"BZh"):
        from bz2 import BZ2Decompressor  # noqa: PLC0415 - few files need it

        return Decompressor(BZ2Decompressor, (OSError,))
    if head.startswith((b"\xfd7zXZ\0", b"]\0")):
        from lzma import LZMADecompressor, LZMAError  # noqa: PLC0415 - as above

        return Decompressor(lambda: LZMADecompressor(memlimit=_LZMA_MEMORY), (LZMAError,))
    return None
_LZMA_MEMORY = 128 << 20
"""Twice what `xz -9` needs; a file can ask for 4 GiB."""
_BLOCK = 1 << 16
TOO_LARGE = "too large once decompressed"


class _Zlib:
    """zlib's decompressor, with the interface of the others."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self._rest = b""

    @property
    def eof(self) -> bool:
        """Whether it reached the end of the stream."""
        return bool(self._inner.eof)

    @property
    def needs_input(self) -> bool:
        """Whether it needs more input to return more."""
        return not self._rest

    @property
    def unused_data(self) -> bytes:
        """The input after the end of the stream."""
        return bytes(self._inner.unused_data)

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """Return up to `max_length` bytes."""
        output = self._inner.decompress(self._rest + data, max_length)
        self._rest = self._inner.unconsumed_tail
        return bytes(output)


class Decompressed:
    """The content of a compressed file, as a stream."""

    def __init__(self, file: Stream, decompressor: Decompressor) -> None:
        self._file, self._decompressor = file, decompressor
        self._current = decompressor.new()

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes; none at the end."""
        try:
            return self._read(size)
        except self._decompressor.errors as error:
            if "limit" in str(error):  # LZMAError has no attribute that tells it apart
                raise Unreadable(f"cannot decompress: {error}") from None
            raise MalformedPickle(f"cannot decompress: {error}") from None

    def _read(self, size: int) -> bytes:
        while True:
            if self._current.eof:
                rest = self._current.unused_data or self._file.read(_BLOCK)
                if not rest:
                    return b""
                self._current = self._decompressor.new()
                data = self._current.decompress(rest, size)
            elif self._current.needs_input:
                more = self._file.read(_BLOCK)
                if not more:
                    raise MalformedPickle(TRUNCATED)
                data = self._current.decompress(more, size)
            else:
                data = self._current.decompress(b"", size)
            if data:
                return bytes(data)
