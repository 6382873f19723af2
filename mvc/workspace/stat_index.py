"""Which files need no reading: their stamps are those they had when they were last read.

A stamp taken close to the file's own times proves nothing, since a later write may carry the
same times: such a file is read once more (Git calls it racily clean).
"""

from __future__ import annotations

import time
from array import array
from typing import NamedTuple

from mvc.fs.files import Stamp
from mvc.objects.digest import Digest
from mvc.workspace.catalog import Snapshot
from mvc.workspace.scan import STAMP_FIELDS, Scan

RACY_NS = 50_000_000
"""A write this soon after a stamp was taken may leave the stamp as it is."""
COARSE_NS = 2_000_000_000
"""The same where times are whole seconds: FAT, old NFS servers."""
PACKED = 48
"""Bytes of a digest in a snapshot: blake3 and xxh128; the size is in the stamp."""


def trusted_from(stamp: Stamp) -> int:
    """Return the time, in ns, from which on a stamp equal to this one proves the content."""
    newest = max(stamp.mtime_ns, stamp.ctime_ns)
    return newest + (COARSE_NS if newest % 1_000_000_000 == 0 else RACY_NS)


class Known:
    """A snapshot, unpacked for looking up single files."""

    def __init__(self, snapshot: Snapshot | None) -> None:
        """Unpack `snapshot`; without one nothing is known."""
        self._recorded = snapshot.recorded if snapshot else 0
        self._digests = snapshot.digests if snapshot else b""
        self._stamps = _unpack(snapshot.stamps) if snapshot else array("q")
        names = _split(snapshot.names) if snapshot and self._digests else []
        self._positions = {name: position for position, name in enumerate(names)}

    def __len__(self) -> int:
        """How many files are known."""
        return len(self._positions)

    def digest(self, name: str, stamp: Stamp) -> bytes | None:
        """Return the packed digest of the file `name` if it still has the stamp it was read with."""
        if (position := self._positions.get(name)) is None:
            return None
        start = position * STAMP_FIELDS
        if tuple(self._stamps[start : start + STAMP_FIELDS]) != stamp or trusted_from(stamp) > self._recorded:
            return None
        return self._digests[position * PACKED : (position + 1) * PACKED]

    def entries(self) -> dict[str, tuple[Stamp, bytes]]:
        """Return stamp and packed digest of every file."""
        return {
            name: (
                Stamp(*self._stamps[position * STAMP_FIELDS : (position + 1) * STAMP_FIELDS]),
                self._digests[position * PACKED : (position + 1) * PACKED],
            )
            for name, position in self._positions.items()
        }


def unchanged(found: Scan, snapshot: Snapshot | None) -> bool:
    """Whether every file is as the snapshot has it, in one comparison."""
    return (
        snapshot is not None
        and snapshot.kind == found.kind
        and snapshot.newest <= snapshot.recorded
        and not found.refused
        and snapshot.names == _join(found.names)
        and snapshot.stamps == found.stamps.tobytes()
    )


class Content(NamedTuple):
    """What was found at a tracked path, with a packed digest for every name of the scan."""

    scan: Scan
    digests: list[bytes]
    recorded: int
    """When the walk began, in ns since the epoch: no stamp was taken before."""

    def digest(self, position: int) -> Digest:
        """Return the digest of the file at `position`."""
        packed, size = self.digests[position], self.scan.stamps[position * STAMP_FIELDS + 2]
        return Digest(packed[:32].hex(), packed[32:].hex(), size)


def snapshot_of(content: Content, whole: Digest) -> Snapshot:
    """Return what to remember of `content`, whose digest as a whole is `whole`."""
    found = content.scan
    newest = max((_newest(found, position) for position in range(len(found.names))), default=0)
    return Snapshot(
        content.recorded, newest, _join(found.names), found.stamps.tobytes(), b"".join(content.digests),
        found.kind, whole,
    )


def _newest(found: Scan, position: int) -> int:
    start = position * STAMP_FIELDS
    newest = max(found.stamps[start + 3], found.stamps[start + 4])
    return newest + (COARSE_NS if newest % 1_000_000_000 == 0 else RACY_NS)


def pack(digest: Digest) -> bytes:
    """Return a digest as a snapshot holds it."""
    return bytes.fromhex(digest.blake3 + digest.xxh128)


def packed_digests(joined: bytes) -> list[bytes]:
    """Return the digests that a snapshot has joined."""
    return [joined[start : start + PACKED] for start in range(0, len(joined), PACKED)]


def now() -> int:
    """Return the time in ns since the epoch, as the file system's stamps count it."""
    return time.time_ns()


def _join(names: list[str]) -> bytes:
    return "\0".join(names).encode("utf-8", "surrogateescape")


def _split(joined: bytes) -> list[str]:
    return joined.decode("utf-8", "surrogateescape").split("\0")


def _unpack(stamps: bytes) -> array[int]:
    unpacked = array("q")
    unpacked.frombytes(stamps)
    return unpacked
