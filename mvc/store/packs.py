"""Packs: many small objects in one file, with an index beside it.

A pack is `MVCPACK1` and bodies. Its index names every body; it is published after the pack
and so decides what the pack holds. Byte layout: docs/formats.md, "Pack" and "Pack index".
"""

from __future__ import annotations

import os
import struct
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import NamedTuple

from blake3 import blake3

from mvc.errors import CorruptObject, InvalidFormat, MissingObject, MvcError
from mvc.fsutil import CREATE, fsync_directory, link_new, write_all
from mvc.objects.digest import Digest, check_object_name
from mvc.objects.hashing import hash_stream
from mvc.scratch import Scratch

PACK_MAGIC = b"MVCPACK1"
INDEX_MAGIC = b"MVCPIDX1"
INDEX_VERSION = 1
RAW = 0
"""The only codec so far: the body as it is."""
MAX_PACK = 1 << 30
"""Bytes after which a writer begins the next pack."""
MAX_RECORDS = 4 << 20
"""Objects after which it does so, too: an index is read as a whole."""
STEP = 64 << 20
"""Bytes after which the first packs of a transfer end: what is in one that was finished is not moved again."""
_SHARE = 16
"""A pack of a transfer may become one part in so many of all that was moved before, so that they stay few."""
SMALL_PACK = 64 << 20
"""A pack below this many bytes may be compacted with others."""
MANY_PACKS = 32

_HEAD = struct.Struct("<8sII")
_FANOUT = struct.Struct("<256I")
_COUNT = struct.Struct("<Q32s")
_RECORD = struct.Struct("<32s16sQQQII")
HEAD = _HEAD.size + _FANOUT.size + _COUNT.size
"""Bytes of an index before its records."""
RECORD = _RECORD.size
_HASH = 32
MAX_INDEX = HEAD + MAX_RECORDS * RECORD + _HASH
"""Bytes of the largest index."""
_BUFFER = 1 << 20


class Record(NamedTuple):
    """Where an object lies: `offset` and `stored` are bytes in the pack, `size` its own bytes."""

    blake3: bytes
    xxh128: bytes
    offset: int
    size: int
    stored: int
    codec: int
    reserved: int = 0

    @property
    def digest(self) -> Digest:
        """The object's digest."""
        return Digest(self.blake3.hex(), self.xxh128.hex(), self.size)


class IndexHead(NamedTuple):
    """What an index says of itself before its records."""

    fanout: tuple[int, ...]
    """257 numbers: records whose name begins with byte b are those from number b up to, but without, b + 1."""
    pack_hash: bytes

    @property
    def total(self) -> int:
        """How many records there are."""
        return self.fanout[-1]

    @classmethod
    def parse(cls, data: bytes, size: int, what: str) -> IndexHead:
        """Return what stands at the beginning of `data`; the whole index has `size` bytes.

        Raises:
            InvalidFormat: not an index, or one that a newer mvc wrote.

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
        return head


class PackIndex:
    """A pack's index, in memory as it is on disk."""

    def __init__(self, data: bytes, what: str = "pack index", *, damaged: bool = False) -> None:
        """Check `data`; `what` names it in errors.

        `damaged` takes one whose hash is wrong: whatever records are whole can be walked through, to be
        held against the pack one by one, not looked up.

        Raises:
            CorruptObject: its hash does not match its bytes.
            InvalidFormat: not an index, or one that a newer mvc wrote.

        """
        self._asked = 0
        self._all: frozenset[bytes] | None = None
        self._fanout: tuple[int, ...]
        if damaged:
            self.count = max(0, len(data) - HEAD) // RECORD
            self._data, self._fanout, self.pack_hash = data, (0,) * 257, bytes(_HASH)
            return
        if blake3(data[:-_HASH]).digest() != data[-_HASH:]:
            raise CorruptObject(f"{what} is damaged", "mvc verify")
        self._data = data
        self._fanout, self.pack_hash = IndexHead.parse(data, len(data), what)
        self.count = self._fanout[-1]

    def __contains__(self, key: bytes) -> bool:
        """Whether the object named by these 32 bytes is in the pack."""
        self._asked += 1
        if self._all is None and self._asked * 2 > self.count:  # many questions: a set answers quicker
            self._all = frozenset(self.keys())
        return key in self._all if self._all is not None else self.find(key) is not None

    def find(self, key: bytes) -> Record | None:
        """Return the record of the object named by these 32 bytes."""
        low, high = self._fanout[key[0]], self._fanout[key[0] + 1]
        position = bisect_left(range(low, high), key, key=self._key) + low
        return self._record(position) if position < high and self._key(position) == key else None

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


def encode_index(records: Iterable[Record], pack_hash: bytes) -> bytes:
    """Return the bytes of the index of a pack whose blake3 is `pack_hash`."""
    ordered = sorted(records)
    counts = [0] * 256
    for record in ordered:
        counts[record.blake3[0]] += 1
    fanout, running = [], 0
    for count in counts:
        running += count
        fanout.append(running)
    pack = _RECORD.pack
    body = b"".join(
        (
            _HEAD.pack(INDEX_MAGIC, INDEX_VERSION, RECORD),
            _FANOUT.pack(*fanout),
            _COUNT.pack(len(ordered), pack_hash),
            *(pack(*record) for record in ordered),
        ),
    )
    return body + blake3(body).digest()


class EmptyIndex(CorruptObject):
    """An index of which there is only the name: so a crash leaves it where there are no hard links."""


class PackWriter:
    """Appends small objects to a pack, and publishes it with its index."""

    def __init__(self, folder: str, scratch: Scratch, salt: bytes = b"", step: int = 0) -> None:
        """Write into `scratch`, publish into `folder`; `salt`, before the bodies, gives packs names of their own.

        With `step` the first packs are no larger than that, and later ones larger by and by.
        """
        self._folder = folder
        self._scratch = scratch
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
        fsync_directory(self._folder)
        self.published.add(digest.hex())
        with suppress(FileNotFoundError):
            os.unlink(index)

    def abandon(self) -> None:
        """Forget what was added since the last `publish`."""
        if self._fd >= 0:
            os.close(self._fd)
            with suppress(FileNotFoundError):
                os.unlink(self._path)
        self._clear()

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
    try:
        files = set(os.listdir(folder))
    except FileNotFoundError:
        return
    for file in files:
        name, _, suffix = file.rpartition(".")
        if suffix == "idx" and f"{name}.pack" in files:
            with suppress(InvalidFormat):
                yield check_object_name(name)
