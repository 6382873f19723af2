"""A large pack index of which only what is asked for is read: its fanout, then all records of a first byte.

No checksum covers a part. So the neighbours of a stretch are read, too: when they begin with other bytes, and all
is sorted, the stretch has every record of its byte, whatever the fanout says.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from mvc.errors import CorruptObject
from mvc.store.buckets.bucket import PART, Item
from mvc.store.packs.index import HEAD, RECORD, IndexHead, Record, parse_record

A_REQUEST = 256 << 10
"""Bytes that are read as quickly as a request more is made."""


class RangedIndex:
    """What is known of an index so far. Who owns it does the reading."""

    def __init__(self, item: Item, name: str) -> None:
        """Know nothing of the index `item` of the pack `name` yet."""
        self.item = item
        self._name = name
        self._head: IndexHead | None = None
        self._parts: dict[int, dict[bytes, Record]] = {}

    def unread(self, keys: Iterable[bytes]) -> list[int]:
        """Return the first bytes of `keys` that nothing was read of."""
        return sorted({key[0] for key in keys} - self._parts.keys())

    def is_cheaper(self, keys: Iterable[bytes]) -> bool:
        """Whether reading parts, with those that were read before, costs less than reading all of it at once."""
        return (1 + len(self._parts) + len(self.unread(keys))) * A_REQUEST < self.item.size

    def needs_head(self) -> bool:
        """Whether the fanout is still to be read: the first `HEAD` bytes."""
        return self._head is None

    def take_head(self, data: bytes) -> None:
        """Learn the fanout.

        Raises:
            InvalidFormat: it is no index, or one that a newer mvc wrote.
            CorruptObject: it is damaged.

        """
        head = IndexHead.parse(data, self.item.size, self.item.key)
        if head.pack_hash.hex() != self._name or any(low > high for low, high in pairwise(head.fanout)):
            raise CorruptObject(f"{self.item.key} is damaged")
        self._head = head

    def stretch(self, byte: int) -> tuple[int, int]:
        """Return where the records of a first byte lie in the file, with a neighbour on both sides.

        Raises:
            CorruptObject: the fanout cannot be true.

        """
        start, _, _, end = self._positions(byte)
        if (end - start) * RECORD > PART:  # names are spread evenly: none that is honest has so many
            raise CorruptObject(f"{self.item.key} is damaged")
        return HEAD + start * RECORD, HEAD + end * RECORD

    def take(self, byte: int, data: bytes) -> None:
        """Learn the records of a first byte from its stretch.

        Raises:
            CorruptObject: the fanout or what was read is damaged.

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
        """Return the record of the object named by these 32 bytes, whose part was read."""
        return self._parts[key[0]].get(key)

    def _positions(self, byte: int) -> tuple[int, int, int, int]:
        """Return numbers of records: the neighbour before, the first one of the byte, and where both end."""
        if self._head is None:
            raise ValueError("the fanout was not read")
        low, high = self._head.fanout[byte], self._head.fanout[byte + 1]
        return max(0, low - 1), low, high, min(self._head.total, high + 1)
