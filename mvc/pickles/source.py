"""A stream of opcodes, of which large arguments are skipped."""

from __future__ import annotations

import re
from typing import Protocol

SHORT = 512
"""Bytes of a string that may be a name; of longer ones nothing is known."""
_BLOCK = 1 << 16


class Broken(Exception):
    """The bytes are no pickle, or not all of one."""


class Stream(Protocol):
    """Bytes in a row."""

    def read(self, size: int, /) -> bytes:
        """Return up to so many bytes; none at the end."""
        ...


class Source:
    """A stream that is read opcode by opcode; large arguments are skipped, by seeking where that is possible."""

    def __init__(self, stream: Stream, size: int | None = None) -> None:
        """Read `stream`, which is at its start. One whose `size` is known can be sought."""
        self._stream = stream
        self._size = size
        self.data = b""
        self.at = 0
        self._start = 0
        """Where `data` begins in the stream."""

    @property
    def position(self) -> int:
        """How many bytes are behind us."""
        return self._start + self.at

    def go(self, position: int) -> None:
        """Go to a place behind this one, or to any where the stream can be sought."""
        if self._start <= position <= self._start + len(self.data):
            self.at = position - self._start
        elif self._size is not None:
            if position > self._size:
                raise Broken("it is cut off")
            self._stream.seek(position)  # type: ignore[attr-defined]  # whose size is known can be sought
            self.data, self.at, self._start = b"", 0, position
        elif position < self._start:
            raise Broken("it cannot be read once more")
        else:
            while self._start + len(self.data) < position:
                self._next()
            self.at = position - self._start

    def starts(self, word: bytes) -> bool:
        """Whether `word` is what follows."""
        return self._fill(len(word)) and self.data.startswith(word)

    def at_end(self) -> bool:
        """Whether nothing follows."""
        return self.at == len(self.data) and not self._fill(1)

    def byte(self) -> int:
        """Return the next byte."""
        if self.at == len(self.data) and not self._fill(1):
            raise Broken("it is cut off")
        value = self.data[self.at]
        self.at += 1
        return value

    def take(self, count: int) -> bytes:
        """Return the next few bytes."""
        end = self.at + count
        if end > len(self.data):
            if not self._fill(count):
                raise Broken("it is cut off")
            end = self.at + count
        data = self.data[self.at : end]
        self.at = end
        return data

    def number(self, width: int) -> int:
        """Return an unsigned number of so many bytes, the lowest first."""
        return int.from_bytes(self.take(width), "little")

    def skip(self, count: int) -> None:
        """Go on behind so many bytes."""
        self.go(self.position + count)

    def line(self) -> bytes:
        """Return what stands before the next line feed; the beginning where that is long."""
        found = b""
        while True:
            end = self.data.find(b"\n", self.at)
            part = self.data[self.at : end if end >= 0 else len(self.data)]
            found += part[: max(0, SHORT + 1 - len(found))]
            self.at += len(part)
            if end >= 0:
                self.at += 1
                return found
            if not self._fill(1):
                raise Broken("it is cut off")

    def run(self, pattern: re.Pattern[bytes]) -> int:
        """Go behind all that follows here of `pattern`; how many bytes that was."""
        match = pattern.match(self.data, self.at)
        if match is None:
            return 0
        self.at = match.end()
        return match.end() - match.start()

    def _fill(self, count: int) -> bool:
        """Have `count` bytes at hand; whether there are as many."""
        rest = self.data[self.at :]
        self._start += self.at
        self.at = 0
        while len(rest) < count and (more := self._stream.read(_BLOCK)):
            rest += more
        self.data = rest
        return len(rest) >= count

    def _next(self) -> None:
        self._start += len(self.data)
        self.at = 0
        self.data = self._stream.read(_BLOCK)
        if not self.data:
            raise Broken("it is cut off")
