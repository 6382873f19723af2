"""The index of a pack: its objects and their offsets. Byte layout: docs/formats.md, "Pack index"."""

from __future__ import annotations

import struct
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple

from blake3 import blake3

from mvc.errors import CorruptObject, InvalidFormat
from mvc.objects.digest import Digest

INDEX_MAGIC = b"MVCPIDX1"
INDEX_VERSION = 1
RAW = 0
"""The only codec so far: the body as it is."""
MAX_RECORDS = 4 << 20
"""Most objects of a pack: an index is read as a whole."""

_HEAD = struct.Struct("<8sII")
_FANOUT = struct.Struct("<256I")
_COUNT = struct.Struct("<Q32s")
_RECORD = struct.Struct("<32s16sQQQII")
HEAD = _HEAD.size + _FANOUT.size + _COUNT.size
"""Bytes of an index before its records."""
RECORD = _RECORD.size
_START = struct.Struct(f">Q{RECORD - 8}x")
_HASH = 32
MAX_INDEX = HEAD + MAX_RECORDS * RECORD + _HASH
"""Bytes of the largest index."""


class Record(NamedTuple):
    """The location of an object: `offset` and `stored` are bytes in the pack, `size` its own bytes."""

    blake3: bytes
    xxh128: bytes
    offset: int
    size: int
    stored: int
    codec: int
    reserved: int = 0

    def pack(self) -> bytes:
        """Return the bytes of the record."""
        return _RECORD.pack(*self)

    @property
    def digest(self) -> Digest:
        return Digest(self.blake3.hex(), self.xxh128.hex(), self.size)


class IndexHead(NamedTuple):
    """The beginning of an index, before its records."""

    fanout: tuple[int, ...]
    """257 numbers: the records whose name begins with byte b have the positions fanout[b] to fanout[b + 1] - 1."""
    pack_hash: bytes

    @property
    def total(self) -> int:
        return self.fanout[-1]

    @classmethod
    def parse(cls, data: bytes, size: int, what: str) -> IndexHead:
        """Parse the beginning of `data`; the whole index has `size` bytes.

        Raises:
            InvalidFormat: not an index, one that a newer mvc wrote, or its numbers do not agree.
        """
        if len(data) < HEAD or size < HEAD + _HASH or data[:8] != INDEX_MAGIC:
            raise InvalidFormat(f"{what}: not a pack index")
        _, version, width = _HEAD.unpack_from(data)
        if version != INDEX_VERSION or width != RECORD:
            raise InvalidFormat(f"{what}: version {version}, record size {width}: upgrade mvc")
        head = cls((0, *_FANOUT.unpack_from(data, _HEAD.size)), data[HEAD - _HASH : HEAD])
        count, _ = _COUNT.unpack_from(data, HEAD - _COUNT.size)
        if count != head.total or size != HEAD + count * RECORD + _HASH:
            raise InvalidFormat(f"{what}: count and length do not agree")
        if any(low > high for low, high in pairwise(head.fanout)):
            raise InvalidFormat(f"{what}: its fanout goes down")
        return head


class PackIndex:
    """A pack's index, in its on-disk format."""

    def __init__(self, data: bytes, what: str = "pack index", *, damaged: bool = False) -> None:
        """Check `data`; `what` names it in errors.

        `damaged` accepts one with a wrong hash: its complete records can be iterated, to verify each with the pack, but
        not looked up.

        Raises:
            CorruptObject: its hash does not match its bytes.
            InvalidFormat: not an index, or one that a newer mvc wrote.
        """
        self._asked = 0
        self._starts: array[int] | None = None
        """The first 8 bytes of all names, once many were looked up."""
        self._fanout: tuple[int, ...]
        if damaged:
            self.count = max(0, len(data) - HEAD) // RECORD
            self._data, self._fanout, self.pack_hash = data, (0,) * 257, bytes(_HASH)
            return
        if blake3(memoryview(data)[:-_HASH]).digest() != data[-_HASH:]:
            raise CorruptObject(f"{what} is damaged", "mvc verify")
        self._data = data
        self._fanout, self.pack_hash = IndexHead.parse(data, len(data), what)
        self.count = self._fanout[-1]

    def __contains__(self, key: bytes) -> bool:
        """Whether the object named by these 32 bytes is in the pack."""
        return self._position(key) is not None

    def find(self, key: bytes) -> Record | None:
        """Return the record of the object named by these 32 bytes."""
        position = self._position(key)
        return None if position is None else self._record(position)

    def _position(self, key: bytes) -> int | None:
        self._asked += 1
        if self._starts is None and self._asked * 8 > self.count:  # after many lookups a table is faster
            self._starts = self._first_bytes()
        low, high = self._fanout[key[0]], self._fanout[key[0] + 1]
        if self._starts is not None:
            start = int.from_bytes(key[:8], "big")
            low = bisect_left(self._starts, start, low, high)
            if low == high or self._starts[low] != start:
                return None
            if self._key(low) == key:  # else several names begin with the same 8 bytes
                return low
        position = bisect_left(range(low, high), key, key=self._key) + low
        return position if position < high and self._key(position) == key else None

    def _first_bytes(self) -> array[int]:
        rows = memoryview(self._data)[HEAD : HEAD + self.count * RECORD]
        return array("Q", (start for start, in _START.iter_unpack(rows)))

    def keys(self) -> Iterator[bytes]:
        """Yield the 32-byte name of every object, sorted."""
        return map(self._key, range(self.count))

    def records(self) -> Iterator[Record]:
        """Yield every record, sorted by name."""
        return map(self._record, range(self.count))

    def _key(self, position: int) -> bytes:
        start = HEAD + position * RECORD
        return self._data[start : start + _HASH]

    def _record(self, position: int) -> Record:
        return parse_record(self._data, HEAD + position * RECORD)


def parse_record(data: bytes, offset: int) -> Record:
    """Return the record at `offset`."""
    return Record(*_RECORD.unpack_from(data, offset))


def encode_index(records: Iterable[bytes], pack_hash: bytes) -> bytes:
    """Return the bytes of the index of a pack whose blake3 is `pack_hash`; `records` as of `Record.pack`."""
    ordered = sorted(records)
    counts = [0] * 256
    for record in ordered:
        counts[record[0]] += 1
    fanout, running = [], 0
    for count in counts:
        running += count
        fanout.append(running)
    body = b"".join(
        (
            _HEAD.pack(INDEX_MAGIC, INDEX_VERSION, RECORD),
            _FANOUT.pack(*fanout),
            _COUNT.pack(len(ordered), pack_hash),
            *ordered,
        ),
    )
    return body + blake3(body).digest()
