"""DVC's objects into mvc's cache: each is read once, and verified by its md5 as it is hashed."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import NamedTuple

from mvc.errors import MissingObject
from mvc.fs.files import CREATE_READABLE, READ, write_all
from mvc.fs.progress import Progress, Share
from mvc.objects.dvc.digest import LISTING_BYTES, DvcDigest, ListedFile, parse_listing
from mvc.objects.foreign import is_content
from mvc.ops.interop.dvc.stores import Place, Stores
from mvc.ops.interop.ledger import Ledger
from mvc.store.buckets.bucket import PART
from mvc.store.cache.source_file import SourceFile
from mvc.store.cache.writer import LOOSE_AT
from mvc.transfer.pool import Pool


class Arrival(NamedTuple):
    """What a look into the stores brought."""

    data: bytes | None
    """The content of a small object; None if none matches."""
    is_large: bool = False
    """Whether it is to be stored from a file."""
    wrong: tuple[str, ...] = ()
    """The stores whose content does not match."""


class Objects:
    """Brings the objects that the cache lacks, and lists them in the ledger."""

    def __init__(self, ledger: Ledger, stores: Stores, progress: Progress, pool: Pool) -> None:
        self.ledger = ledger
        self._stores = stores
        self._progress = progress
        self._pool = pool
        self.wrong: dict[DvcDigest, tuple[str, ...]] = {}
        """Objects whose content does not match wherever it is, and where that is."""

    def bring(self, wanted: Iterable[DvcDigest], remote: str) -> None:
        """Store the objects that the cache lacks, if DVC's stores have them; prefer `remote`."""
        lacking = [old for old in dict.fromkeys(wanted) if self.ledger.digest(old) is None]
        arriving = self._pool.in_order(partial(self._look, remote), lacking, LOOSE_AT)
        for old, arrival in zip(lacking, arriving, strict=True):
            if arrival.data is not None:
                self.ledger.note(old, self.ledger.writer.put_bytes(arrival.data))
            elif arrival.is_large:
                self._store_large(old, remote)
            elif arrival.wrong:
                self.wrong[old] = arrival.wrong

    def _look(self, remote: str, old: DvcDigest) -> Arrival:
        """Return a small object's content, from the first store where it matches."""
        wrong: list[str] = []
        for place in self._stores.places(old, remote):
            if place.item.size >= LOOSE_AT:
                return Arrival(None, is_large=True)
            if is_content(data := self._read(place), old):
                return Arrival(data)
            wrong.append(place.store)
        return Arrival(None, wrong=tuple(wrong))

    def _read(self, place: Place) -> bytes:
        size = place.item.size
        self._progress.expect(size)
        with Share(self._progress, size) as share:
            return place.bucket.read(place.item, 0, size, share) if size else b""

    def _store_large(self, old: DvcDigest, remote: str) -> None:
        """Store an object from the first store where it matches."""
        wrong: list[str] = []
        for place in self._stores.places(old, remote):
            check = old.check()
            self._progress.expect(place.item.size)
            with Share(self._progress, place.item.size) as share, self._opened(place) as fd:
                source = SourceFile(fd, os.fstat(fd), -1, "", str(old), progress=share, also=(check.update,))
                digest = self.ledger.writer.put_file(source, ("reflink", "copy")).digest
            if check.fits():
                self.ledger.note(old, digest)
                return
            wrong.append(place.store)
        self.wrong[old] = tuple(wrong)

    @contextmanager
    def _opened(self, place: Place) -> Iterator[int]:
        """Open an object for reading; one on a server is fetched first."""
        if (fd := place.bucket.open_local(place.item)) is not None:
            try:
                yield fd
            finally:
                os.close(fd)
            return
        with self.ledger.writer.cache.scratch() as scratch:
            path = scratch.name()
            fd = os.open(path, CREATE_READABLE, 0o600)
            try:
                for part in self._pool.in_order(partial(_part, place), range(0, place.item.size, PART), PART):
                    write_all(fd, part)
            finally:
                os.close(fd)
            with open(os.open(path, READ), "rb", buffering=0) as file:
                yield file.fileno()

    def listing(self, old: DvcDigest, what: str, remote: str) -> list[ListedFile]:
        """Return the files of a directory, by its list in DVC's stores.

        Raises:
            MissingObject: no store has the list.
            InvalidFormat: it is malformed.
        """
        for place in self._stores.places(old, remote):
            if place.item.size <= LISTING_BYTES:
                if is_content(data := self._read(place), old):
                    return parse_listing(data, what, old=old.text)
                self.wrong[old] = (*self.wrong.get(old, ()), place.store)
        raise MissingObject(what)


def _part(place: Place, start: int) -> bytes:
    return place.bucket.read(place.item, start, min(start + PART, place.item.size))
