"""Writing packs. Byte layout: docs/formats.md, "Pack" and "Pack index"."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress

from blake3 import blake3

from mvc.errors import MvcError
from mvc.fs.durable_names import DurableNames
from mvc.fs.files import CREATE, write_all
from mvc.fs.new_names import link_new
from mvc.fs.scratch import Scratch
from mvc.objects.digest import Digest
from mvc.objects.hashing import hash_stream
from mvc.store.packs.index import RAW, RECORD, Record, encode_index

PACK_MAGIC = b"MVCPACK1"
MAX_PACK = 1 << 30
"""Bytes after which a writer begins the next pack."""
STEP = 64 << 20
"""Bytes after which the first packs of a transfer end: finished packs are not transferred again."""
_SHARE = 16
"""A pack of a transfer may grow to this fraction of all bytes moved before, which limits their number."""

_BUFFER = 1 << 20
_MOST_RECORDS = 128 << 10
"""Objects after which a writer begins the next pack: some 30 MB of memory."""


class PackWriter:
    """Appends small objects to a pack, and publishes it with its index."""

    def __init__(
        self, folder: str, scratch: Scratch, salt: bytes = b"", step: int = 0,
        durable_names: DurableNames | None = None,
    ) -> None:
        """Write into `scratch`, publish into `folder`; `salt`, before the bodies, makes the pack names unique.

        With `step` the first packs are no larger than that; later ones grow.
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
        return key in self._keys

    def add(self, digest: Digest, data: bytes) -> None:
        """Append an object, unless this pack has it."""
        key = bytes.fromhex(digest.blake3)
        if key in self._keys:
            return
        if self._fd < 0:
            self._begin()
        size = len(data)
        self._keys.add(key)
        self._records += Record(key, bytes.fromhex(digest.xxh128), self._offset, size, size, RAW).pack()
        self._offset += size
        self._pending.append(data)
        self._pending_bytes += size
        if self._pending_bytes >= _BUFFER:
            self._flush()
        limit = min(MAX_PACK, max(self._step, self._done // _SHARE)) if self._step else MAX_PACK
        if self._offset >= limit or len(self._keys) >= _MOST_RECORDS:
            self.publish()

    @property
    def waiting(self) -> int:
        """Bytes of the pack that is being written."""
        return self._offset

    def publish(self) -> None:
        """Make the pack durable, then its index; do nothing for an empty pack.

        When that fails, the writer cannot be used again: an fsync is never repeated, and the objects added before must
        not count as stored.

        Raises:
            MvcError: publishing failed before.
            OSError: the pack cannot be written.
        """
        if self._failed:
            raise MvcError("a pack could not be written, so its objects are not stored", "run the command again")
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
        _write_durable(index, encode_index(self._rows(), digest))
        if not link_new(self._path, f"{final}.pack") and _blake3_of(f"{final}.pack") != digest.hex():
            os.replace(self._path, f"{final}.pack")  # the same bodies, damaged since
        if not link_new(index, f"{final}.idx") and _blake3_of(f"{final}.idx") != _blake3_of(index):
            os.replace(index, f"{final}.idx")
        self._durable_names.fsync_folder(self._folder)
        self.published.add(digest.hex())
        with suppress(FileNotFoundError):
            os.unlink(index)

    def _rows(self) -> Iterator[bytes]:
        """Return the records of the pack."""
        return (bytes(self._records[at : at + RECORD]) for at in range(0, len(self._records), RECORD))

    def abandon(self) -> None:
        """Drop the objects added since the last `publish`."""
        fd, path = self._fd, self._path
        self._clear()  # first: if a line below fails, no file is closed twice
        if fd >= 0:
            os.close(fd)
            with suppress(OSError):  # the scratch directory is removed anyway
                os.unlink(path)

    def _begin(self) -> None:
        self._path = self._scratch.name()
        self._fd = os.open(self._path, CREATE, 0o600)
        self._pending.append(self._start)
        self._offset = self._pending_bytes = len(self._start)

    def _flush(self) -> None:
        data = b"".join(self._pending)
        # At a fixed position, overwriting an earlier failed try: after a full disk the next try may fit.
        _write_at(self._fd, data, self._offset - self._pending_bytes)
        self._hasher.update(data)
        self._pending.clear()
        self._pending_bytes = 0

    def _clear(self) -> None:
        self._fd = -1
        self._hasher = blake3()
        self._keys: set[bytes] = set()
        self._records = bytearray()
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
        os.fchmod(fd, 0o444)  # independent of the umask: a cache may be shared
        os.fsync(fd)
    finally:
        os.close(fd)
