"""Find the pickles in a file: plain ones, joblib's, PyTorch's, NumPy's, compressed and archived ones.

Loaders do not look at the names of files, so a file is read in each way in which a loader might read it. If a loader
would start with it and it cannot be read to the end, that is a problem.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, BinaryIO, NamedTuple

from mvc.modelfiles import formats
from mvc.modelfiles.magic import HEAD, kind_of
from mvc.objects import patterns
from mvc.pickles.follow import follow
from mvc.pickles.source import TRUNCATED, MalformedPickle, PickleReader, Stream
from mvc.pickles.values import Findings

_PICKLES = frozenset({"pickle", "joblib", "pytorch"})
_OTHERS = frozenset({"safetensors", "hdf5", "gguf", "onnx"})
_TORCH = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
"""The first pickle of a file in PyTorch's older form: five pickles, then the storages."""
_TORCH_PICKLES = 5
_MAX_PICKLES = 100_000
"""Most pickles, arrays or members in a file."""
_MIN_LIMIT = 1 << 30
_RATIO = 100
"""Compressed data may grow to `_MIN_LIMIT` bytes, or to `_RATIO` times its size: more would be a bomb."""
_UNSUPPORTED = {b"\x04\x22M\x18": "lz4", b"\x28\xb5\x2f\xfd": "zstd", b"ZF0x": "joblib 0.9"}
"""Compression that some loaders open and mvc does not, by its magic bytes."""


class ScanResult(NamedTuple):
    """What a file would do when it is unpickled."""

    names: tuple[str, ...] = ()
    """What it would import or call that is not known to be harmless."""
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
    """Scan `file` for pickles. It has `size` bytes, stands at its start, and is called `path`."""
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
    if decompressor := _decompressor(head):
        _compressed(file, size, decompressor, findings, uncertain=not named and kind not in _PICKLES)
    elif head.startswith(_NUMPY):
        _arrays(start(), findings)
    elif head.startswith(_ZIP):
        _zip(file, size, findings)
        return
    elif _is_tar(head):
        _possible_pickles(start, findings)
        _tar(file, size, findings)
    else:
        uncertain = kind in _OTHERS or not (named or kind in _PICKLES)
        (_possible_pickles if uncertain else _pickles)(start, findings)
    if _END in _tail(file, size):  # Python's zipfile finds a zip behind other bytes
        _zip(file, size, findings, prefixed=True)


# Pickles, one after the other.

_Open = Callable[[], PickleReader]
"""Returns a reader at the start of the file or member."""


def _pickles(start: _Open, findings: Findings, *, uncertain: bool = False) -> None:
    """Follow all pickles: as `pickle.load` reads them and, if there are arrays of joblib's, as `joblib.load` does.

    Raises:
        MalformedPickle: They cannot be read to the end.

    """
    try:
        _sequence(start(), findings, arrays=False, uncertain=uncertain)
    except MalformedPickle:
        if not findings.has_arrays:
            raise
        _sequence(start(), findings, arrays=True, uncertain=uncertain)


def _possible_pickles(start: _Open, findings: Findings) -> None:
    with suppress(MalformedPickle):
        _pickles(start, findings, uncertain=True)


def _sequence(reader: PickleReader, findings: Findings, *, arrays: bool, uncertain: bool) -> None:
    torch = reader.starts(_TORCH)
    _one(reader, findings, arrays=arrays, uncertain=uncertain)
    for number in range(1, _MAX_PICKLES):
        if reader.at_end() or (torch and number == _TORCH_PICKLES):
            return
        try:
            _one(reader, findings, arrays=arrays, uncertain=not torch)
        except MalformedPickle as error:
            raise MalformedPickle(f"pickle {number} is followed by other data: {error}") from None
    raise MalformedPickle("too many pickles")


