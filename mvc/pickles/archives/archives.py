"""The members of archives, and the content of compressed files."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, BinaryIO, NamedTuple

from mvc.modelfiles.zip_directory import END, ENTRY, read_directory, read_tail
from mvc.pickles.archives.compression import TOO_LARGE
from mvc.pickles.source import Stream, Unreadable

ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_DIRECTORY = 64 << 20
"""Most bytes of a directory."""
MAX_MEMBERS = 100_000
"""Most members of an archive."""
_BLOCK = 1 << 20
_TAR_BLOCK = 512


class Member(NamedTuple):
    """A file in an archive."""

    name: str
    open: Callable[[], Stream]
    """Returns its content from the start."""


class _MemberStream:
    """The content of a member, with the errors of a broken archive."""

    def __init__(self, what: str, opened: Callable[[], Any]) -> None:
        self._what = what
        with _reading(what):
            self._stream = opened()

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes; none at the end."""
        with _reading(self._what):
            return bytes(self._stream.read(size))


class Limit:
    """How many bytes may still be decompressed."""

    def __init__(self, left: int) -> None:
        self.left = left


class Limited:
    """A stream that is read within a limit."""

    def __init__(self, stream: Stream, limit: Limit) -> None:
        self._stream, self._limit = stream, limit

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes; none at the end."""
        data = self._stream.read(size)
        self._limit.left -= len(data)
        if self._limit.left < 0:
            raise Unreadable(TOO_LARGE)
        return data


def copied(stream: Stream, file: BinaryIO) -> int:
    """Copy `stream` into `file`, which can seek; return its size."""
    size = 0
    while data := stream.read(_BLOCK):
        size += file.write(data)
    return size


# Zip.


def has_zip(file: BinaryIO, size: int) -> bool:
    """Whether a zip may be behind other bytes, where Python's zipfile finds it."""
    if END not in read_tail(file, size):
        return False
    file.seek(max(0, read_directory(file, size).start))
    return file.read(len(ENTRY)) == ENTRY


def zip_members(file: BinaryIO, size: int, *, prefixed: bool = False) -> Iterator[Member]:
    """Yield the members of a zip, which is `prefixed` if other bytes precede it.

    Raises:
        Unreadable: It cannot be read to the end, or readers may find different members.
    """
    from zipfile import ZipFile  # noqa: PLC0415 - few files need it

    directory = read_directory(file, size)
    if not prefixed and not directory.sound:
        raise Unreadable("the directory of the zip is not where its end record says")
    if directory.length > _DIRECTORY:
        raise Unreadable(f"the zip has a directory of {directory.length:,} bytes: expected at most {_DIRECTORY:,}")
    with _reading("zip"), ZipFile(file) as archive:
        for member in archive.infolist():
            yield Member(member.filename, partial(_MemberStream, "zip", partial(archive.open, member)))


# Tar.


def is_tar(head: bytes) -> bool:
    """Whether a file starts with the header of a member, with a valid checksum."""
    from tarfile import HeaderError, TarInfo  # noqa: PLC0415 - few files need it

    try:
        TarInfo.frombuf(head[:_TAR_BLOCK], "utf-8", "surrogateescape")
    except HeaderError:
        return False
    return True


def tar_members(file: BinaryIO) -> Iterator[Member]:
    """Yield the files in a tar.

    Raises:
        Unreadable: It cannot be read to the end.
    """
    import tarfile  # noqa: PLC0415 - few files need it

    file.seek(0)
    with _reading("tar"), tarfile.open(fileobj=file, mode="r:") as archive:
        for number, member in enumerate(archive):
            if number >= MAX_MEMBERS:
                raise Unreadable("too many members")
            if member.isreg():
                yield Member(member.name, partial(_MemberStream, "tar", partial(archive.extractfile, member)))
        file.seek(archive.offset)
        if file.read(_TAR_BLOCK).strip(b"\0"):
            raise Unreadable("cannot read the tar: it has an invalid header")  # some readers skip it


@contextmanager
def _reading(what: str) -> Iterator[None]:
    """Translate all errors of a broken archive into `Unreadable`."""
    from lzma import LZMAError  # noqa: PLC0415 - few files need it
    from tarfile import TarError  # noqa: PLC0415 - as above
    from zipfile import BadZipFile  # noqa: PLC0415 - as above

    try:
        yield
    except (
        BadZipFile, TarError, LZMAError, zlib.error, EOFError, OSError, OverflowError,
        NotImplementedError, RuntimeError, ValueError, struct.error,
    ) as error:
        raise Unreadable(f"cannot read the {what}: {error}") from None
