"""Writing objects into the workspace: as reflink, copy, hard link or symlink."""

from __future__ import annotations

import errno
import os
import re
from contextlib import suppress
from typing import NamedTuple

from xxhash import xxh3_128_hexdigest

from mvc.errors import CorruptObject, InvalidFormat
from mvc.fs.copying import Reader, copying, counted
from mvc.fs.file_systems import reflink
from mvc.fs.files import CREATE, CREATE_READABLE, write_all
from mvc.fs.progress import SILENT, Progress
from mvc.objects.digest import Digest, check_object_name
from mvc.objects.hashing import hash_bytes, hash_reader, hash_stream, quick_reader, quick_stream
from mvc.store.cache.cache import Cache
from mvc.store.cache.source_file import LinkType

_TRY_NEXT = frozenset({
    errno.EPERM, errno.EACCES, errno.EMLINK, errno.EXDEV, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL, errno.ENOTTY,
})
_OBJECT_PATH = re.compile(r"/objects/([0-9a-f]{2})/\1[0-9a-f]{62}$")


class Links(NamedTuple):
    """The cache, and the link types to try in order; a copy is always the last."""

    cache: Cache
    types: tuple[LinkType, ...]
    trusted: bool = True
    """Whether no other user can write to the cache: then xxh128, which can be forged, is enough to find damage."""
    progress: Progress = SILENT

    def object_behind(self, name: str, dir_fd: int) -> str:
        """Return the object that the symlink `name` points at; empty if it points outside this cache."""
        target = os.readlink(name, dir_fd=dir_fd)
        with suppress(InvalidFormat):
            candidate = check_object_name(target.rpartition("/")[2])
            return candidate if target == self.cache.loose_path(candidate) else ""
        return ""

    def materialise(self, digest: Digest, path: str, *, executable: bool) -> os.stat_result:
        """Create the file `path` with the object's content, checked; return its status.

        Raises:
            MissingObject: the cache does not hold the object.
            CorruptObject: the object is damaged; nothing is left at `path`.
        """
        if (data := self.cache.small_bytes(digest.blake3)) is not None:  # the size in a pointer may be wrong
            return self._write_small(data, digest, path, executable=executable)
        with self.cache.open(digest.blake3) as file:
            self._materialise_loose(file.fileno(), digest, path, executable=executable)
        return os.stat(path)

    def separate(self, fd: int, digest: Digest, path: str, *, executable: bool) -> None:
        """Create the file `path` with the content of `fd`, checked, and shared with no other file.

        Raises:
            CorruptObject: the content does not match `digest`; nothing is left at `path`.
        """
        if not self._reflink(fd, digest, path, executable=executable):
            self._copy(fd, digest, path, executable=executable)

    def _materialise_loose(self, fd: int, digest: Digest, path: str, *, executable: bool) -> None:
        source = self.cache.loose_path(digest.blake3)
        for kind in self.types:
            if kind == "copy":
                break
            if kind == "reflink":
                if self._reflink(fd, digest, path, executable=executable):
                    return
            elif not executable and _link(kind, source, path):  # an object is never executable
                self._check(fd, digest, path)
                return
        self._copy(fd, digest, path, executable=executable)

    def _write_small(self, data: bytes, digest: Digest, path: str, *, executable: bool) -> os.stat_result:
        sound = len(data) == digest.size and xxh3_128_hexdigest(data) == digest.xxh128
        if not sound or not (self.trusted or hash_bytes(data) == digest):
            raise _damaged(digest)
        fd = os.open(path, CREATE, _mode(executable=executable))
        try:
            write_all(fd, data)
            return os.fstat(fd)
        finally:
            os.close(fd)

    def _copy(self, fd: int, digest: Digest, path: str, *, executable: bool) -> None:
        target = os.open(path, CREATE_READABLE, _mode(executable=executable))
        try:
            with copying(fd, target, digest.size) as read:
                sound = self._matches(counted(read, self.progress), digest)
        finally:
            os.close(target)
        if not sound:
            os.unlink(path)
            raise _damaged(digest)

    def _reflink(self, fd: int, digest: Digest, path: str, *, executable: bool) -> bool:
        target = os.open(path, CREATE_READABLE, _mode(executable=executable))
        try:
            done = reflink(fd, target)
            if done:  # the copy, if others may still write to the object
                self._check(fd if self.trusted else target, digest, path)
        finally:
            os.close(target)
        if not done:
            os.unlink(path)
        return done

    def _check(self, fd: int, digest: Digest, path: str) -> None:
        """Read content that was shared without reading it, to find damage.

        Content that this process has just fetched and verified is not read again.
        """
        if self.trusted and self.cache.is_proven(digest, fd):
            return
        os.lseek(fd, 0, os.SEEK_SET)
        if self.trusted:
            sound = quick_stream(fd, digest.size, self.progress) == (digest.xxh128, digest.size)
        else:
            sound = hash_stream(fd, digest.size, self.progress) == digest
        # In a cache that others can write to, the name may now refer to another file than the one read.
        if not sound or not (self.trusted or os.path.samestat(os.stat(path), os.fstat(fd))):
            os.unlink(path)
            raise _damaged(digest)

    def _matches(self, read: Reader, digest: Digest) -> bool:
        if self.trusted:
            return quick_reader(read, digest.size) == (digest.xxh128, digest.size)
        return hash_reader(read, digest.size) == digest


def names_object(name: str, dir_fd: int) -> bool:
    """Whether the symlink `name` is one that mvc made, in whatever directory its cache was at that time."""
    return _OBJECT_PATH.search(os.readlink(name, dir_fd=dir_fd)) is not None


def _mode(*, executable: bool) -> int:
    return 0o777 if executable else 0o666


def _link(kind: LinkType, source: str, path: str) -> bool:
    try:
        if kind == "hardlink":
            os.link(source, path)
        else:
            os.symlink(source, path)
    except OSError as error:
        if error.errno in _TRY_NEXT:
            return False
        raise
    return True


def _damaged(digest: Digest) -> CorruptObject:
    return CorruptObject(f"object {digest.blake3} is damaged in the cache", "mvc verify")


def working_types(source_folder: str, target_folder: str) -> tuple[LinkType, ...]:
    """Return the link types that work from one scratch directory to another; a copy is not tried."""
    source = f"{source_folder}/source"
    with open(source, "xb") as file:
        file.write(bytes(4096))
    kinds: tuple[LinkType, ...] = ("hardlink", "symlink")
    linked = [kind for kind in kinds if _link(kind, source, f"{target_folder}/{kind}")]
    with open(source, "rb") as file, open(f"{target_folder}/reflink", "xb") as target:
        shared: list[LinkType] = ["reflink"] if reflink(file.fileno(), target.fileno()) else []
    return (*shared, "copy", *linked)
