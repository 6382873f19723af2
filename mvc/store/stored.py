"""The protocol that every store keeps: cache, remote, memory.

Promises, held by the conformance suite in tests/store/test_conformance.py:

- An object's name is the blake3 of its bytes. Anything else is refused before any I/O.
- `put` publishes an object whole and verified, or not at all; putting it again changes nothing.
- What `has` says was asked of the store itself, never inferred.
- `list` yields names in no order, each once; what is no object is left out.
- `delete` of what is absent is no error.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import BinaryIO, NamedTuple, Protocol

from mvc.objects.digest import Digest


class Stored(NamedTuple):
    """What takes room in the cache: an object, or a file in its trash."""

    name: str
    size: int
    """Bytes on disk."""
    since: float
    """When it got there, in seconds since the epoch."""
    pack: str = ""
    """The pack that holds it; empty when it is loose."""


class Amount(NamedTuple):
    """How much there is of something."""

    objects: int
    bytes: int

    @classmethod
    def of(cls, items: Iterable[Stored]) -> Amount:
        """Return how much `items` are."""
        sizes = [item.size for item in items]
        return cls(len(sizes), sum(sizes))

    @classmethod
    def total(cls, parts: Iterable[Amount]) -> Amount:
        """Return all parts together."""
        parts = list(parts)
        return cls(sum(part.objects for part in parts), sum(part.bytes for part in parts))


class Store(Protocol):
    """Holds immutable objects by name: 64 lower-case hex digits."""

    def has(self, name: str) -> bool:
        """Whether the object is there now.

        Raises:
            InvalidName: `name` is no object's name (so do all methods).

        """
        ...

    def size(self, name: str) -> int:
        """Return the object's size in bytes.

        Raises:
            MissingObject: it is not there.

        """
        ...

    def open(self, name: str) -> BinaryIO:
        """Return a readable stream of the object's bytes, not verified.

        Raises:
            MissingObject: it is not there.

        """
        ...

    def put(self, digest: Digest, source: BinaryIO) -> None:
        """Store what `source` yields until its end.

        Raises:
            CorruptObject: it is not what `digest` says; nothing was stored.

        """
        ...

    def list(self) -> Iterator[str]:
        """Yield the name of every object."""
        ...

    def delete(self, name: str) -> None:
        """Make the object absent."""
        ...
