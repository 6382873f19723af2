"""Packs: many small objects in one file, with an index beside it.

A pack is `MVCPACK1` and bodies. Its index names every body; it is published after the pack
and so decides what the pack holds. Byte layout: docs/formats.md, "Pack" and "Pack index".
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress

from blake3 import blake3

from mvc.errors import CorruptObject, InvalidFormat, MissingObject, MvcError
from mvc.fs.durable_names import DurableNames
from mvc.fs.files import CREATE, write_all
from mvc.fs.new_names import link_new
from mvc.fs.scratch import Scratch
from mvc.objects.digest import Digest, check_object_name
from mvc.objects.hashing import hash_stream
from mvc.store.packs.index import MAX_RECORDS, RAW, PackIndex, Record, encode_index

PACK_MAGIC = b"MVCPACK1"
MAX_PACK = 1 << 30
"""Bytes after which a writer begins the next pack."""
STEP = 64 << 20
"""Bytes after which the first packs of a transfer end: what is in one that was finished is not moved again."""
_SHARE = 16
"""A pack of a transfer may become one part in so many of all that was moved before, so that they stay few."""
SMALL_PACK = 64 << 20
"""A pack below this many bytes may be compacted with others."""
MANY_PACKS = 32
SUFFIXES = ("idx", "pack")
"""Of the files of a pack: in this order they are taken away, so that nobody starts to read it."""

_BUFFER = 1 << 20


class EmptyIndex(CorruptObject):
    """An index of which there is only the name: so a crash leaves it where there are no hard links."""


class PackWriter:
    """Appends small objects to a pack, and publishes it with its index."""

    def __init__(
        self, folder: str, scratch: Scratch, salt: bytes = b"", step: int = 0,
        durable_names: DurableNames | None = None,
    ) -> None:
        """Write into `scratch`, publish into `folder`; `salt`, before the bodies, gives packs names of their own.

        With `step` the first packs are no larger than that, and later ones larger by and by.
        """
        self._folder = folder
        self._scratch = scratch
        self._durable_names = durable_names or DurableNames()
        self._start = PACK_MAGIC + salt
        self._step = step
        self._done = 0
        self._path = ""
        self._failed = False
        self.published: set[str] = set()
        """Names of the packs that were published."""
        self._clear()

    def __contains__(self, key: bytes) -> bool:
        """Whether the object named by these 32 bytes is in the pack being written."""
        return key in self._records

    def add(self, digest: Digest, data: bytes) -> None:
        """Append an object, unless it is in this pack already."""
        key = bytes.fromhex(digest.blake3)
        if key in self._records:
            return
        if self._fd < 0:
            self._begin()
        size = len(data)
        self._records[key] = Record(key, bytes.fromhex(digest.xxh128), self._offset, size, size, RAW)
        self._offset += size
        self._pending.append(data)
        self._pending_bytes += size
        if self._pending_bytes >= _BUFFER:
            self._flush()
        if self._offset >= self._limit() or len(self._records) >= MAX_RECORDS:
            self.publish()

    def _limit(self) -> int:
        return min(MAX_PACK, max(self._step, self._done // _SHARE)) if self._step else MAX_PACK

    @property
    def waiting(self) -> int:
        """Bytes of the pack that is being written."""
        return self._offset

    def publish(self) -> None:
        """Make the pack durable, then its index; nothing when nothing was added.

        When that fails, the writer is of no more use: an fsync is never tried again, and what was
        added before must not be taken for stored.

        Raises:
            MvcError: publishing failed before.
            OSError: the pack can't be written.

        """
        if self._failed:
            raise MvcError("a pack could not be written, so nothing was added", "run the command again")
        if self._fd < 0:
            return
        self._failed = True
        self._done += self._offset
        try:
            self._publish()
        finally:
            self.abandon()
        self._failed = False

    def _publish(self) -> None:
        self._flush()
        os.fchmod(self._fd, 0o444)
        os.fsync(self._fd)
        digest = self._hasher.digest()
        final = f"{self._folder}/{digest.hex()}"
        index = self._scratch.name()
        _write_durable(index, encode_index(self._records.values(), digest))
        if not link_new(self._path, f"{final}.pack") and _blake3_of(f"{final}.pack") != digest.hex():
            os.replace(self._path, f"{final}.pack")  # the same bodies, damaged since
        if not link_new(index, f"{final}.idx") and _blake3_of(f"{final}.idx") != _blake3_of(index):
            os.replace(index, f"{final}.idx")
        self._durable_names.fsync_folder(self._folder)
        self.published.add(digest.hex())
        with suppress(FileNotFoundError):
            os.unlink(index)

    def abandon(self) -> None:
        """Forget what was added since the last `publish`."""
        fd, path = self._fd, self._path
        self._clear()  # first: whatever fails below, no file is closed twice
        if fd >= 0:
            os.close(fd)
            with suppress(OSError):  # it goes with the scratch directory
                os.unlink(path)

    def _begin(self) -> None:
        self._path = self._scratch.name()
        self._fd = os.open(self._path, CREATE, 0o600)
        self._pending.append(self._start)
        self._offset = self._pending_bytes = len(self._start)

    def _flush(self) -> None:
        data = b"".join(self._pending)
        # At its place, whatever an earlier try has left there: a full disk fails one path, the next may fit.
        _write_at(self._fd, data, self._offset - self._pending_bytes)
        self._hasher.update(data)
        self._pending.clear()
        self._pending_bytes = 0

    def _clear(self) -> None:
        self._fd = -1
        self._hasher = blake3()
        self._records: dict[bytes, Record] = {}
        self._pending: list[bytes] = []
        self._offset = self._pending_bytes = 0


def _blake3_of(path: str) -> str:
    with open(path, "rb", buffering=0) as file:
        return hash_stream(file.fileno(), os.fstat(file.fileno()).st_size).blake3


def _write_at(fd: int, data: bytes, position: int) -> None:
    view = memoryview(data)
    while view:
        count = os.pwrite(fd, view, position)
        view, position = view[count:], position + count


def _write_durable(path: str, data: bytes) -> None:
    fd = os.open(path, CREATE, 0o600)
    try:
        write_all(fd, data)
        os.fchmod(fd, 0o444)  # whatever the umask: a cache may be shared
        os.fsync(fd)
    finally:
        os.close(fd)


class PackSet:
    """The packs in a folder. What is not found is looked for once more on disk: others write too."""

    _KEEP_OPEN = 8

    def __init__(self, folder: str) -> None:
        """Look into `folder`; nothing is read yet."""
        self.folder = folder
        self._indexes: dict[str, PackIndex] = {}
        self._names: frozenset[str] | None = None
        self._fds: dict[str, int] = {}

    def names(self) -> frozenset[str]:
        """Return the names of the packs that are there, as last looked."""
        if self._names is None:
            self.refresh()
        return self._names or frozenset()

    def refresh(self) -> bool:
        """Look again; whether anything changed."""
        found = frozenset(_complete_packs(self.folder))
        if found == self._names:
            return False
        self._names = found
        for gone in self._indexes.keys() - found:
            del self._indexes[gone]
        self._close(set(self._fds) - found)
        return True

    def close(self) -> None:
        """Close every open pack."""
        self._close(set(self._fds))

    def index(self, name: str) -> PackIndex:
        """Return the index of the pack `name`.

        Raises:
            CorruptObject: the index is damaged.
            MissingObject: the pack is gone.

        """
        if (index := self._indexes.get(name)) is None:
            data = self._index_bytes(name)
            if not data:
                raise EmptyIndex(f"{self.folder}/{name}.idx is empty", "mvc verify")
            index = self._indexes[name] = PackIndex(data, f"{self.folder}/{name}.idx")
        return index

    def records(self, name: str) -> Iterator[Record]:
        """Yield every record of the pack `name`, those of a damaged index too, true or not."""
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
            raise MissingObject(f"pack {name} is gone") from None

    def forget(self, name: str) -> None:
        """Read the pack's index anew when it is needed next."""
        self._indexes.pop(name, None)
        self._close({name} & self._fds.keys())

    def _present(self) -> Iterator[tuple[str, PackIndex]]:
        """Yield the packs and their indexes; one that was compacted meanwhile, or is not there yet, is left out."""
        for name in self.names():
            try:
                index = self.index(name)
            except (MissingObject, EmptyIndex):
                continue
            yield name, index

    def holder(self, key: bytes) -> str | None:
        """Return the name of a pack that holds the object named by these 32 bytes."""
        return next((name for name, index in self._present() if key in index), None)

    def find(self, key: bytes) -> tuple[str, Record] | None:
        """Return the pack and record of an object; None when no pack has it."""
        for name, index in self._present():
            if (record := index.find(key)) is not None:
                return name, record
        return None

    def read(self, name: str, record: Record) -> bytes:
        """Return a body from the pack `name`, as stored.

        Raises:
            CorruptObject: the pack is shorter than its index says.
            MissingObject: the pack is gone.

        """
        if record.codec != RAW:
            raise InvalidFormat(f"pack {name}: codec {record.codec}: upgrade mvc")
        fd = self._fd(name)
        if record.offset + record.stored > os.fstat(fd).st_size:
            raise CorruptObject(f"pack {name} is cut short", "mvc verify")
        return os.pread(fd, record.stored, record.offset)

    def body(self, name: str, record: Record) -> bytes | None:
        """Return a body from the pack `name`; None when the pack is damaged there, or gone."""
        try:
            return self.read(name, record)
        except (CorruptObject, MissingObject):
            return None

    def _fd(self, name: str) -> int:
        if (fd := self._fds.get(name)) is None:
            if len(self._fds) >= self._KEEP_OPEN:
                self._close({next(iter(self._fds))})
            try:
                fd = os.open(f"{self.folder}/{name}.pack", os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                raise MissingObject(f"pack {name} is gone") from None
            self._fds[name] = fd
        return fd

    def _close(self, names: Iterable[str]) -> None:
        for name in names:
            os.close(self._fds.pop(name))


def _complete_packs(folder: str) -> Iterator[str]:
    """Yield the names of packs that have their index."""
    for name, suffixes in _suffixes(folder).items():
        if len(suffixes) == len(SUFFIXES):
            yield name


def half_packs(folder: str) -> Iterator[str]:
    """Yield the files of packs that lack the other one: who wrote or retired them was killed in between."""
    for name, suffixes in _suffixes(folder).items():
        if len(suffixes) < len(SUFFIXES):
            yield f"{name}.{suffixes[0]}"


def _suffixes(folder: str) -> dict[str, list[str]]:
    """Return which files there are of each pack."""
    found: dict[str, list[str]] = {}
    with suppress(FileNotFoundError):
        for file in os.listdir(folder):
            name, _, suffix = file.rpartition(".")
            if suffix in SUFFIXES:
                with suppress(InvalidFormat):
                    found.setdefault(check_object_name(name), []).append(suffix)
    return found