def _one(reader: PickleReader, findings: Findings, *, arrays: bool, uncertain: bool) -> None:
    """Follow one pickle. An uncertain one counts if it has an end, or calls something before it breaks."""
    if not uncertain:
        follow(reader, findings, arrays=arrays)
        return
    own = Findings()
    try:
        follow(reader, own, arrays=arrays, uncertain=True)
    except MalformedPickle:
        findings.has_arrays = findings.has_arrays or own.has_arrays
        if own.calls:
            findings.merge(own)
        raise
    findings.merge(own)


# Compression.


class _Decompressor(NamedTuple):
    """How to decompress a file."""

    new: Callable[[], Any]
    errors: tuple[type[Exception], ...]


def _decompressor(head: bytes) -> _Decompressor | None:
    """Return the decompressor for a file that starts with `head`; None if it is not compressed."""
    if head[:2] in (b"\x1f\x8b", b"x\x01", b"x^", b"x\x9c", b"x\xda"):
        return _Decompressor(lambda: _Zlib(zlib.decompressobj(wbits=47)), (zlib.error,))  # 47: zlib or gzip
    if head.startswith(b"BZh"):
        from bz2 import BZ2Decompressor  # noqa: PLC0415 - few files need it

        return _Decompressor(BZ2Decompressor, (OSError,))
    if head.startswith((b"\xfd7zXZ\0", b"]\0")):
        from lzma import LZMADecompressor, LZMAError  # noqa: PLC0415 - as above

        return _Decompressor(lambda: LZMADecompressor(memlimit=_LZMA_MEMORY), (LZMAError,))
    return None


_LZMA_MEMORY = 128 << 20
"""Twice what `xz -9` needs; a file can ask for 4 GiB."""
_BLOCK = 1 << 16
_TOO_LARGE = "too large once decompressed"


class _Zlib:
    """zlib's decompressor, with the interface of the others."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self._rest = b""

    @property
    def eof(self) -> bool:
        """Whether it reached the end of the stream."""
        return bool(self._inner.eof)

    @property
    def needs_input(self) -> bool:
        """Whether it needs more input to return more."""
        return not self._rest

    @property
    def unused_data(self) -> bytes:
        """The input behind the end of the stream."""
        return bytes(self._inner.unused_data)

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """Return up to `max_length` bytes."""
        output = self._inner.decompress(self._rest + data, max_length)
        self._rest = self._inner.unconsumed_tail
        return bytes(output)


class _Decompressed:
    """The content of a compressed file, as a stream of at most `limit` bytes."""

    def __init__(self, file: BinaryIO, decompressor: _Decompressor, limit: int) -> None:
        self._file, self._decompressor, self._left = file, decompressor, limit
        self._current = decompressor.new()

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes; none at the end."""
        try:
            data = self._read(size)
        except self._decompressor.errors as error:
            raise MalformedPickle(f"cannot decompress: {error}") from None
        self._left -= len(data)
        if self._left < 0:
            raise MalformedPickle(_TOO_LARGE)
        return data

    def _read(self, size: int) -> bytes:
        while True:
            if self._current.eof:
                rest = self._current.unused_data or self._file.read(_BLOCK)
                if not rest:
                    return b""
                self._current = self._decompressor.new()
                data = self._current.decompress(rest, size)
            elif self._current.needs_input:
                more = self._file.read(_BLOCK)
                if not more:
                    raise MalformedPickle(TRUNCATED)
                data = self._current.decompress(more, size)
            else:
                data = self._current.decompress(b"", size)
            if data:
                return bytes(data)


def _compressed(file: BinaryIO, size: int, decompressor: _Decompressor, findings: Findings, *, uncertain: bool) -> None:
    limit = max(_MIN_LIMIT, _RATIO * size)

    def start() -> PickleReader:
        file.seek(0)
        return PickleReader(_Decompressed(file, decompressor, limit))

    first = start()
    if first.starts(_NUMPY):
        _arrays(first, findings)
    elif uncertain:
        _possible_pickles(start, findings)
    else:
        _pickles(start, findings)


