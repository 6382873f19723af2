"""Writing into the cache: large objects loose, small ones in packs, durable before they count as stored."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress

from mvc.errors import CorruptObject
from mvc.fs.files import write_all
from mvc.objects.digest import Digest, check_object_name
from mvc.objects.hashing import hash_bytes
from mvc.store.cache.cache import Cache
from mvc.store.cache.layout import cannot_write, naming_cache, prepare
from mvc.store.cache.loose import LooseWriter
from mvc.store.cache.repack import rewrite
from mvc.store.cache.source_file import LinkType, ReadFile, SourceFile, store_file
from mvc.store.packs.pack_writer import PackWriter

LOOSE_AT = 512 << 10
"""Bytes from which an object is a file of its own."""


class CacheWriter:
    """Stores objects; they count as stored once `finish` has returned.

    As a context manager it finishes on success; on an error no object is partially published.
    `put_file` and `put_filled` may be called from several threads at once.
    """

    def __init__(self, cache: Cache, links: tuple[LinkType, ...] = ("copy",), step: int = 0) -> None:
        """Write into `cache`; `links` are the ways a workspace file may become an object.

        With `step` packs are published as they fill, see `PackWriter`, and Ctrl-C keeps what was stored.

        Raises:
            MvcError: the cache cannot be written.
        """
        prepare(cache.root)
        self.cache = cache
        self._links = links
        self._scratch = cache.scratch()
        self._loose = LooseWriter(cache, self._scratch)
        self._pack = PackWriter(cache.packs.folder, self._scratch, step=step, durable_names=cache.durable_names)
        self._packing = threading.Lock()
        self._step = step

    def __enter__(self) -> CacheWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        is_quick = self._pack.waiting <= self._step  # the user waits for it after Ctrl-C
        try:
            if kind is None or (issubclass(kind, KeyboardInterrupt) and self._step and is_quick):
                self.finish()
        finally:
            self._pack.abandon()
            self._scratch.__exit__()

    def finish(self) -> None:
        """Make all stored objects durable, and visible to others."""
        try:
            with self._packing:
                self._pack.publish()
            self._loose.fsync_folders()
        except OSError as error:
            raise cannot_write(self.cache.root, error) from None
        self.cache.packs.refresh()

    def holds(self, name: str) -> bool:
        """Whether the cache has the object, which then counts as stored by this writer."""
        return self._loose.holds(name)

    def lacking(self, names: Iterable[str]) -> set[str]:
        """Return which objects the cache lacks; the others count as stored by this writer."""
        return {name for name in names if not self._loose.holds(name)}

    def holds_all(self, packs: frozenset[str], loose: Iterable[str]) -> bool:
        """Whether the cache has these packs and loose objects; all of them count as stored by this writer."""
        if packs:
            self._loose.reuse_packed()
        return packs <= self.cache.packs.names() and all(map(self._loose.holds, loose))

    def put_bytes(self, data: bytes, digest: Digest | None = None) -> Digest:
        """Store `data` and return its digest, which is computed unless it is given.

        Raises:
            MvcError: the cache cannot be written.
        """
        digest = digest or hash_bytes(data)
        try:
            if len(data) < LOOSE_AT:
                self._put_small(digest, data)
            elif self.cache.intact(digest):
                self._loose.reuse(digest.blake3)
            else:
                self._put_large(digest, data)
        except OSError as error:
            raise cannot_write(self.cache.root, error) from None
        return digest

    def _put_large(self, digest: Digest, data: bytes) -> None:
        temp, fd = self._loose.new_file()
        try:
            write_all(fd, data)
            self._loose.seal_and_publish(fd, temp, digest)
        finally:
            os.close(fd)

    def _put_small(self, digest: Digest, data: bytes) -> None:
        key = bytes.fromhex(digest.blake3)
        with self._packing:
            if key not in self._pack and not self._is_packed(key, data):
                self._pack.add(digest, data)

    def _is_packed(self, key: bytes, data: bytes) -> bool:
        """Whether a pack has `data` intact; a damaged copy is removed from its pack."""
        packs = self.cache.packs
        while packs.holder(key) is not None and (found := packs.find(key)) is not None:
            if packs.body(*found) == data:
                self._loose.reuse_packed()
                return True
            rewrite(self.cache, found[0], {key}, "quarantine")
        return False

    def put_filled(self, digest: Digest, fill: Callable[[int], Digest], *, resume: bool = False) -> None:
        """Store the content that `fill` writes to a file, which must match `digest`.

        `fill` returns the digest of the whole file. With `resume` a partial file is kept when `fill` fails, or the
        process dies, and the next call continues it. When the result does not match, `fill` is called once more with an
        empty file.

        Raises:
            CorruptObject: the content does not match; nothing was stored, the file is in quarantine.
        """
        check_object_name(digest.blake3)
        temp, fd = self._loose.resumed_file(digest) if resume else self._loose.new_file()
        keep = resume
        try:
            if _filled(fd, fill, digest) != digest:
                keep = False
                self._loose.quarantine_arrival(fd, temp, digest)
                raise CorruptObject(f"object {digest.blake3}: the bytes do not match their digest")
            if digest.size < LOOSE_AT:
                self._put_small(digest, os.pread(fd, digest.size, 0))
            else:
                self._loose.seal_and_publish(fd, temp, digest)
            keep = False
        finally:
            if not keep:
                with suppress(FileNotFoundError):
                    os.unlink(temp)
            os.close(fd)

    def quarantine(self, digest: Digest, data: bytes) -> None:
        """Put the bytes that a remote sent for `digest` in quarantine."""
        with suppress(OSError):  # best effort
            temp, fd = self._loose.new_file()
            try:
                write_all(fd, data)
                self._loose.quarantine_arrival(fd, temp, digest)
            finally:
                os.close(fd)
                os.unlink(temp)

    def put_file(self, source: SourceFile, links: tuple[LinkType, ...] | None = None) -> ReadFile:
        """Store a file of at least `LOOSE_AT` bytes: of the workspace, or with `links`; see `store_file`.

        Raises:
            SourceChanged: it changed while it was read.
            OSError: it cannot be read.
            MvcError: the cache cannot be written.
        """
        try:
            return store_file(self._loose, source, self._links if links is None else links)
        except OSError as error:
            raise naming_cache(self.cache.root, error) from None


def _filled(fd: int, fill: Callable[[int], Digest], digest: Digest) -> Digest:
    """Fill a file; again from empty when it was resumed and does not match."""
    begun = os.fstat(fd).st_size > 0
    found = fill(fd)
    if found != digest and begun:
        os.ftruncate(fd, 0)
        os.lseek(fd, 0, os.SEEK_SET)
        found = fill(fd)
    return found
