"""DVC's objects into mvc's cache: each is read once, and verified by its md5 as it is hashed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import chain
from typing import NamedTuple, TypeAlias

from mvc.errors import MissingObject
from mvc.fs.files import DIRECTORY
from mvc.fs.progress import Progress, Share
from mvc.objects.digest import Digest
from mvc.objects.dvc.digest import LISTING_BYTES, DvcDigest, ListedFile, Md5, is_content, parse_listing
from mvc.ops.interop.dvc.stores import Place, Stores
from mvc.store.buckets.bucket import PART
from mvc.store.cache.source_file import LinkType, SourceFile
from mvc.store.cache.writer import LOOSE_AT, CacheWriter
from mvc.transfer.pool import Pool
from mvc.workspace.catalog import Catalog


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
    """The files that were imported, now or before: what the cache has of them is not read again."""

    def __init__(self, writer: CacheWriter, stores: Stores, catalog: Catalog, progress: Progress, pool: Pool) -> None:
        self.writer = writer
        self._stores = stores
        self._catalog = catalog
        self._progress = progress
        self._pool = pool
        self._known = catalog.imported()
        """By the digests of DVC, as text."""
        self._stored: dict[DvcDigest, Digest] = {}
        """Those that this writer has stored or reused; a part of them is in a pack that is not finished."""
        self.wrong: dict[DvcDigest, tuple[str, ...]] = {}
        """Objects whose content does not match wherever it is, and where that is."""

    def digest(self, old: DvcDigest) -> Digest | None:
        """Return the digest of an object that the cache has."""
        if old not in self._stored and (known := self._known.get(str(old))) and self.writer.holds(known.blake3):
            self._stored[old] = known
        return self._stored.get(old)

    def note(self, old: DvcDigest, digest: Digest) -> None:
        """Remember that the cache has an object, verified."""
        self._stored[old] = digest
        self._catalog.set_imported(str(old), digest)

    def bring(self, wanted: Iterable[DvcDigest], remote: str) -> None:
        """Store the objects that the cache lacks, if DVC's stores have them; prefer `remote`."""
        lacking = [old for old in dict.fromkeys(wanted) if self.digest(old) is None]
        for old in lacking:  # in this thread: others would only wait for each other
            self._store(old, self._stores.in_cache, self._look(self._stores.in_cache, old))
        rest = [old for old in lacking if self.digest(old) is None]
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
            self.note(old, self.writer.put_bytes(arrival.data))
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
            md5 = Md5(text=old.text)
            self._progress.expect(place.item.size)
            with Share(self._progress, place.item.size) as share, self._opened(place, str(old)) as (source, links):
                digest = self.writer.put_file(source._replace(progress=share, also=(md5.update,)), links).digest
            if md5.fits(old):
                self.note(old, digest)
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
        with self.writer.cache.scratch() as scratch:
            path = scratch.name()
            with open(path, "xb") as file:
                file.writelines(self._pool.in_order(partial(_part, place), range(0, place.item.size, PART), PART))
            folder = os.open(scratch.path, DIRECTORY)
            try:
                with open(path, "rb", buffering=0) as file:
                    fd = file.fileno()
                    yield SourceFile(fd, os.fstat(fd), folder, os.path.basename(path), name), ("hardlink", "copy")
            finally:
                os.close(folder)

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
