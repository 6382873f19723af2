"""Skips reading files whose stat data is unchanged since they were last read.

Stat data taken soon after a file's own times is not reliable, because a later write may leave the same times. Such a
file is read once more (Git calls it racily clean).

Names, stat data and digests are columns, 120 bytes for each file. The files of a large directory are in groups, which
are the shards of its manifest, so that a group without changes needs one comparison.
"""

from __future__ import annotations

import os
import stat
import struct
import time
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, pairwise
from typing import NamedTuple, TypeAlias

from mvc.fs.files import StatData
from mvc.objects.digest import Digest
from mvc.objects.hashing import hash_bytes
from mvc.objects.manifest import SHARD_ABOVE, Entry, Manifest, Row, Shard, encode_lines, ends_shard, shard_ends

RACY_NS = 50_000_000
"""A write this soon after another one may leave the stat data as it is."""
COARSE_NS = 2_000_000_000
"""The same where times are whole seconds: FAT, old NFS servers."""
PACKED = 48
"""Bytes of a digest: blake3 and xxh128. The size is in the stat data."""
UNREAD = bytes(PACKED)
"""The digest of a file that was not read."""
_BLAKE3 = 32
_STAT = struct.Struct(f"={len(StatData._fields)}q")
_SIZE, _MTIME, _CTIME = map(StatData._fields.index, ("size", "mtime_ns", "ctime_ns"))


def trusted_from(stat_data: StatData) -> int:
    """Return the time, in ns, from which equal stat data proves equal content."""
    return _trusted_from(stat_data.mtime_ns, stat_data.ctime_ns)


def _trusted_from(mtime_ns: int, ctime_ns: int) -> int:
    newest = max(mtime_ns, ctime_ns)
    return newest + (COARSE_NS if newest % 1_000_000_000 == 0 else RACY_NS)


class Files(NamedTuple):
    """Consecutive files of a tracked path, sorted, as columns."""

    names: bytes
    """Their paths inside, joined by NUL. The name of a tracked file itself is empty."""
    stat_data: bytes
    """Five signed 64-bit integers for each: see `StatData`."""
    executable: bytes
    """A byte for each: 1 if its owner may execute it, else 0."""

    @property
    def length(self) -> int:
        """The number of files."""
        return len(self.executable)

    @property
    def paths(self) -> list[str]:
        """The names."""
        return self.names.decode("utf-8", "surrogateescape").split("\0") if self.length else []

    @property
    def first(self) -> str:
        """The first name; empty without files."""
        return self.names.partition(b"\0")[0].decode("utf-8", "surrogateescape")

    @property
    def sizes(self) -> array[int]:
        """Bytes of each file."""
        return _integers(self.stat_data)[_SIZE :: len(StatData._fields)]

    @property
    def mtimes(self) -> array[int]:
        """The mtime of each file, in ns."""
        return _integers(self.stat_data)[_MTIME :: len(StatData._fields)]

    def stat(self, position: int) -> StatData:
        """Return the stat data of one file."""
        return StatData(*_STAT.unpack_from(self.stat_data, position * _STAT.size))

    def with_stat_data(self, changed: Mapping[int, StatData]) -> Files:
        """Return the files with the stat data of some positions replaced."""
        stat_data = bytearray(self.stat_data)
        for position, item in changed.items():
            _STAT.pack_into(stat_data, position * _STAT.size, *item)
        return self._replace(stat_data=bytes(stat_data))


def group_files(
    names: Sequence[str], stat_data: array[int], executable: bytearray, *, part: bool = False,
) -> list[Files]:
    """Return sorted files in groups: the shards of their manifest, by `shard_ends`."""
    fields = len(StatData._fields)
    found = []
    for start, end in pairwise([0, *shard_ends(names, part=part)]):
        joined = "\0".join(names[start:end]).encode("utf-8", "surrogateescape")
        stat_bytes = stat_data[start * fields : end * fields].tobytes()
        found.append(Files(joined, stat_bytes, bytes(executable[start:end])))
    return found


