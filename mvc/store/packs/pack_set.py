"""The packs of a folder: many small objects in one file, with an index beside it.

A pack is `MVCPACK1` and bodies. Its index names every body; it is published after the pack, so only indexed bodies
count. Byte layout: docs/formats.md, "Pack" and "Pack index".
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress

from mvc.errors import CorruptObject, InvalidFormat, MissingObject
from mvc.objects.digest import check_object_name
from mvc.store.packs.index import RAW, PackIndex, Record

SUFFIXES = ("idx", "pack")
"""The suffixes of a pack's files, in the order of removal: the index first, so that no new reader starts."""
MANY_PACKS = 32
"""More small packs than this are compacted."""


class EmptyIndex(CorruptObject):
    """An empty index file: a crash leaves one on file systems without hard links."""


class PackSet:
    """The packs in a folder, as last listed; `refresh` lists them again, as other processes write packs too."""

    _KEEP_OPEN = 8

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self._indexes: dict[str, PackIndex] = {}
        self._names: frozenset[str] | None = None
        self._usable: frozenset[str] | None = None
        self._order: tuple[str, ...] = ()
        """The names; first the pack in which an object was last found, for its neighbours are next."""
        self._fds: dict[str, tuple[int, int]] = {}

    def names(self) -> frozenset[str]:
        """Return the names of the packs, as last listed."""
        if self._names is None:
            self.refresh()
        return self._names or frozenset()

    def usable(self) -> frozenset[str]:
        """Return the names of the packs whose index is not empty, as last listed; no index is read."""
        if self._usable is None:
            self._usable = frozenset(name for name in self.names() if self._has_index(name))
        return self._usable

    def _has_index(self, name: str) -> bool:
        try:
            return os.stat(f"{self.folder}/{name}.idx").st_size > 0
        except FileNotFoundError:
            return False

    def refresh(self) -> bool:
        """List the folder again. Return whether anything changed."""
        found = frozenset(name for name, there in _suffixes(self.folder).items() if len(there) == len(SUFFIXES))
        if found == self._names:
            return False
        self._names, self._usable = found, None
        self._order = tuple(found)
        for gone in self._indexes.keys() - found:
            del self._indexes[gone]
        self._close(set(self._fds) - found)
        return True

    def close(self) -> None:
        self._close(set(self._fds))

    def index(self, name: str) -> PackIndex:
        """Return the index of the pack `name`.

        Raises:
            CorruptObject: the index is damaged.
            MissingObject: the pack was deleted.
        """
        if (index := self._indexes.get(name)) is None:
            data = self._index_bytes(name)
            if not data:
                raise EmptyIndex(f"{self.folder}/{name}.idx is empty", "mvc verify")
            index = self._indexes[name] = PackIndex(data, f"{self.folder}/{name}.idx")
        return index

    def records(self, name: str) -> Iterator[Record]:
        """Yield every record of the pack `name`; those of a damaged index too, unverified."""
        try:
            index = self.index(name)
        except CorruptObject:
            index = PackIndex(self._index_bytes(name), damaged=True)
        yield from index.records()

    def _index_bytes(self, name: str) -> bytes:
        try:
            with open(f"{self.folder}/{name}.idx", "rb") as file:
                return file.read()
        except FileNotFoundError:
            raise MissingObject(f"pack {name} not found") from None

    def forget(self, name: str) -> None:
        """Read the pack's index again on its next use."""
        self._indexes.pop(name, None)
        self._close({name} & self._fds.keys())

    def _present(self) -> Iterator[tuple[str, PackIndex]]:
        """Yield the packs and their indexes, without those compacted since the listing or not published yet."""
        self.names()
        for name in self._order:
            try:  # many lookups come here: `suppress` would be slower
                index = self.index(name)
            except (MissingObject, EmptyIndex):
                continue
            yield name, index

    def written(self, name: str) -> float:
        """Return when the pack `name` was written, in seconds since the epoch; 0 when it was deleted."""
        try:
            return os.stat(f"{self.folder}/{name}.pack").st_mtime
        except FileNotFoundError:
            return 0

    def holder(self, key: bytes) -> str | None:
        """Return the name of a pack that holds the object named by these 32 bytes."""
        for name, index in self._present():
            if key in index:
                self._begin_with(name)
                return name
        return None

    def find(self, key: bytes) -> tuple[str, Record] | None:
        """Return the pack and record of the object named by these 32 bytes; None when no pack has it."""
        for name, index in self._present():
            if (record := index.find(key)) is not None:
                self._begin_with(name)
                return name, record
        return None

    def _begin_with(self, name: str) -> None:
        """Look in this pack first from now on."""
        if self._order[:1] != (name,):
            self._order = (name, *(other for other in self._order if other != name))

    def read(self, name: str, record: Record) -> bytes:
        """Return a body from the pack `name`, as stored.

        Raises:
            CorruptObject: the pack is shorter than its index says.
            MissingObject: the pack was deleted.
        """
        if record.codec != RAW:
            raise InvalidFormat(f"pack {name}: codec {record.codec}: upgrade mvc")
        fd, size = self._fd(name)
        if record.offset + record.stored > size:  # before so much memory is taken
            raise CorruptObject(f"pack {name} is cut short", "mvc verify")
        return os.pread(fd, record.stored, record.offset)

    def body(self, name: str, record: Record) -> bytes | None:
        """Return a body from the pack `name`; None when the pack is damaged there, or deleted."""
        try:
            return self.read(name, record)
        except (CorruptObject, MissingObject):
            return None

    def _fd(self, name: str) -> tuple[int, int]:
        """Return a descriptor of the pack `name`, and its size, which never changes."""
        if (found := self._fds.get(name)) is None:
            if len(self._fds) >= self._KEEP_OPEN:
                self._close({next(iter(self._fds))})
            try:
                fd = os.open(f"{self.folder}/{name}.pack", os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                raise MissingObject(f"pack {name} not found") from None
            found = self._fds[name] = fd, os.fstat(fd).st_size
        return found

    def _close(self, names: Iterable[str]) -> None:
        for name in names:
            os.close(self._fds.pop(name)[0])


def half_packs(folder: str) -> Iterator[str]:
    """Yield packs without an index and indexes without a pack: writing or retiring them was interrupted."""
    for name, suffixes in _suffixes(folder).items():
        if len(suffixes) < len(SUFFIXES):
            yield f"{name}.{suffixes[0]}"


def _suffixes(folder: str) -> dict[str, list[str]]:
    """Return the suffixes of each pack's files."""
    found: dict[str, list[str]] = {}
    with suppress(FileNotFoundError):
        for file in os.listdir(folder):
            name, _, suffix = file.rpartition(".")
            if suffix in SUFFIXES:
                with suppress(InvalidFormat):
                    found.setdefault(check_object_name(name), []).append(suffix)
    return found
