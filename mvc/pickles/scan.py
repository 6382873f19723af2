"""Find the pickles in a file: plain ones, joblib's, PyTorch's, NumPy's, compressed and archived ones.

Loaders ignore file names, so a file is read in each way in which a loader might read it. A file that a loader would
start to read, but that cannot be read to the end, is a problem.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, BinaryIO, NamedTuple

from mvc.modelfiles import formats
from mvc.modelfiles.magic import HEAD, kind_of
from mvc.objects import patterns
from mvc.pickles.arrays import NUMPY, follow_arrays
from mvc.pickles.compression import MIN_LIMIT, RATIO, TOO_LARGE, Decompressed, Decompressor, decompressor_for
from mvc.pickles.sequence import MAX_PICKLES, follow_pickles, follow_possible_pickles
from mvc.pickles.source import MalformedPickle, PickleReader, Stream
from mvc.pickles.values import Findings
from mvc.pickles.zip_directory import END, ENTRY, read_directory, read_tail

_PICKLES = frozenset({"pickle", "joblib", "pytorch"})
_OTHERS = frozenset({"safetensors", "hdf5", "gguf", "onnx"})
_UNSUPPORTED = {b"\x04\x22M\x18": "lz4", b"\x28\xb5\x2f\xfd": "zstd", b"ZF0x": "joblib 0.9"}
"""Compression that some loaders open and mvc does not, by its magic bytes."""


class ScanResult(NamedTuple):
    """The effects of unpickling a file."""

    names: tuple[str, ...] = ()
    """Names imported or called that are not known to be harmless."""
    problem: str = ""
    """Why it could not be read to the end; empty if it could."""


def may_be_pickle_by_name(path: str) -> bool:
    """Whether the name of a file does not rule out that it is a pickle."""
    others = (*(glob for kind, globs in formats.NAMES.items() if kind != "pickle" for glob in globs), *_TEXTS)
    return _is_pickle_by_name(path) or not patterns.last(others, path)


def _is_pickle_by_name(path: str) -> bool:
    return bool(patterns.in_any_case(formats.NAMES["pickle"], path))


_TEXTS = ("*.json", "*.jsonl", "*.md", "*.txt", "*.yaml", "*.yml", "*.csv", "*.tsv", "*.parquet")


def scan(file: BinaryIO, size: int, path: str) -> ScanResult:
    """Scan `file`, which is at its start, for pickles; `size` is in bytes, `path` its name."""
    findings = Findings()
    try:
        _scan(file, size, findings, named=_is_pickle_by_name(path))
    except MalformedPickle as error:
        return ScanResult(tuple(findings.names), str(error))
    return ScanResult(tuple(findings.names))


def _scan(file: BinaryIO, size: int, findings: Findings, *, named: bool) -> None:
    def start() -> PickleReader:
        file.seek(0)
        return PickleReader(file, size)

    head = file.read(HEAD)
    kind = kind_of(head, size)
    for magic, name in _UNSUPPORTED.items():
        if head.startswith(magic):
            raise MalformedPickle(f"mvc does not open this compression: {name}")
    if decompressor := decompressor_for(head):
        _follow_compressed(file, size, decompressor, findings, uncertain=not named and kind not in _PICKLES)
    elif head.startswith(NUMPY):
        follow_arrays(start(), findings)
    elif head.startswith(ZIP):
        follow_zip(file, size, findings)
        return
    elif is_tar(head):
        follow_possible_pickles(start, findings)
        follow_tar(file, size, findings)
    else:
        uncertain = kind in _OTHERS or not (named or kind in _PICKLES)
        (follow_possible_pickles if uncertain else follow_pickles)(start, findings)
    if END in read_tail(file, size):  # Python's zipfile finds a zip after other bytes
        follow_zip(file, size, findings, prefixed=True)


def _follow_compressed(
    file: BinaryIO, size: int, decompressor: Decompressor, findings: Findings, *, uncertain: bool,
) -> None:
    limit = max(MIN_LIMIT, RATIO * size)

    def start() -> PickleReader:
        file.seek(0)
        return PickleReader(Decompressed(file, decompressor, limit))

    first = start()
    if first.starts(NUMPY):
        follow_arrays(first, findings)
    elif uncertain:
        follow_possible_pickles(start, findings)
    else:
        follow_pickles(start, findings)


# Archives.

ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_DIRECTORY = 64 << 20
"""Most bytes of a directory."""


def follow_zip(file: BinaryIO, size: int, findings: Findings, *, prefixed: bool = False) -> None:
    """Follow the pickles in all members of a zip, which is `prefixed` if other bytes precede it.

    Raises:
        MalformedPickle: It cannot be read to the end, or readers may find different members.
    """
    from zipfile import ZipFile  # noqa: PLC0415 - few files need it

    directory = read_directory(file, size)
    if prefixed:
        file.seek(max(0, directory.start))
        if file.read(len(ENTRY)) != ENTRY:
            return
    elif not directory.sound:
        raise MalformedPickle("the directory of the zip is not where its end record says")
    if directory.length > _DIRECTORY:
        raise MalformedPickle(f"the zip has a directory of {directory.length:,} bytes: expected at most {_DIRECTORY:,}")
    limit = _Limit(max(MIN_LIMIT, RATIO * size))
    with _reading("zip"), ZipFile(file) as archive:
        for member in archive.infolist():
            _member(partial(archive.open, member), member.filename, findings, limit)


def is_tar(head: bytes) -> bool:
    """Whether a file starts with the header of a member, with a valid checksum."""
    from tarfile import HeaderError, TarInfo  # noqa: PLC0415 - few files need it

    block = head[:512]
    if len(block) < 512 or not block[148:156].strip(b" \0").isdigit():  # noqa: PLR2004 - as tar has it
        return False
    try:
        TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except HeaderError:
        return False
    return True


def follow_tar(file: BinaryIO, size: int, findings: Findings) -> None:
    """Follow the pickles in all members of a tar: PyTorch's oldest form, which it still reads.

    Raises:
        MalformedPickle: It cannot be read to the end.
    """
    import tarfile  # noqa: PLC0415 - few files need it

    file.seek(0)
    limit = _Limit(max(MIN_LIMIT, RATIO * size))
    with _reading("tar"), tarfile.open(fileobj=file, mode="r:") as archive:
        for _, member in zip(range(MAX_PICKLES), archive, strict=False):
            if member.isreg():
                _member(partial(archive.extractfile, member), member.name, findings, limit)


class _Limit:
    """How many bytes may still be read from the members of an archive."""

    def __init__(self, left: int) -> None:
        self.left = left


class _Member:
    """A member of an archive, read within the limit."""

    def __init__(self, stream: Stream, limit: _Limit) -> None:
        self._stream, self._limit = stream, limit

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes; none at the end."""
        data = self._stream.read(size)
        self._limit.left -= len(data)
        if self._limit.left < 0:
            raise MalformedPickle(TOO_LARGE)
        return data


def _member(opened: Callable[[], Any], name: str, findings: Findings, limit: _Limit) -> None:
    """Follow the pickles in a member: its name decides whether it must or may be one."""

    def start() -> PickleReader:
        return PickleReader(_Member(opened(), limit))

    head = opened().read(HEAD)
    if head.startswith(NUMPY):
        follow_arrays(start(), findings)
    elif _is_pickle_by_name(name) and kind_of(head, HEAD + 1) not in _OTHERS:
        follow_pickles(start, findings)
    else:
        follow_possible_pickles(start, findings)
    if limit.left < 0:
        raise MalformedPickle(TOO_LARGE)


@contextmanager
def _reading(what: str) -> Iterator[None]:
    """Translate all errors of a broken archive into `MalformedPickle`."""
    from lzma import LZMAError  # noqa: PLC0415 - few files need it
    from tarfile import TarError  # noqa: PLC0415 - as above
    from zipfile import BadZipFile  # noqa: PLC0415 - as above

    try:
        yield
    except (
        BadZipFile, TarError, LZMAError, zlib.error, EOFError, OSError, OverflowError,
        NotImplementedError, RuntimeError, ValueError, struct.error,
    ) as error:
        raise MalformedPickle(f"cannot read the {what}: {error}") from None
