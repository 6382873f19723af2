"""Building local packs to send; each is removed before there are many."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import takewhile
from threading import Event
from typing import NamedTuple

from mvc.fs.files import CREATE, write_all
from mvc.fs.scratch import Scratch
from mvc.objects.digest import Digest
from mvc.store.packs.index import encode_index, parse_record
from mvc.store.packs.pack_writer import STEP, PackWriter

_NAME = 32


class BuiltPack(NamedTuple):
    """A pack and its index, as local files."""

    name: str
    pack_path: str
    index_path: str
    names: bytes
    """The names of its objects, 32 bytes each."""
    size: int
    """Bytes of the objects."""

    @property
    def object_count(self) -> int:
        """The number of its objects."""
        return len(self.names) // _NAME

    def objects(self) -> Iterator[str]:
        """Yield the names of its objects."""
        return (self.names[at : at + _NAME].hex() for at in range(0, len(self.names), _NAME))

    def discard(self) -> None:
        for path in (self.pack_path, self.index_path):
            with suppress(FileNotFoundError):
                os.unlink(path)


def build_packs(bodies: Iterable[tuple[Digest, bytes]], scratch: Scratch, salt: bytes) -> Generator[BuiltPack]:
    """Yield packs of these objects; the next one is built while the caller uses one.

    `bodies` is iterated in another thread, and no further once the generator is closed.
    """
    closed = Event()
    packs = _built(takewhile(lambda _: not closed.is_set(), bodies), scratch, salt)
    with ThreadPoolExecutor(1, thread_name_prefix="mvc-pack") as thread:
        try:
            coming = thread.submit(next, packs, None)
            while (pack := coming.result()) is not None:
                coming = thread.submit(next, packs, None)
                yield pack
        finally:
            closed.set()


def _built(bodies: Iterable[tuple[Digest, bytes]], scratch: Scratch, salt: bytes) -> Iterator[BuiltPack]:
    builder = _PackBuilder(scratch.path, scratch, salt, STEP)
    try:
        for digest, body in bodies:
            builder.add(digest, body)
            yield from builder.take()
        builder.publish()
        yield from builder.take()
    finally:
        builder.abandon()


class _PackBuilder(PackWriter):
    """Writes packs in its scratch directory; they need not be durable."""

    _built: BuiltPack | None = None

    def take(self) -> Iterator[BuiltPack]:
        """Yield the pack that was finished since the last call, if any."""
        if self._built is not None:
            yield self._built
            self._built = None

    def _publish(self) -> None:
        self._flush()
        pack, index = self._scratch.name(), self._scratch.name()
        fd = os.open(index, CREATE, 0o600)
        try:
            write_all(fd, encode_index(self._rows(), self._hasher.digest()))
        finally:
            os.close(fd)
        os.rename(self._path, pack)
        size = sum(parse_record(row, 0).size for row in self._rows())
        self._built = BuiltPack(self._hasher.hexdigest(), pack, index, b"".join(self._keys), size)
