"""Tables of very many object names and digests, in a tenth of the memory of a dict."""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterable, Iterator

from mvc.objects.digest import Digest, check_object_name

_KEY = 32
_FREE = 0
_SMALLEST = 64


class NameTable:
    """Different object names, in the order in which they were added; a name's position is its number in this order.

    Each takes 32 bytes, and 6 to 12 in a hash table with open addressing.
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        """Add `names`.

        Raises:
            InvalidName: one is not an object name.
        """
        self._keys = bytearray()
        self._slots = array("I", bytes(4 * _SMALLEST))
        """Positions plus one, where the hash of the name leads to; `_FREE` elsewhere."""
        for name in names:
            self.add_key(bytes.fromhex(check_object_name(name)))

    def __len__(self) -> int:
        return len(self._keys) // _KEY

    def __iter__(self) -> Iterator[str]:
        return map(bytes.hex, self.keys())

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.position(bytes.fromhex(name)) is not None

    def keys(self) -> Iterator[bytes]:
        """Yield the names as 32 bytes each."""
        return (self.key(position) for position in range(len(self)))

    def key(self, position: int) -> bytes:
        """Return the name at `position` as 32 bytes."""
        return bytes(self._keys[position * _KEY : (position + 1) * _KEY])

    def position(self, key: bytes) -> int | None:
        """Return the position of the name with these 32 bytes; None if it is not in the table."""
        found = self._slots[self._slot(key)]
        return None if found == _FREE else found - 1

    def add_key(self, key: bytes) -> bool:
        """Add the name with these 32 bytes; return whether it is new."""
        slot = self._slot(key)
        if self._slots[slot] != _FREE:
            return False
        self._keys += key
        self._slots[slot] = len(self)
        if len(self) * 3 > len(self._slots) * 2:
            self._grow()
        return True

    def _slot(self, key: bytes) -> int:
        """Return the slot of this name, or the free one where it belongs."""
        slots, keys, last = self._slots, self._keys, len(self._slots) - 1
        slot = hash(key) & last  # the hash has a random seed: nobody can choose names that collide
        while (found := slots[slot]) != _FREE and keys[(found - 1) * _KEY : found * _KEY] != key:
            slot = (slot + 1) & last
        return slot

    def _grow(self) -> None:
        self._slots = array("I", bytes(8 * len(self._slots)))
        for number, key in enumerate(self.keys(), 1):
            self._slots[self._slot(key)] = number


def as_table(names: Iterable[str]) -> NameTable:
    """Return `names` as a table, or itself.

    Raises:
        InvalidName: one is not an object name.
    """
    return names if isinstance(names, NameTable) else NameTable(names)


class DigestTable(NameTable):
    """Digests of different objects, by name, in the order in which they were added: 24 more bytes each."""

    _REST = struct.Struct("<16sq")

    def __init__(self, digests: Iterable[Digest] = ()) -> None:
        super().__init__()
        self._rest = bytearray()
        for digest in digests:
            self.add(digest)

    def add(self, digest: Digest) -> None:
        """Add a digest, unless there is one of the same name.

        Raises:
            InvalidName: its name is not an object name.
        """
        if self.add_key(bytes.fromhex(check_object_name(digest.blake3))):
            self._rest += self._REST.pack(bytes.fromhex(digest.xxh128), digest.size)

    def __getitem__(self, name: str) -> Digest:
        if (position := self.position(bytes.fromhex(name))) is None:
            raise KeyError(name)
        return self.at(position)

    def at(self, position: int) -> Digest:
        """Return the digest at `position`."""
        xxh128, size = self._REST.unpack_from(self._rest, position * self._REST.size)
        return Digest(self.key(position).hex(), xxh128.hex(), size)

    def digests(self) -> Iterator[Digest]:
        """Yield all digests."""
        return map(self.at, range(len(self)))

    def sizes(self) -> Iterator[int]:
        """Yield the bytes of each object."""
        return (size for _, size in self._REST.iter_unpack(self._rest))
