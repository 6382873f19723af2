"""Packs that are shaped on this disk to be sent: each is gone from it before there are many."""

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
from mvc.store.packs.index import encode_index
from mvc.store.packs.pack import STEP, PackWriter


class Shaped(NamedTuple):
    """A pack and its index, as files of this machine."""

    name: str
    pack_path: str
    index_path: str
    objects: frozenset[str]
    size: int
    """Bytes of the objects."""

    def discard(self) -> None:
        """Remove both files."""
        for path in (self.pack_path, self.index_path):
            with suppress(FileNotFoundError):
                os.unlink(path)


def shaped(bodies: Iterable[tuple[Digest, bytes]], scratch: Scratch, salt: bytes) -> Generator[Shaped]:
    """Yield packs of these objects; the next one is in the making while one is in use.

    `bodies` is asked from another thread, and for no more once the iterator is closed.
    """
    closed = Event()
    packs = _shaped(takewhile(lambda _: not closed.is_set(), bodies), scratch, salt)
    with ThreadPoolExecutor(1, thread_name_prefix="mvc-pack") as thread:
        try:
            coming = thread.submit(next, packs, None)
            while (pack := coming.result()) is not None:
                coming = thread.submit(next, packs, None)
                yield pack
        finally:
            closed.set()


def _shaped(bodies: Iterable[tuple[Digest, bytes]], scratch: Scratch, salt: bytes) -> Iterator[Shaped]:
    shaper = _Shaper(scratch.path, scratch, salt, STEP)
    try:
        for digest, body in bodies:
            shaper.add(digest, body)
            yield from shaper.take()
        shaper.publish()
        yield from shaper.take()
    finally:
        shaper.abandon()


class _Shaper(PackWriter):
    """Leaves packs in its scratch directory; they need not be durable."""

    _ready: Shaped | None = None

    def take(self) -> Iterator[Shaped]:
        """Yield the pack that was finished since the last call, if there is one."""
        if self._ready is not None:
            yield self._ready
            self._ready = None

    def _publish(self) -> None:
        self._flush()
        pack, index = self._scratch.name(), self._scratch.name()
        fd = os.open(index, CREATE, 0o600)
        try:
            write_all(fd, encode_index(self._records.values(), self._hasher.digest()))
        finally:
            os.close(fd)
        os.rename(self._path, pack)
        objects = frozenset(key.hex() for key in self._records)
        size = sum(record.size for record in self._records.values())
        self._ready = Shaped(self._hasher.hexdigest(), pack, index, objects, size)