class Group(NamedTuple):
    """Files with their digests."""

    files: Files
    digests: bytes
    """`PACKED` bytes for each file."""
    recorded: int
    """When the stat data was taken, in ns since the epoch: none is older."""
    newest: int
    """The time from which all of the stat data can be trusted, in ns since the epoch."""
    digest: Digest
    """Of a tracked file, or of the lines of these files in a manifest."""

    @classmethod
    def of_file(cls, files: Files, packed: bytes, recorded: int) -> Group:
        """Return the group of a tracked file."""
        (size,) = files.sizes
        digest = Digest(packed[:_BLAKE3].hex(), packed[_BLAKE3:].hex(), size)
        return cls(files, packed, recorded, _newest(files), digest)

    @classmethod
    def of_files(cls, files: Files, digests: bytes, recorded: int) -> Group:
        """Return a group of files of a tracked directory."""
        return cls(files, digests, recorded, _newest(files), hash_bytes(encode_lines(_rows(files, digests))))

    @property
    def is_settled(self) -> bool:
        """Whether all of the stat data can be trusted."""
        return self.newest <= self.recorded

    @property
    def racy(self) -> list[int]:
        """The positions of files whose stat data cannot be trusted."""
        return [at for at, trusted in enumerate(_trusted(self.files)) if trusted > self.recorded]

    @property
    def trusted(self) -> list[bytes | None]:
        """The packed digest of each file; None where stat data cannot be trusted."""
        found: list[bytes | None] = [*_cut(self.digests, PACKED)]
        for at in self.racy:
            found[at] = None
        return found

    @property
    def rows(self) -> Iterator[tuple[str, FileRow]]:
        """The name of each file, and what is known of it."""
        stat_data, digests = _cut(self.files.stat_data, _STAT.size), _cut(self.digests, PACKED)
        recorded = [self.recorded] * self.files.length
        rows = zip(stat_data, self.files.executable, digests, recorded, strict=True)
        return zip(self.files.paths, rows, strict=True)

    @property
    def entries(self) -> list[Entry]:
        """The files of a manifest; the path of a tracked file itself is empty."""
        return list(map(Entry._make, _rows(self.files, self.digests)))

    @property
    def lines(self) -> bytes:
        """Their object in a manifest."""
        return encode_lines(_rows(self.files, self.digests))

    @property
    def names(self) -> list[str]:
        """The names of their objects."""
        text = self.digests.hex()
        return [text[at : at + 2 * _BLAKE3] for at in range(0, len(text), 2 * PACKED)]

    @property
    def shard(self) -> Shard:
        """Their shard of a manifest."""
        return Shard(self.digest, self.files.length, self.files.first)

    def packed(self, position: int) -> bytes:
        """Return the packed digest of one file."""
        return self.digests[position * PACKED : (position + 1) * PACKED]


FileRow: TypeAlias = tuple[bytes, int, bytes, int]
"""Of one file: packed stat data, the executable byte, the packed digest, and when the stat data was taken."""


class Snapshot(NamedTuple):
    """The files of a tracked path as they were when they were read."""

    kind: str
    """`file` or `dir`."""
    groups: tuple[Group, ...]

    @property
    def manifest(self) -> Manifest:
        """The files of a tracked directory."""
        return manifest_of(self.groups)

    @property
    def digest(self) -> Digest:
        """The digest of the whole: of the file, or of the directory's manifest."""
        return self.groups[0].digest if self.kind == "file" else self.manifest.digest


def manifest_of(groups: Iterable[Group]) -> Manifest:
    """Return the manifest of groups of files."""
    by_shard = {group.shard: group for group in groups}
    return Manifest(
        by_shard, lambda shard: by_shard[shard].lines,
        lambda: sum(sum(group.files.sizes) for group in by_shard.values()),
    )


class FilesBuilder:
    """Collects sorted files."""

    def __init__(self) -> None:
        self.count = 0
        self._groups: list[tuple[Files, bytes]] = []
        self._names: list[str] = []
        self._stat_data = array("q")
        self._executable = bytearray()
        self._digests = bytearray()

    def add(self, name: str, status: os.stat_result, digest: Digest) -> None:
        """Add a file."""
        self.count += 1
        self._names.append(name)
        self._stat_data.extend(StatData.of(status))
        self._executable.append(bool(status.st_mode & stat.S_IXUSR))
        self._digests += pack(digest)
        if len(self._names) > SHARD_ABOVE and ends_shard(name):
            self._pack()

    def groups(self) -> list[tuple[Files, bytes]]:
        """Return the files, grouped as for `group_files`, each with its packed digests."""
        if self._names or not self._groups:
            self._pack()
        return self._groups

    def _pack(self) -> None:
        start = 0
        part = bool(self._groups)
        for files in group_files(self._names, self._stat_data, self._executable, part=part):
            end = start + files.length * PACKED
            self._groups.append((files, bytes(self._digests[start:end])))
            start = end
        self._names, self._stat_data, self._executable, self._digests = [], array("q"), bytearray(), bytearray()


