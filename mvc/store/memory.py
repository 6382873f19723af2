"""A store in memory, for tests and dry runs."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import BinaryIO

from mvc.errors import CorruptObject, MissingObject
from mvc.objects.digest import Digest, check_object_name
from mvc.objects.hashing import hash_bytes


class MemoryStore:
    """Objects in a dictionary: the protocol at its plainest."""

    def __init__(self) -> None:
        """Start empty."""
        self._objects: dict[str, bytes] = {}

    def has(self, name: str) -> bool:
        """See `Store.has`."""
        return check_object_name(name) in self._objects

    def size(self, name: str) -> int:
        """See `Store.size`."""
        return len(self._get(name))

    def open(self, name: str) -> BinaryIO:
        """See `Store.open`."""
        return io.BytesIO(self._get(name))

    def put(self, digest: Digest, source: BinaryIO) -> None:
        """See `Store.put`."""
        name, data = check_object_name(digest.blake3), source.read()
        if hash_bytes(data) != digest:
            raise CorruptObject(f"object {name}: the bytes do not match their digest")
        self._objects[name] = data

    def list(self) -> Iterator[str]:
        """See `Store.list`."""
        yield from tuple(self._objects)

    def delete(self, name: str) -> None:
        """See `Store.delete`."""
        self._objects.pop(check_object_name(name), None)

    def _get(self, name: str) -> bytes:
        try:
            return self._objects[check_object_name(name)]
        except KeyError:
            raise MissingObject(f"object {name} is not in the store") from None
