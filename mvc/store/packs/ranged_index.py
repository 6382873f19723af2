"""A large pack index, read in parts: its fanout, then all records whose name begins with a given byte.

A part has no checksum. So the records before and after it are read too: when they begin with other bytes, and all are
sorted, the part has every record of its byte, even if the fanout is damaged.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from itertools import pairwise

from mvc.errors import CorruptObject
from mvc.store.buckets.bucket import PART, Item
from mvc.store.packs.index import HEAD, RECORD, IndexHead, Record, parse_record

A_REQUEST = 256 << 10
"""Bytes that take as long to read as one request."""


class RangedIndex:
    """The parts of an index read so far; the owner reads them."""

    def __init__(self, item: Item, name: str) -> None:
        self.item = item
        self._name = name
        self._head: IndexHead | None = None
        self._parts: dict[int, dict[bytes, Record]] = {}

    def unread(self, first: AbstractSet[int]) -> list[int]:
        """Return the bytes, of these first bytes of names, whose part is not read yet."""
        return sorted(first - self._parts.keys())

    def is_cheaper(self, first: AbstractSet[int]) -> bool:
        """Whether the parts for these bytes, with those read before, cost less than the whole index."""
        return (1 + len(self._parts) + len(self.unread(first))) * A_REQUEST < self.item.size

    def needs_head(self) -> bool:
        """Whether the fanout, the first `HEAD` bytes, was not read yet."""
        return self._head is None

    def take_head(self, data: bytes) -> None:
        """Take the fanout.

        Raises:
            InvalidFormat: not an index, or one that a newer mvc wrote.
            CorruptObject: it is damaged.
        """
        head = IndexHead.parse(data, self.item.size, self.item.key)
        if head.pack_hash.hex() != self._name:
            raise CorruptObject(f"{self.item.key} is damaged")
        self._head = head

    def file_range(self, byte: int) -> tuple[int, int]:
        """Return the range of the file with the records of a first byte and a neighbour on both sides.

        Raises:
            CorruptObject: the fanout is damaged.
        """
        start, _, _, end = self._positions(byte)
        if (end - start) * RECORD > PART:  # names are evenly distributed: a sound fanout never has that many
            raise CorruptObject(f"{self.item.key} is damaged")
        return HEAD + start * RECORD, HEAD + end * RECORD

    def take(self, byte: int, data: bytes) -> None:
        """Take the records of a first byte from the bytes of its range.

        Raises:
            CorruptObject: they, or the fanout, are damaged.
        """
        start, low, high, _ = self._positions(byte)
        records = [parse_record(data, offset) for offset in range(0, len(data), RECORD)]
        sides = [(record.blake3[0] > byte) - (record.blake3[0] < byte) for record in records]
        expected = [-1] * (low - start) + [0] * (high - low)
        expected += [1] * (len(records) - len(expected))
        if sides != expected or any(one.blake3 >= next_.blake3 for one, next_ in pairwise(records)):
            raise CorruptObject(f"{self.item.key} is damaged")
        self._parts[byte] = {record.blake3: record for record in records[low - start : high - start]}

    def find(self, key: bytes) -> Record | None:
        """Return the record of the object named by these 32 bytes; its part must have been read."""
        return self._parts[key[0]].get(key)

    def _positions(self, byte: int) -> tuple[int, int, int, int]:
        """Return record positions: of the neighbour before, the first record of the byte, and the ends of both."""
        if self._head is None:
            raise ValueError("the fanout was not read")
        low, high = self._head.fanout[byte], self._head.fanout[byte + 1]
        return max(0, low - 1), low, high, min(self._head.total, high + 1)