class Known:
    """Finds single files in groups of them: quickly if they are asked for in their order."""

    def __init__(self, groups: Sequence[Group]) -> None:
        self._groups = groups
        self._firsts = [group.files.first for group in groups]
        self._unpacked: tuple[int, dict[str, int]] = (-1, {})

    def stat_data(self, name: str) -> StatData | None:
        """Return the stat data of a file; None if it is not here."""
        return found[0].files.stat(found[1]) if (found := self.find(name)) else None

    def find(self, name: str) -> tuple[Group, int] | None:
        """Return a file's group and its position there; None if it is not here."""
        if (number := self.group_at(name)) < 0:
            return None
        if self._unpacked[0] != number:
            self._unpacked = number, {path: at for at, path in enumerate(self._groups[number].files.paths)}
        at = self._unpacked[1].get(name)
        return None if at is None else (self._groups[number], at)

    def rows(self, first: str, last: str) -> dict[str, FileRow]:
        """Return what is known of the files from `first` to `last`, and of some around them."""
        groups = self._groups[max(0, self.group_at(first)) : self.group_at(last) + 1]
        return dict(chain.from_iterable(group.rows for group in groups))

    def group_at(self, name: str) -> int:
        """Return the number of the only group that may have `name`; -1 without one."""
        return bisect_right(self._firsts, name) - 1

    def has_any(self, first: str, last: str) -> bool:
        """Whether a file has a name from `first` to `last`."""
        number = self.group_at(last)
        return number >= 0 and any(first <= path <= last for path in self._groups[number].files.paths)

    @property
    def is_empty(self) -> bool:
        """Whether no file is known."""
        return not self._groups

    def with_files(self, files: Files) -> Group | None:
        """Return the group with exactly these files and stat data."""
        group = self._groups[at] if (at := self.group_at(files.first)) >= 0 else None
        return group if group and group.files == files else None

    def same(self, files: Files) -> Group | None:
        """Return the group with exactly these files, if their stat data proves that none changed."""
        group = self.with_files(files)
        return group if group and group.is_settled else None

    def digest(self, name: str, stat_data: StatData) -> bytes | None:
        """Return the packed digest of the file `name` if its stat data proves that it did not change."""
        if (found := self.find(name)) is None:
            return None
        group, at = found
        if group.files.stat(at) != stat_data or trusted_from(stat_data) > group.recorded:
            return None
        return group.packed(at)


def unchanged(found: Iterable[Files], snapshot: Snapshot) -> bool:
    """Whether these are all files of the snapshot, and their stat data proves that none changed."""
    return tuple(map(Known(snapshot.groups).same, found)) == snapshot.groups


def pack(digest: Digest) -> bytes:
    """Return a digest in the format of a group."""
    return bytes.fromhex(digest.blake3 + digest.xxh128)


def packed_name(packed: bytes) -> str:
    """Return the blake3 of a packed digest: the object's name."""
    return packed[:_BLAKE3].hex()


def now() -> int:
    """Return the time in ns since the epoch, as in stat data."""
    return time.time_ns()


def _rows(files: Files, digests: bytes) -> Iterator[Row]:
    text, width = digests.hex(), 2 * PACKED
    rows = zip(files.paths, range(0, len(text), width), files.sizes, files.executable, strict=True)
    return (
        (name, text[at : at + 2 * _BLAKE3], text[at + 2 * _BLAKE3 : at + width], size, executable == 1)
        for name, at, size, executable in rows
    )


def _newest(files: Files) -> int:
    return max(_trusted(files), default=0)


def _trusted(files: Files) -> Iterator[int]:
    """Yield the time from which the stat data of each file can be trusted."""
    fields, values = len(StatData._fields), _integers(files.stat_data)
    return map(_trusted_from, values[_MTIME::fields], values[_CTIME::fields])


def _cut(column: bytes, size: int) -> list[bytes]:
    return [column[at : at + size] for at in range(0, len(column), size)]


def _integers(column: bytes) -> array[int]:
    values = array("q")
    values.frombytes(column)
    return values
