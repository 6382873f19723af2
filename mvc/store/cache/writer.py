"""Writing into the cache: loose objects and packs, durable before they are acknowledged.

Write protocol: docs/architecture.md, "Publishing an object".
"""

from __future__ import annotations

import errno
import fcntl
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, BinaryIO, Literal, NamedTuple, TypeAlias

from mvc.errors import CorruptObject, MvcError
from mvc.fs.copying import copying
from mvc.fs.file_systems import open_for_writing_elsewhere, reflink
from mvc.fs.files import CREATE_READABLE, StatData, check_unchanged, source_changed, write_all
from mvc.fs.new_names import link_new
from mvc.fs.shared_folders import make_folders
from mvc.objects.digest import Digest, check_object_name
from mvc.objects.hashing import hash_bytes, hash_reader, hash_stream
from mvc.store.packs.index import Record
from mvc.store.packs.pack import PackWriter

if TYPE_CHECKING:
    from mvc.store.cache.cache import Cache

LOOSE_AT = 512 << 10
"""Bytes from which an object is a file of its own."""

ARRIVED = ".arrived"
"""How the names of files in quarantine end that came from a remote; those of others end in hex digits."""

LinkType: TypeAlias = Literal["reflink", "copy", "hardlink", "symlink"]

_CANNOT_WRITE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})
"""What no reading fails with: it is the cache that cannot be written to, not the source that cannot be read."""
_CANNOT_LINK = frozenset({errno.EPERM, errno.EACCES, errno.EMLINK, errno.EXDEV, errno.EOPNOTSUPP, errno.ENOSYS})


class Source(NamedTuple):
    """A file to store: open for reading, with its place for linking and for messages."""

    fd: int
    status: os.stat_result
    dir_fd: int
    name: str
    path: str
    likely: bool = False
    """Its size is that of content known before: worth hashing once before copying."""


class ReadFile(NamedTuple):
    """What a file held, and the status it had all the while."""

    digest: Digest
    status: os.stat_result


