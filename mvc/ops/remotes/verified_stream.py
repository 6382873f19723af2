"""A file object that compares what it reads with a digest."""

from __future__ import annotations

import io
import os
from contextlib import ExitStack
from typing import BinaryIO

from blake3 import blake3
from xxhash import xxh3_128

from mvc.errors import CorruptObject
from mvc.objects.digest import Digest


class VerifiedStream(io.RawIOBase):
    """A stream that checks its digest after the last byte if it was read in order, without a seek."""

    def __init__(self, raw: BinaryIO, digest: Digest, on_close: ExitStack, fix: str) -> None:
        """Read `raw`, expected to be `digest`. `on_close` is closed with the stream; `fix` repairs a mismatch."""
        self._raw, self._digest, self._on_close, self._fix = raw, digest, on_close, fix
        self._blake3, self._xxh128 = blake3(), xxh3_128()
        self._position = self._hashed = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._position = self._raw.seek(offset, whence)
        return self._position

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]  # a buffer, as typeshed says elsewhere
        data = self._raw.read(len(view)) or b""
        view[: len(data)] = data
        if self._position == self._hashed:
            self._hash(data)
        self._position += len(data)
        return len(data)

    def _hash(self, data: bytes) -> None:
        self._blake3.update(data)
        self._xxh128.update(data)
        self._hashed += len(data)
        at_end = not data or self._hashed >= self._digest.size
        if at_end and Digest(self._blake3.hexdigest(), self._xxh128.hexdigest(), self._hashed) != self._digest:
            raise CorruptObject(f"object {self._digest.blake3}: the content does not match its digest", self._fix)

    def close(self) -> None:
        if not self.closed:
            super().close()
            self._on_close.close()