# NumPy's arrays: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html

_NUMPY = b"\x93NUMPY"
_HEADER = 1 << 16
_DEEP = 20
_DIGITS = "0123456789"


def _arrays(reader: PickleReader, findings: Findings) -> None:
    """Read all arrays of a file, and follow the pickles of those that hold objects."""
    for _ in range(_MAX_PICKLES):
        if reader.at_end():
            return
        if not reader.starts(_NUMPY):
            raise MalformedPickle("the array is followed by other data")
        reader.skip(len(_NUMPY))
        version, _ = reader.byte(), reader.byte()
        width = reader.number(2 if version == 1 else 4)
        if width > _HEADER:
            raise MalformedPickle(f"an array has a header of {width:,} bytes: expected at most {_HEADER:,}")
        header = _parsed(reader.take(width))
        dtype, shape = header.get("descr"), header.get("shape")
        if _has_objects(dtype):
            follow(reader, findings)
        else:
            reader.skip(_count(shape) * _item_size(dtype))
    raise MalformedPickle("too many arrays")


def _parsed(raw: bytes) -> dict[Any, Any]:
    """Return the header of an array, a dictionary in Python's syntax."""
    from ast import literal_eval  # noqa: PLC0415 - few files need it

    text = raw.decode("latin-1")
    if sum(map(text.count, "([{")) > 10 * _DEEP * _DEEP or _depth(text) > _DEEP:
        raise MalformedPickle("an array has a header with too many brackets")
    try:
        header = literal_eval(text.strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        header = None
    if not isinstance(header, dict):
        raise MalformedPickle("an array has an invalid header")
    return header


def _depth(text: str) -> int:
    depth = deepest = 0
    for char in text:
        depth += (char in "([{") - (char in ")]}")
        deepest = max(deepest, depth)
    return deepest


def _has_objects(dtype: Any) -> bool:
    """Whether a dtype has objects; one that is not understood counts as if it had."""
    if isinstance(dtype, str):
        return dtype.lstrip("<>|=")[:1] not in tuple("biufcmMSUV?")
    return not isinstance(dtype, list) or any(
        not isinstance(field, tuple) or len(field) < 2 or _has_objects(field[1]) for field in dtype  # noqa: PLR2004 - name, type
    )


def _item_size(dtype: Any) -> int:
    """Return the size of one item in bytes."""
    if isinstance(dtype, list):
        return sum(_item_size(field[1]) * _count(field[2] if len(field) > 2 else ()) for field in dtype)  # noqa: PLR2004 - shape
    letter, digits = (text := str(dtype).lstrip("<>|="))[:1], text[1:].partition("[")[0]
    if letter == "?":
        return 1
    if not digits or digits.strip(_DIGITS) or len(digits) > 9:  # noqa: PLR2004 - below the largest
        raise MalformedPickle("an array has an invalid dtype")
    return int(digits) * (4 if letter == "U" else 1)


def _count(shape: Any) -> int:
    """Return the number of items."""
    count = 1
    for item in shape if isinstance(shape, tuple) else (shape,):
        if type(item) is not int or item < 0:
            raise MalformedPickle("an array has an invalid shape")
        count *= item
    return count


# Archives.

_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_ENTRY = b"PK\x01\x02"
_END = b"PK\x05\x06"
_END64 = b"PK\x06\x06"
_LOCATOR = b"PK\x06\x07"
_END_BYTES, _LOCATOR_BYTES, _END64_BYTES = 22, 20, 56
_COMMENT = 1 << 16
_DIRECTORY = 64 << 20
"""Most bytes of a directory."""


def _tail(file: BinaryIO, size: int) -> bytes:
    file.seek(max(0, size - _COMMENT - _END_BYTES - _LOCATOR_BYTES - _END64_BYTES))
    return file.read(_COMMENT + _END_BYTES + _LOCATOR_BYTES + _END64_BYTES)


class _Directory(NamedTuple):
    """The central directory of a zip, as its end record describes it."""

    start: int
    length: int
    sound: bool
    """Whether every reader finds the same one: right before the end record, which ends the file."""


def _directory(file: BinaryIO, size: int) -> _Directory:
    tail = _tail(file, size)
    at = tail.rfind(_END)
    end = tail[at : at + _END_BYTES]
    position = size - len(tail) + at
    sound = len(end) == _END_BYTES and position + _END_BYTES + int.from_bytes(end[20:22], "little") == size
    length, start = int.from_bytes(end[12:16], "little"), int.from_bytes(end[16:20], "little")
    if tail[max(0, at - _LOCATOR_BYTES) :].startswith(_LOCATOR):
        long = tail[max(0, at - _LOCATOR_BYTES - _END64_BYTES) :]
        sound = sound and long.startswith(_END64)
        if long.startswith(_END64):
            short = (length, start)
            length, start = int.from_bytes(long[40:48], "little"), int.from_bytes(long[48:56], "little")
            position -= _LOCATOR_BYTES + _END64_BYTES
            sound = sound and position == int.from_bytes(tail[at - 12 : at - 4], "little")
            sound = sound and short[0] in (length, 0xFFFFFFFF) and short[1] in (start, 0xFFFFFFFF)
    return _Directory(position - length, length, sound and start == position - length)


def _zip(file: BinaryIO, size: int, findings: Findings, *, prefixed: bool = False) -> None:
    """Follow the pickles in all members of a zip, which is `prefixed` if other bytes stand before it.

    Raises:
        MalformedPickle: It cannot be read to the end, or readers may find different members.

    """
    from zipfile import ZipFile  # noqa: PLC0415 - few files need it

    directory = _directory(file, size)
    if prefixed:
        file.seek(max(0, directory.start))
        if file.read(len(_ENTRY)) != _ENTRY:
            return
    elif not directory.sound:
        raise MalformedPickle("the directory of the zip is not where its end record says")
    if directory.length > _DIRECTORY:
        raise MalformedPickle(f"the zip has a directory of {directory.length:,} bytes: expected at most {_DIRECTORY:,}")
    limit = _Limit(max(_MIN_LIMIT, _RATIO * size))
    with _reading("zip"), ZipFile(file) as archive:
        for member in archive.infolist():
            _member(partial(archive.open, member), member.filename, findings, limit)


def _is_tar(head: bytes) -> bool:
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


def _tar(file: BinaryIO, size: int, findings: Findings) -> None:
    """Follow the pickles in all members of a tar: PyTorch's oldest form, which it still reads.

    Raises:
        MalformedPickle: It cannot be read to the end.

    """
    import tarfile  # noqa: PLC0415 - few files need it

    file.seek(0)
    limit = _Limit(max(_MIN_LIMIT, _RATIO * size))
    with _reading("tar"), tarfile.open(fileobj=file, mode="r:") as archive:
        for _, member in zip(range(_MAX_PICKLES), archive, strict=False):
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
            raise MalformedPickle(_TOO_LARGE)
        return data


def _member(opened: Callable[[], Any], name: str, findings: Findings, limit: _Limit) -> None:
    """Follow the pickles in a member: it must be one if its name says so, and may be one otherwise."""

    def start() -> PickleReader:
        return PickleReader(_Member(opened(), limit))

    head = opened().read(HEAD)
    if head.startswith(_NUMPY):
        _arrays(start(), findings)
    elif _is_pickle_by_name(name) and kind_of(head, HEAD + 1) not in _OTHERS:
        _pickles(start, findings)
    else:
        _possible_pickles(start, findings)
    if limit.left < 0:
        raise MalformedPickle(_TOO_LARGE)


@contextmanager
def _reading(what: str) -> Iterator[None]:
    """Turn whatever a broken archive raises into `MalformedPickle`."""
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
