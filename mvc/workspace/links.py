"""How an object's bytes come to stand in the workspace: reflink, copy, hard link or symlink."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from typing import NamedTuple

from xxhash import xxh3_128_hexdigest

from mvc.copying import copying, reader_of
from mvc.errors import CorruptObject, InvalidFormat
from mvc.fsutil import CREATE, CREATE_READABLE, reflink, write_all
from mvc.objects.digest import Digest, check_object_name
from mvc.objects.hashing import quick_reader
from mvc.store.cache import Cache
from mvc.store.writer import LinkType

_TRY_NEXT = frozenset({
    errno.EPERM, errno.EACCES, errno.EMLINK, errno.EXDEV, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL, errno.ENOTTY,
})


class Links(NamedTuple):
    """The cache, and the link types to try, in order; a copy is always the last."""

    cache: Cache
    types: tuple[LinkType, ...]

    def object_behind(self, name: str, dir_fd: int) -> str:
        """Return the object that the symlink `name` points at; empty when it is none of this cache."""
        target = os.readlink(name, dir_fd=dir_fd)
        with suppress(InvalidFormat):
            candidate = check_object_name(target.rpartition("/")[2])
            return candidate if target == self.cache.loose_path(candidate) else ""
        return ""

    def materialise(self, digest: Digest, path: str, *, executable: bool) -> None:
        """Make a file at `path`, which does not exist, with the object's bytes, checked by xxh128.

        Raises:
            MissingObject: the cache does not hold it.
            CorruptObject: the cache's bytes are damaged; nothing is left at `path`.

        """
        if not self.cache.is_loose(digest.blake3):  # whatever size a pointer claims
            _write_small(self.cache.packed_bytes(digest.blake3), digest, path, executable=executable)
            return
        with self.cache.open(digest.blake3) as file:
            self._materialise_loose(file.fileno(), digest, path, executable=executable)

    def _materialise_loose(self, fd: int, digest: Digest, path: str, *, executable: bool) -> None:
        source = self.cache.loose_path(digest.blake3)
        for kind in self.types:
            if kind == "copy":
                break
            if kind == "reflink":
                if _reflink(fd, digest, path, executable=executable):
                    return
            elif not executable and _link(kind, source, path):  # the object has one mode for all
                _check(fd, digest, path)
                return
        _copy(fd, digest, path, executable=executable)


def _mode(*, executable: bool) -> int:
    return 0o777 if executable else 0o666


def _write_small(data: bytes, digest: Digest, path: str, *, executable: bool) -> None:
    if len(data) != digest.size or xxh3_128_hexdigest(data) != digest.xxh128:
        raise _damaged(digest)
    fd = os.open(path, CREATE, _mode(executable=executable))
    try:
        write_all(fd, data)
    finally:
        os.close(fd)


def _copy(fd: int, digest: Digest, path: str, *, executable: bool) -> None:
    target = os.open(path, CREATE_READABLE, _mode(executable=executable))
    try:
        with copying(fd, target, digest.size) as read:
            copied = quick_reader(read)
    finally:
        os.close(target)
    if copied != digest[1:]:
        os.unlink(path)
        raise _damaged(digest)


def _reflink(fd: int, digest: Digest, path: str, *, executable: bool) -> bool:
    target = os.open(path, CREATE, _mode(executable=executable))
    try:
        done = reflink(fd, target)
    finally:
        os.close(target)
    if not done:
        os.unlink(path)
        return False
    _check(fd, digest, path)
    return True


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


def _check(fd: int, digest: Digest, path: str) -> None:
    """Shared content was not read on the way: read it now, so that no damage is handed on."""
    os.lseek(fd, 0, os.SEEK_SET)
    if quick_reader(reader_of(fd)) != digest[1:]:
        os.unlink(path)
        raise _damaged(digest)


def _damaged(digest: Digest) -> CorruptObject:
    return CorruptObject(f"object {digest.blake3} is damaged in the cache", "mvc verify")


def can_reflink(folder: str) -> bool:
    """Whether files in `folder`, a scratch directory, can share blocks."""
    source = os.open(f"{folder}/a", os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    target = os.open(f"{folder}/b", os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        write_all(source, bytes(4096))
        return reflink(source, target)
    finally:
        os.close(source)
        os.close(target)


