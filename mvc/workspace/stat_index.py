"""Skips reading files whose stat data is unchanged since they were last read.

Stat data taken soon after a file's own times is not reliable, because a later write may leave the same times. Such a
file is read once more (Git calls it racily clean).
"""

from __future__ import annotations

import time
from array import array
from typing import NamedTuple

from mvc.fs.files import StatData
from mvc.objects.digest import Digest
from mvc.objects.manifest import Entry
from mvc.workspace.catalog import Snapshot
from mvc.workspace.scan import CTIME, MTIME, STAT_FIELDS, Scan

RACY_NS = 50_000_000
"""A write this soon after another one may leave the stat data as it is."""
COARSE_NS = 2_000_000_000
"""The same where times are whole seconds: FAT, old NFS servers."""
PACKED = 48
"""Bytes of a digest in a snapshot: blake3 and xxh128. The size is in the stat data."""
_BLAKE3, _XXH128 = slice(0, 32), slice(32, PACKED)


def trusted_from(stat_data: StatData) -> int:
    """Return the time, in ns, from which equal stat data proves equal content."""
    return _trusted_from(stat_data.mtime_ns, stat_data.ctime_ns)


def _trusted_from(mtime_ns: int, ctime_ns: int) -> int:
    newest = max(mtime_ns, ctime_ns)
    return newest + (COARSE_NS if newest % 1_000_000_000 == 0 else RACY_NS)


class Known:
    """A snapshot, unpacked to look up single files; without a snapshot, nothing is known."""

    def __init__(self, snapshot: Snapshot | None) -> None:
        self._recorded = snapshot.recorded if snapshot else 0
        self._digests = snapshot.digests if snapshot else b""
        self._stat_data = array("q")
        self._stat_data.frombytes(snapshot.stat_data if snapshot else b"")
        names = snapshot.names.decode("utf-8", "surrogateescape") if snapshot else ""
        self._positions = {name: at for at, name in enumerate(names.split("\0"))} if self._digests else {}

    def __len__(self) -> int:
        return len(self._positions)

    def digest(self, name: str, stat_data: StatData) -> bytes | None:
        """Return the packed digest of the file `name` if its stat data proves that it did not change."""
        if (position := self._positions.get(name)) is None:
            return None
        if self._stat(position) != stat_data or trusted_from(stat_data) > self._recorded:
            return None
        return self._digest(position)

    def entries(self) -> dict[str, tuple[StatData, bytes]]:
        """Return stat data and packed digest of every file."""
        return {
            name: (StatData(*self._stat(position)), self._digest(position))
            for name, position in self._positions.items()
        }

    def _stat(self, position: int) -> tuple[int, ...]:
        return tuple(self._stat_data[position * STAT_FIELDS : (position + 1) * STAT_FIELDS])

    def _digest(self, position: int) -> bytes:
        return self._digests[position * PACKED : (position + 1) * PACKED]


def unchanged(found: Scan, snapshot: Snapshot | None) -> bool:
    """Whether every file is as in the snapshot, by one comparison."""
    return (
        snapshot is not None
        and snapshot.kind == found.kind
        and snapshot.newest <= snapshot.recorded
        and not found.refused
        and snapshot.names == _join(found.names)
        and snapshot.stat_data == found.stat_data.tobytes()
    )


class Content(NamedTuple):
    """The content of a tracked path, with a packed digest for every name of the scan."""

    scan: Scan
    digests: list[bytes]
    recorded: int
    """When the walk began, in ns since the epoch: no stat data is older."""

    def digest(self, position: int) -> Digest:
        """Return the digest of the file at `position`."""
        packed = self.digests[position]
        return Digest(packed[_BLAKE3].hex(), packed[_XXH128].hex(), self.scan.stat(position).size)

    def entries(self) -> list[Entry]:
        """Return the files, in the order of the scan."""
        executables = self.scan.executables
        rows = zip(self.scan.names, self.digests, self.scan.sizes, strict=True)
        return [
            Entry(name, packed[_BLAKE3].hex(), packed[_XXH128].hex(), size, name in executables)
            for name, packed, size in rows
        ]


def snapshot_of(content: Content, whole: Digest) -> Snapshot:
    """Return the snapshot of `content`, whose total digest is `whole`."""
    found = content.scan
    times = zip(found.stat_data[MTIME::STAT_FIELDS], found.stat_data[CTIME::STAT_FIELDS], strict=True)
    newest = max((_trusted_from(mtime, ctime) for mtime, ctime in times), default=0)
    return Snapshot(
        content.recorded, newest, _join(found.names), found.stat_data.tobytes(), b"".join(content.digests),
        found.kind, whole,
    )


def pack(digest: Digest) -> bytes:
    """Return a digest in the format of a snapshot."""
    return bytes.fromhex(digest.blake3 + digest.xxh128)


def packed_name(packed: bytes) -> str:
    """Return the blake3 of a packed digest: the object's name."""
    return packed[_BLAKE3].hex()


def packed_digests(joined: bytes) -> list[bytes]:
    """Split the joined digests of a snapshot."""
    return [joined[start : start + PACKED] for start in range(0, len(joined), PACKED)]


def now() -> int:
    """Return the time in ns since the epoch, as in stat data."""
    return time.time_ns()


def _join(names: list[str]) -> bytes:
    return "\0".join(names).encode("utf-8", "surrogateescape")
