"""DVC's objects into mvc's cache: each is read once, and verified by its md5 as it is hashed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import chain
from typing import NamedTuple, TypeAlias

from mvc.errors import MissingObject
from mvc.fs.progress import Progress, Share
from mvc.objects.dvc.digest import LISTING_BYTES, DvcDigest, ListedFile, parse_listing
from mvc.objects.foreign import is_content
from mvc.ops.interop.dvc.stores import Place, Stores
from mvc.ops.interop.fetched_file import LINKS, fetched_file
from mvc.ops.interop.ledger import Ledger
from mvc.store.buckets.bucket import PART
from mvc.store.cache.source_file import LinkType, SourceFile
from mvc.store.cache.writer import LOOSE_AT
from mvc.transfer.pool import Pool


class Arrival(NamedTuple):
    """What a look into the stores brought."""

    data: bytes | None = None
    """The content of a small object; None if none matches."""
    is_large: bool = False
    """Whether it is to be stored from a file."""
    wrong: tuple[str, ...] = ()
    """The stores whose content does not match."""


Find: TypeAlias = Callable[[DvcDigest], Iterator[Place]]


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
        for old in lacking:  # in this thread: others would only wait for each other
            self._store(old, self._stores.in_cache, self._look(self._stores.in_cache, old))
        rest = [old for old in lacking if self.ledger.digest(old) is None]
        find = partial(self._stores.on_remotes, remote=remote)
        for old, arrival in zip(rest, self._pool.in_order(partial(self._look, find), rest, LOOSE_AT), strict=True):
            self._store(old, find, arrival)

    def _look(self, find: Find, old: DvcDigest) -> Arrival:
        """Return a small object's content, from the first store where it matches."""
        wrong: list[str] = []
        for place in find(old):
            if place.item.size >= LOOSE_AT:
                return Arrival(is_large=True)
            if is_content(data := self._read(place), old):
                return Arrival(data)
            wrong.append(place.store)
        return Arrival(wrong=tuple(wrong))

    def _store(self, old: DvcDigest, find: Find, arrival: Arrival) -> None:
        if arrival.data is not None:
            self.ledger.note(old, self.ledger.writer.put_bytes(arrival.data))
        wrong = self._store_large(old, find) if arrival.is_large else arrival.wrong
        if wrong:
            self.wrong[old] = (*self.wrong.get(old, ()), *wrong)

    def _read(self, place: Place) -> bytes:
        size = place.item.size
        self._progress.expect(size)
        with Share(self._progress, size) as share:
            return place.bucket.read(place.item, 0, size, share) if size else b""

    def _store_large(self, old: DvcDigest, find: Find) -> tuple[str, ...]:
        """Store an object from the first store where it matches; return the others."""
        wrong: list[str] = []
        for place in find(old):
            check = old.check()
            self._progress.expect(place.item.size)
            with Share(self._progress, place.item.size) as share, self._opened(place, str(old)) as (opened, links):
                source = opened._replace(progress=share, also=(check.update,))
                digest = self.ledger.writer.put_file(source, links).digest
            if check.fits():
                self.ledger.note(old, digest)
                break
            wrong.append(place.store)
        return tuple(wrong)

    @contextmanager
    def _opened(self, place: Place, name: str) -> Iterator[tuple[SourceFile, tuple[LinkType, ...]]]:
        """Open an object for reading; one on a server is fetched first, and its file may become mvc's."""
        if (fd := place.bucket.open_local(place.item)) is not None:
            with open(fd, "rb", buffering=0):
                yield SourceFile(fd, os.fstat(fd), -1, "", name), ("reflink", "copy")
            return
        parts = self._pool.in_order(partial(_part, place), range(0, place.item.size, PART), PART)
        with fetched_file(self.ledger.writer.cache, name, parts) as source:
            yield source, LINKS

    def listing(self, old: DvcDigest, what: str, remote: str) -> list[ListedFile]:
        """Return the files of a directory, by its list in DVC's stores.

        Raises:
            MissingObject: no store has the list.
            InvalidFormat: it is malformed.
        """
        for place in chain(self._stores.in_cache(old), self._stores.on_remotes(old, remote)):
            if place.item.size <= LISTING_BYTES:
                if is_content(data := self._read(place), old):
                    return parse_listing(data, what, old=old.text)
                self.wrong[old] = (*self.wrong.get(old, ()), place.store)
        raise MissingObject(what)


def _part(place: Place, start: int) -> bytes:
    return place.bucket.read(place.item, start, min(start + PART, place.item.size))
