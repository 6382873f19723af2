"""Tables of very many object names and digests, in a tenth of the memory of a dict."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from struct import Struct

from mvc.objects.digest import Digest, check_object_name

_KEY = 32
"""Bytes of a name."""
_SMALLEST = 64


class NameTable:
    """Different object names, in the order in which they were added; a name's position is its number in this order.

    Each takes 32 bytes, and 8 to 16 in a hash table with open addressing.
    """

    _ROW = _KEY
    """Bytes of a row. It begins with the name, as 32 bytes: the row's key."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        """Add `names`.

        Raises:
            InvalidName: one is not an object name.
        """
        self._rows = bytearray()
        self._slots = array("I", bytes(4 * _SMALLEST))
        """Where the hash of a key leads to: its position plus one. At least half of them are 0, which is free."""
        self.update(names)

    def update(self, names: Iterable[str]) -> None:
        """Add `names`.

        Raises:
            InvalidName: one is not an object name.
        """
        self.add_rows(map(bytes.fromhex, map(check_object_name, names)))

    def __len__(self) -> int:
        return len(self._rows) // self._ROW

    def __iter__(self) -> Iterator[str]:
        return map(bytes.hex, self.keys())

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.position(bytes.fromhex(name)) is not None

    def keys(self) -> Iterator[bytes]:
        """Yield the names as 32 bytes each."""
        return map(self.key, range(len(self)))

    def key(self, position: int) -> bytes:
        """Return the name at `position` as 32 bytes."""
        start = position * self._ROW
        return bytes(self._rows[start : start + _KEY])

    def position(self, key: bytes) -> int | None:
        """Return the position of the name with these 32 bytes; None if it is not in the table."""
        found = self._slots[self._slot(key)]
        return found - 1 if found else None

    def add_rows(self, rows: Iterable[bytes]) -> int:
        """Add the rows whose keys are new; return their number. `_slot` is written out, as calls take half the time."""
        known, slots, size, last = self._rows, self._slots, self._ROW, len(self._slots) - 1
        before = count = len(self)
        for row in rows:
            slot = hash(key := row[:_KEY]) & last
            while (found := slots[slot]) and known[(start := (found - 1) * size) : start + _KEY] != key:
                slot = (slot + 1) & last
            if not found:
                known += row
                slots[slot] = count = count + 1
                if 2 * count > last:
                    slots, last = self._grow(), 2 * last + 1
        return count - before

    def _slot(self, key: bytes) -> int:
        """Return the slot of this key, or the free one where it belongs."""
        rows, slots, size, last = self._rows, self._slots, self._ROW, len(self._slots) - 1
        slot = hash(key) & last  # the hash has a random seed: nobody can choose names that collide
        while (found := slots[slot]) and rows[(start := (found - 1) * size) : start + _KEY] != key:
            slot = (slot + 1) & last
        return slot

    def _grow(self) -> array[int]:
        """Return twice the slots, in use from now on."""
        self._slots = slots = array("I", bytes(8 * len(self._slots)))
        last = len(slots) - 1
        for number, key in enumerate(self.keys(), 1):
            slot = hash(key) & last
            while slots[slot]:
                slot = (slot + 1) & last
            slots[slot] = number
        return slots


def as_table(names: Iterable[str]) -> NameTable:
    """Return `names` as a table, or itself.

    Raises:
        InvalidName: one is not an object name.
    """
    return names if isinstance(names, NameTable) else NameTable(names)


class DigestTable(NameTable):
    """Digests of different objects, in the order in which they were added: 24 more bytes each."""

    _ROW = _KEY + 16 + 8
    _SIZE = Struct("<48xq")

    def __init__(self, digests: Iterable[Digest] = ()) -> None:
        """Add `digests`, except further ones of the same name.

        Raises:
            InvalidName: the name of one is not an object name.
        """
        super().__init__()
        self.add(digests)

    def add(self, digests: Iterable[Digest]) -> None:
        """Add `digests`, except those whose names are in the table.

        Raises:
            InvalidName: the name of one is not an object name.
        """
        self.add_rows(map(_row, digests))

    def only(self, names: Iterable[str]) -> DigestTable:
        """Return the digests of `names`, which are in the table."""
        chosen, size = DigestTable(), self._ROW
        positions = (self.position(bytes.fromhex(name)) for name in names)
        chosen.add_rows(bytes(self._rows[at * size : (at + 1) * size]) for at in positions if at is not None)
        return chosen

    def __getitem__(self, name: str) -> Digest:
        if (position := self.position(bytes.fromhex(name))) is None:
            raise KeyError(name)
        return self.at(position)

    def at(self, position: int) -> Digest:
        """Return the digest at `position`."""
        row = self._rows[position * self._ROW : (position + 1) * self._ROW]
        text = row.hex()
        return Digest(text[:64], text[64:96], int.from_bytes(row[48:], "little", signed=True))

    def digests(self) -> Iterator[Digest]:
        """Yield all digests."""
        return map(self.at, range(len(self)))

    def sizes(self) -> Iterator[int]:
        """Yield the bytes of each object."""
        return (size for size, in self._SIZE.iter_unpack(self._rows))


def _row(digest: Digest) -> bytes:
    size = digest.size.to_bytes(8, "little", signed=True)
    return bytes.fromhex(check_object_name(digest.blake3) + digest.xxh128) + size
