"""Storing a workspace file as a loose object: by copy, reflink or hard link."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from typing import Literal, NamedTuple, TypeAlias

from mvc.fs.copying import copying, counted
from mvc.fs.file_systems import open_for_writing_elsewhere, reflink
from mvc.fs.files import check_unchanged, source_changed
from mvc.fs.progress import SILENT, Progress
from mvc.objects.digest import Digest
from mvc.objects.hashing import Update, hash_reader, hash_stream
from mvc.store.cache.cache import stat_without_links
from mvc.store.cache.loose import LooseWriter

LinkType: TypeAlias = Literal["reflink", "copy", "hardlink", "symlink"]

_CANNOT_LINK = frozenset({errno.EPERM, errno.EACCES, errno.EMLINK, errno.EXDEV, errno.EOPNOTSUPP, errno.ENOSYS})


class SourceFile(NamedTuple):
    """A file to store: open for reading, and its path for linking and for messages."""

    fd: int
    status: os.stat_result
    dir_fd: int
    name: str
    path: str
    likely: bool = False
    """Whether known content has its size: then it is hashed before it is copied."""
    progress: Progress = SILENT
    also: tuple[Update, ...] = ()
    """Hashes of another kind, for a file that is not `likely`: they get its content as it is read."""


class ReadFile(NamedTuple):
    """The digest of a file, and its stat data, unchanged during the read."""

    digest: Digest
    status: os.stat_result


def store_file(writer: LooseWriter, source: SourceFile, links: tuple[LinkType, ...]) -> ReadFile:
    """Store a workspace file in one of the ways that `links` allows.

    The file is not changed, except that a hard link makes it read-only.

    Raises:
        SourceChanged: it changed while it was read.
        OSError: the file cannot be read, or the cache cannot be written.
    """
    if source.likely and (digest := _reused(writer, source)) is not None:
        return ReadFile(digest, source.status)
    if {"hardlink", "symlink"} & set(links) and (linked := _link(writer, source)) is not None:
        return linked
    return ReadFile(_copy(writer, source, share="reflink" in links), source.status)


def _reused(writer: LooseWriter, source: SourceFile) -> Digest | None:
    """Return the source's digest if the cache has it; else rewind the source."""
    digest = hash_stream(source.fd, source.status.st_size, source.progress)
    check_unchanged(source.fd, source.status, source.path)
    if writer.cache.intact(digest, source.progress):
        writer.reuse(digest.blake3)
        return digest
    os.lseek(source.fd, 0, os.SEEK_SET)
    return None


def _copy(writer: LooseWriter, source: SourceFile, *, share: bool) -> Digest:
    temp, fd = writer.new_file()
    try:
        digest = _fill(source, fd, share=share)
        check_unchanged(source.fd, source.status, source.path)
        if digest.size != source.status.st_size:
            raise source_changed(source.path)
        writer.seal_and_publish(fd, temp, digest, source.progress)
    finally:
        os.close(fd)
        with suppress(FileNotFoundError):
            os.unlink(temp)
    return digest


def _fill(source: SourceFile, fd: int, *, share: bool) -> Digest:
    size = source.status.st_size
    if share and reflink(source.fd, fd):
        return hash_stream(fd, size, source.progress, source.also)
    with copying(source.fd, fd, size, durable=True) as read:
        return hash_reader(counted(read, source.progress), size, source.also)


def _link(writer: LooseWriter, source: SourceFile) -> ReadFile | None:
    """Make the source itself the object; None when it must be copied."""
    if source.status.st_nlink != 1 or open_for_writing_elsewhere(source.fd):
        return None
    temp = writer.scratch.name()
    try:
        os.link(source.name, temp, src_dir_fd=source.dir_fd, follow_symlinks=False)
    except OSError as error:
        if error.errno in _CANNOT_LINK:
            return None
        raise
    try:
        return _adopt(writer, source, temp)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(temp)


def _adopt(writer: LooseWriter, source: SourceFile, temp: str) -> ReadFile:
    """Publish `temp`, a hard link of the source, once no process can write to it."""
    before = os.fstat(source.fd)
    if not os.path.samestat(before, os.stat(temp)):
        raise source_changed(source.path)
    digest = hash_stream(source.fd, before.st_size, source.progress, source.also)
    check_unchanged(source.fd, before, source.path)
    try:
        published = _publish_source(writer, source, temp, digest)
    except BaseException:
        os.fchmod(source.fd, before.st_mode & 0o7777)
        raise
    if not published:
        os.fchmod(source.fd, before.st_mode & 0o7777)
    with suppress(FileNotFoundError):
        os.unlink(temp)  # before the last stat: it changes the ctime
    after = os.fstat(source.fd)  # link and mode changed the ctime; any other change is a write
    if stat_without_links(after) != stat_without_links(before):
        raise source_changed(source.path)
    return ReadFile(digest, after)


def _publish_source(writer: LooseWriter, source: SourceFile, temp: str, digest: Digest) -> bool:
    os.fchmod(source.fd, 0o444)
    os.fsync(source.fd)
    if open_for_writing_elsewhere(source.fd):
        raise source_changed(source.path)
    return writer.publish(temp, digest, source.progress)