class CacheWriter:
    """Stores objects; what was stored counts once `finish` has returned.

    As a context manager it finishes on success and leaves nothing half-published on an error.
    `put_file` and `put_filled` may be called from several threads at once.
    """

    def __init__(self, cache: Cache, links: tuple[LinkType, ...] = ("copy",), step: int = 0) -> None:
        """Write into `cache`; `links` says how a workspace file may become an object.

        With `step` packs are published as they fill, see `PackWriter`, and what was stored counts after Ctrl-C, too.
        """
        cache.prepare()
        self.cache = cache
        self._links = links
        try:
            self._scratch = cache.scratch()
        except OSError as error:
            raise self._named(error) from None
        self._pack = PackWriter(cache.packs.folder, self._scratch, step=step, durable_names=cache.durable_names)
        self._packing = threading.Lock()
        self._step = step
        self._dirty: set[str] = set()

    @property
    def published(self) -> frozenset[str]:
        """Names of the packs that were published."""
        return frozenset(self._pack.published)

    def __enter__(self) -> CacheWriter:
        """Return itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Finish, or clean up after an error."""
        try:
            if kind is None or (issubclass(kind, KeyboardInterrupt) and self._is_worth_keeping()):
                self.finish()
        finally:
            self._pack.abandon()
            self._scratch.__exit__()

    def _is_worth_keeping(self) -> bool:
        """Whether what was put is wanted after Ctrl-C, too, and so little that nobody waits for it."""
        return self._step > 0 and self._pack.waiting <= self._step

    def finish(self) -> None:
        """Make durable, and visible to others, all that was put."""
        try:
            with self._packing:
                self._pack.publish()
            for folder in sorted(self._dirty):
                self.cache.durable_names.fsync_folder(folder)
        except OSError as error:
            raise self._named(error, always=True) from None
        self._dirty.clear()
        self.cache.packs.refresh()

    def holds(self, name: str) -> bool:
        """Whether the cache has the object `name`, which then counts once `finish` has returned, too."""
        folders = self.cache.folders_of(name)
        if not folders and self.cache.packs.refresh():
            folders = self.cache.folders_of(name)
        self._dirty |= folders  # see `_freshen`
        return bool(folders)

    def put_bytes(self, data: bytes, digest: Digest | None = None) -> Digest:
        """Store `data` and return its digest, which may be known to be just `digest`."""
        try:
            return self._put_bytes(data, digest or hash_bytes(data))
        except OSError as error:
            raise self._named(error, always=True) from None

    def _put_bytes(self, data: bytes, digest: Digest) -> Digest:
        if len(data) < LOOSE_AT:
            self._put_small(digest, data)
        elif not self.cache.intact(digest):
            temp, fd = self._new_file()
            try:
                write_all(fd, data)
                self._seal_and_publish(fd, temp, digest)
            finally:
                os.close(fd)
        else:
            self._freshen(digest.blake3)
        return digest

    def put_stream(self, digest: Digest, source: BinaryIO) -> None:
        """Store what `source` yields, which must be exactly `digest`.

        Raises:
            CorruptObject: it is not.

        """
        def fill(fd: int) -> Digest:
            _copy_stream(source, fd, digest.size + 1)
            os.lseek(fd, 0, os.SEEK_SET)
            if (found := hash_stream(fd, digest.size)) != digest:
                raise _no_match(digest)
            return found

        self.put_filled(digest, fill)

    def put_filled(self, digest: Digest, fill: Callable[[int], Digest], *, resume: bool = False) -> None:
        """Store what `fill` writes to the file it is given, which must be exactly `digest`.

        `fill` returns the digest of the whole file. With `resume` the file keeps what was written when `fill`
        fails, or the process dies, and the next one is given it as it is. When the two together are wrong, `fill` is
        called once more with an empty file.

        Raises:
            CorruptObject: it is not what it should be; nothing was stored, what came is in quarantine.

        """
        check_object_name(digest.blake3)
        temp, fd = self._resumed(digest) if resume else self._new_file()
        keep = resume
        try:
            begun = os.fstat(fd).st_size > 0
            found = fill(fd)
            if found != digest and begun:
                os.ftruncate(fd, 0)
                os.lseek(fd, 0, os.SEEK_SET)
                found = fill(fd)
            if found != digest:
                keep = False
                self._keep_aside(fd, temp, digest)
                raise _no_match(digest)
            if digest.size < LOOSE_AT:
                self._put_small(digest, os.pread(fd, digest.size, 0))
            else:
                self._seal_and_publish(fd, temp, digest)
            keep = False
        finally:
            if not keep:
                with suppress(FileNotFoundError):
                    os.unlink(temp)
            os.close(fd)

    def put_aside(self, digest: Digest, data: bytes) -> None:
        """Keep what came in place of `digest` in quarantine."""
        with suppress(OSError):  # it is worth no failure
            temp, fd = self._new_file()
            try:
                write_all(fd, data)
                self._keep_aside(fd, temp, digest)
            finally:
                os.close(fd)
                os.unlink(temp)

    def _keep_aside(self, fd: int, temp: str, digest: Digest) -> None:
        """Move a file to quarantine: one for each object, and none that is larger, whoever sends whatever."""
        if os.fstat(fd).st_size <= digest.size:
            with suppress(OSError):
                os.fchmod(fd, 0o444)  # whatever the umask: a cache may be shared
                link_new(temp, f"{self.cache.root}/quarantine/{digest.blake3}{ARRIVED}")

    def _new_file(self) -> tuple[str, int]:
        temp = self._scratch.name()
        return temp, os.open(temp, CREATE_READABLE, 0o600)

    def _resumed(self, digest: Digest) -> tuple[str, int]:
        """Return the file that an earlier process began to fill, ours alone; a new one when that cannot be had."""
        path = f"{self.cache.root}/tmp/{digest.blake3}.part"
        try:
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError:  # another user's, or sealed by a process that died just then
            with suppress(OSError):
                os.unlink(path)
            return self._new_file()
        with suppress(OSError):
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            status = os.fstat(fd)
            if status.st_nlink == 1 and os.path.samestat(status, os.lstat(path)):
                return path, fd
            os.unlink(path)  # it was published, or is about to be: never written to again
        os.close(fd)
        return self._new_file()

    def put_file(self, source: Source) -> ReadFile:
        """Store a workspace file of at least `LOOSE_AT` bytes.

        The file is left as it is, except that hard-link mode makes it read-only.

        Raises:
            SourceChanged: it changed while it was read; nothing was stored.
            OSError: it cannot be read.
            MvcError: the cache cannot be written.

        """
        try:
            return self._put_file(source)
        except OSError as error:
            raise self._named(error) from None

    def _named(self, error: OSError, *, always: bool = False) -> MvcError | OSError:
        """Return an error that names the cache, when it is the cache that failed."""
        if not always and error.errno not in _CANNOT_WRITE:
            return error
        reason = os.strerror(error.errno) if error.errno else str(error)
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        fix = f"df -h {self.cache.root}  # free some space there" if full else f"ls -ld {self.cache.root}"
        return MvcError(f"the cache {self.cache.root} cannot be written to: {reason}", fix)

    def _put_file(self, source: Source) -> ReadFile:
        if source.likely and (digest := self._already_there(source)) is not None:
            return ReadFile(digest, source.status)
        if {"hardlink", "symlink"} & set(self._links) and (linked := self._link(source)) is not None:
            return linked
        return ReadFile(self._copy(source), source.status)

    def repack(self, record: Record, body: bytes) -> None:
        """Take an object over from another pack, as it is."""
        self._pack.add(record.digest, body)

    def _put_small(self, digest: Digest, data: bytes) -> None:
        with self._packing:
            self._pack_up(digest, data)

    def _pack_up(self, digest: Digest, data: bytes) -> None:
        key = bytes.fromhex(digest.blake3)
        if key in self._pack:
            return
        packs = self.cache.packs
        while packs.holder(key) is not None and (found := packs.find(key)) is not None:
            if packs.body(*found) == data:
                self._dirty.add(packs.folder)  # see `_freshen`
                return
            self.cache.rewrite(found[0], without={key}, to="quarantine")
        self._pack.add(digest, data)

    def _already_there(self, source: Source) -> Digest | None:
        digest = hash_stream(source.fd, source.status.st_size)
        check_unchanged(source.fd, source.status, source.path)
        if self.cache.intact(digest):
            self._freshen(digest.blake3)
            return digest
        os.lseek(source.fd, 0, os.SEEK_SET)
        return None

    def _copy(self, source: Source) -> Digest:
        temp, fd = self._new_file()
        try:
            digest = self._fill(source, fd)
            check_unchanged(source.fd, source.status, source.path)
            if digest.size != source.status.st_size:
                raise source_changed(source.path)
            self._seal_and_publish(fd, temp, digest)
        finally:
            os.close(fd)
            with suppress(FileNotFoundError):
                os.unlink(temp)
        return digest

    def _fill(self, source: Source, fd: int) -> Digest:
        if "reflink" in self._links and reflink(source.fd, fd):
            return hash_stream(fd, source.status.st_size)
        with copying(source.fd, fd, source.status.st_size) as read:
            return hash_reader(read, source.status.st_size)

    def _link(self, source: Source) -> ReadFile | None:
        """Make the source itself the object; None when it must be copied."""
        if source.status.st_nlink != 1 or open_for_writing_elsewhere(source.fd):
            return None
        temp = self._scratch.name()
        try:
            os.link(source.name, temp, src_dir_fd=source.dir_fd, follow_symlinks=False)
        except OSError as error:
            if error.errno in _CANNOT_LINK:
                return None
            raise
        try:
            return self._adopt(source, temp)
        finally:
            with suppress(FileNotFoundError):
                os.unlink(temp)

    def _adopt(self, source: Source, temp: str) -> ReadFile:
        """Publish `temp`, a second name of the source, once nobody can write to it any more."""
        before, there = os.fstat(source.fd), os.stat(temp)
        if (before.st_dev, before.st_ino) != (there.st_dev, there.st_ino):
            raise source_changed(source.path)
        digest = hash_stream(source.fd, before.st_size)
        check_unchanged(source.fd, before, source.path)
        try:
            os.fchmod(source.fd, 0o444)
            os.fsync(source.fd)
            if open_for_writing_elsewhere(source.fd):
                raise source_changed(source.path)
            published = self._publish(temp, digest)
        except BaseException:
            os.fchmod(source.fd, before.st_mode & 0o7777)
            raise
        if not published:
            os.fchmod(source.fd, before.st_mode & 0o7777)
        with suppress(FileNotFoundError):
            os.unlink(temp)  # before the last look: it changes the ctime
        return ReadFile(digest, _status_after(source, before))

    def _seal_and_publish(self, fd: int, temp: str, digest: Digest) -> None:
        os.fchmod(fd, 0o444)
        os.fsync(fd)
        if self._publish(temp, digest):
            self.cache.note_proven(digest, fd)

    def _publish(self, temp: str, digest: Digest) -> bool:
        """Give `temp` its object name; False when that object is there and intact."""
        target = self.cache.loose_path(digest.blake3)
        folder = os.path.dirname(target)
        make_folders(folder)
        while not link_new(temp, target):
            if self.cache.intact(digest):
                self._freshen(digest.blake3)
                return False
            with suppress(FileNotFoundError):  # another command was quicker
                self.cache.quarantine(digest.blake3)
        self._dirty |= {folder, os.path.dirname(folder)}
        return True

    def _freshen(self, name: str) -> None:
        """Tell gc that the object is wanted: its mtime starts the grace anew.

        Who put it there may have died before its name was durable, or be about to see to that.
        """
        path = self.cache.loose_path(name)
        folder = os.path.dirname(path)
        try:
            with suppress(PermissionError):
                os.utime(path, follow_symlinks=False)
            self._dirty |= {folder, os.path.dirname(folder)}
        except FileNotFoundError:  # it is in a pack
            self._dirty.add(self.cache.packs.folder)


def _status_after(source: Source, before: os.stat_result) -> os.stat_result:
    """Our own link and mode changed the ctime; whatever else changed was somebody else's write."""
    now = os.fstat(source.fd)
    if StatData.of(now)[:4] != StatData.of(before)[:4]:
        raise source_changed(source.path)
    return now


def _no_match(digest: Digest) -> CorruptObject:
    return CorruptObject(f"object {digest.blake3}: the bytes do not match their digest")


def _copy_stream(source: BinaryIO, fd: int, limit: int) -> None:
    while limit > 0 and (part := source.read(min(limit, 1 << 20))):
        write_all(fd, part)
        limit -= len(part)
