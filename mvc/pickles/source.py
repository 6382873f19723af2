"""Read the bytes of a pickle opcode by opcode; large arguments are skipped."""

from __future__ import annotations

import re
from typing import Protocol

SHORT = 1024
"""Longest string, in bytes, that is kept: it may be a name. Longer ones are unknown values."""
_BLOCK = 1 << 16
TRUNCATED = "unexpected end of file"


class MalformedPickle(Exception):
    """The bytes are not a pickle, or only a part of one."""


class Unreadable(Exception):
    """mvc does not read bytes to the end that others may read: they are too long, or in a broken archive."""


class Stream(Protocol):
    """A source of bytes."""

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes; none at the end."""
        ...


class PickleReader:
    """Reads opcodes and their arguments; skips large arguments, by seeking where the stream can.

    Raises:
        MalformedPickle: The stream ends too early.
    """

    def __init__(self, stream: Stream, size: int | None = None) -> None:
        """Read `stream` from its start. A stream whose `size` is given can seek."""
        self._stream = stream
        self._size = size
        self.data = b""
        self.at = 0
        self._start = 0
        """Position of `data` in the stream."""

    @property
    def position(self) -> int:
        """Position in the stream, in bytes."""
        return self._start + self.at

    def go(self, position: int) -> None:
        """Go to `position`: forward, or anywhere if the stream can seek."""
        if self._start <= position <= self._start + len(self.data):
            self.at = position - self._start
        elif self._size is not None:
            if position > self._size:
                raise MalformedPickle(TRUNCATED)
            self._stream.seek(position)  # type: ignore[attr-defined]  # whose size is known can be sought
            self.data, self.at, self._start = b"", 0, position
        elif position < self._start:
            raise MalformedPickle("cannot go back in a compressed file")
        else:
            while self._start + len(self.data) < position:
                self._start += len(self.data)
                self.data = self._stream.read(_BLOCK)
                if not self.data:
                    raise MalformedPickle(TRUNCATED)
            self.at = position - self._start

    def starts(self, word: bytes) -> bool:
        """Whether `word` comes next."""
        return self._fill(len(word)) and self.data.startswith(word)

    def at_end(self) -> bool:
        """Whether no byte is left."""
        return self.at == len(self.data) and not self._fill(1)

    def byte(self) -> int:
        """Return the next byte."""
        if self.at == len(self.data) and not self._fill(1):
            raise MalformedPickle(TRUNCATED)
        value = self.data[self.at]
        self.at += 1
        return value

    def take(self, count: int) -> bytes:
        """Return the next `count` bytes."""
        end = self.at + count
        if end > len(self.data):
            if not self._fill(count):
                raise MalformedPickle(TRUNCATED)
            end = self.at + count
        data = self.data[self.at : end]
        self.at = end
        return data

    def number(self, width: int) -> int:
        """Return the next `width` bytes as an unsigned little-endian number."""
        return int.from_bytes(self.take(width), "little")

    def skip(self, count: int) -> None:
        """Skip `count` bytes."""
        self.go(self.position + count)

    def line(self) -> bytes:
        """Return the bytes before the next line feed; of a long line only the first `SHORT + 1`."""
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
                raise MalformedPickle(TRUNCATED)

    def skip_matching(self, pattern: re.Pattern[bytes]) -> int:
        """Skip the match of `pattern` in the buffered bytes, and return its length."""
        match = pattern.match(self.data, self.at)
        if match is None:
            return 0
        self.at = match.end()
        return match.end() - match.start()

    def _fill(self, count: int) -> bool:
        """Read until `count` bytes are buffered; return whether there are that many."""
        rest = self.data[self.at :]
        self._start += self.at
        self.at = 0
        while len(rest) < count and (more := self._stream.read(_BLOCK)):
            rest += more
        self.data = rest
        return len(rest) >= count
