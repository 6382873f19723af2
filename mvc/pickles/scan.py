"""Where a file has pickles, and what they would import: plain ones, joblib's, PyTorch's, NumPy's, compressed ones.

Loaders do not go by names: a file is read in every way in which one of them might read it. What cannot be read
to its end fails, as far as a loader would begin with it.
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
from mvc.pickles.source import Broken, Source, Stream
from mvc.pickles.values import Found

_PICKLES = frozenset({"pickle", "joblib", "pytorch"})
_OTHERS = frozenset({"safetensors", "hdf5", "gguf", "onnx"})
_TORCH = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
"""The first of the pickles in PyTorch's older form; five of them are followed by storages."""
_TORCH_PICKLES = 5
_MANY = 100_000
"""Pickles in one file."""
_LEAST = 1 << 30
_RATIO = 100
"""What is compressed may have so many bytes, or so many times its own: more is made to fill a memory."""
_SEALED = {b"\x04\x22M\x18": "lz4", b"\x28\xb5\x2f\xfd": "zstd", b"ZF0x": "joblib 0.9"}
"""What some loaders open, and mvc does not, by its first bytes."""


class Told(NamedTuple):
    """What a file would do when it is unpickled."""

    names: tuple[str, ...] = ()
    """What it would import or call, and is not known to be harmless."""
    problem: str = ""
    """Why not all of it could be read."""


def is_pickle_by_name(path: str) -> bool:
    """Whether a file is a pickle by its name."""
    return bool(patterns.in_any_case(formats.NAMES["pickle"], path))


def may_be_pickle_by_name(path: str) -> bool:
    """Whether nothing in a file's name tells that it is something else."""
    others = (*(glob for kind, globs in formats.NAMES.items() if kind != "pickle" for glob in globs), *_TEXTS)
    return is_pickle_by_name(path) or not patterns.last(others, path)


_TEXTS = ("*.json", "*.jsonl", "*.md", "*.txt", "*.yaml", "*.yml", "*.csv", "*.tsv", "*.parquet")


def scan(file: BinaryIO, size: int, path: str) -> Told:
    """Return what the pickles in `file`, which has `size` bytes, would do; nothing of it where it has none."""
    found = Found()
    try:
        _scan(file, size, found, named=is_pickle_by_name(path))
    except Broken as error:
        return Told(tuple(found.names), str(error))
    return Told(tuple(found.names))


def _scan(file: BinaryIO, size: int, found: Found, *, named: bool) -> None:
    head = file.read(HEAD)
    kind = kind_of(head, size)
    for magic, name in _SEALED.items():
        if head.startswith(magic):
            raise Broken(f"it is compressed ({name}) in a way that mvc does not open")
    if unpacked := _unpacker(head):
        _unpacked(file, size, unpacked, found, doubtful=not named and kind not in _PICKLES)
    elif head.startswith(_NUMPY):
        file.seek(0)
        _arrays(Source(file, size), found)
    elif head.startswith(_ZIP):
        _zip(file, size, found)
    elif _is_tar(head):
        _doubt(_sources(file, size), found)
        _tar(file, size, found)
    else:
        doubtful = kind in _OTHERS or not (named or kind in _PICKLES)
        (_doubt if doubtful else _pickles)(_sources(file, size), found)
        if _ends_as_zip(file, size):
            with suppress(Broken):
                _zip(file, size, found)


# Pickles, one behind the other.

_Open = Callable[[], Source]


def _sources(file: BinaryIO, size: int) -> _Open:
    def start() -> Source:
        file.seek(0)
        return Source(file, size)

    return start


def _pickles(start: _Open, found: Found, *, doubtful: bool = False) -> None:
    """Follow all pickles; as `pickle.load` would, and as `joblib.load` would where it put arrays between.

    Raises:
        Broken: they cannot be read to their end.

    """
    try:
        _row(start(), found, arrays=False, doubtful=doubtful)
    except Broken:
        if not found.wrapped:
            raise
        _row(start(), found, arrays=True, doubtful=doubtful)


def _doubt(start: _Open, found: Found) -> None:
    """Follow what may be pickles."""
    with suppress(Broken):
        _pickles(start, found, doubtful=True)


def _row(source: Source, found: Found, *, arrays: bool, doubtful: bool) -> None:
    torch = source.starts(_TORCH)
    _one(source, found, arrays=arrays, doubtful=doubtful)
    for number in range(1, _MANY):
        if source.at_end() or (torch and number == _TORCH_PICKLES):
            return
        try:
            _one(source, found, arrays=arrays, doubtful=not torch)
        except Broken as error:
            raise Broken(f"what follows pickle {number} is none: {error}") from None
    raise Broken("it has too many pickles")


def _one(source: Source, found: Found, *, arrays: bool, doubtful: bool) -> None:
    """Follow one pickle; one that is doubtful counts when it has an end, or calls something before it breaks."""
    if not doubtful:
        follow(source, found, arrays=arrays)
        return
    own = Found()
    try:
        follow(source, own, arrays=arrays, doubtful=True)
    except Broken:
        found.wrapped = found.wrapped or own.wrapped
        if own.called:
            found.take_in(own)
        raise
    found.take_in(own)


# Compressed.


class _Unpacker(NamedTuple):
    """How something is decompressed."""

    new: Callable[[], Any]
    errors: tuple[type[Exception], ...]


def _unpacker(head: bytes) -> _Unpacker | None:
    """Return what decompresses a file that begins with `head`; None when it is not compressed."""
    if head[:2] in (b"\x1f\x8b", b"x\x01", b"x^", b"x\x9c", b"x\xda"):
        return _Unpacker(lambda: _Zlib(zlib.decompressobj(wbits=47)), (zlib.error,))  # 47: zlib or gzip
    if head.startswith(b"BZh"):
        from bz2 import BZ2Decompressor  # noqa: PLC0415 - few files need it

        return _Unpacker(BZ2Decompressor, (OSError,))
    if head.startswith((b"\xfd7zXZ\0", b"]\0")):
        from lzma import LZMADecompressor, LZMAError  # noqa: PLC0415 - as above

        return _Unpacker(lambda: LZMADecompressor(memlimit=_LZMA_MEMORY), (LZMAError,))
    return None


_LZMA_MEMORY = 128 << 20
"""`xz -9` needs half of it; a file can ask for 4 GiB."""
_BLOCK = 1 << 16


class _Zlib:
    """zlib's decompressor in the form of the others."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self._rest = b""

    @property
    def eof(self) -> bool:
        """Whether its end was seen."""
        return bool(self._inner.eof)

    @property
    def needs_input(self) -> bool:
        """Whether there is nothing more to be had from what it was given."""
        return not self._rest

    @property
    def unused_data(self) -> bytes:
        """What follows its end."""
        return bytes(self._inner.unused_data)

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """Return the next bytes."""
        found = self._inner.decompress(self._rest + data, max_length)
        self._rest = self._inner.unconsumed_tail
        return bytes(found)


class _Decompressed:
    """What a compressed file holds, as a stream; of more than `limit` bytes no more."""

    def __init__(self, file: BinaryIO, unpacker: _Unpacker, limit: int) -> None:
        self._file, self._unpacker, self._left = file, unpacker, limit
        self._current = unpacker.new()
        self._data = b""

    def read(self, size: int, /) -> bytes:
        """Return up to so many bytes; none at the end."""
        try:
            found = self._read(size)
        except self._unpacker.errors as error:
            raise Broken(f"it cannot be decompressed: {error}") from None
        self._left -= len(found)
        if self._left < 0:
            raise Broken("it has too many bytes once it is decompressed")
        return found

    def _read(self, size: int) -> bytes:
        while True:
            if self._current.eof:
                rest = self._current.unused_data or self._file.read(_BLOCK)
                if not rest:
                    return b""
                self._current = self._unpacker.new()
                found = self._current.decompress(rest, size)
            elif self._current.needs_input:
                more = self._file.read(_BLOCK)
                if not more:
                    raise Broken("it is cut off")
                found = self._current.decompress(more, size)
            else:
                found = self._current.decompress(b"", size)
            if found:
                return bytes(found)


def _unpacked(file: BinaryIO, size: int, unpacker: _Unpacker, found: Found, *, doubtful: bool) -> None:
    limit = max(_LEAST, _RATIO * size)

    def start() -> Source:
        file.seek(0)
        return Source(_Decompressed(file, unpacker, limit))

    first = start()
    if first.starts(_NUMPY):
        _arrays(first, found)
    elif doubtful:
        _doubt(start, found)
    else:
        _pickles(start, found)


# Arrays of NumPy's: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html

_NUMPY = b"\x93NUMPY"
_HEADER = 1 << 16
_DEEP = 20
_DIGITS = "0123456789"


def _arrays(source: Source, found: Found) -> None:
    """Go through all arrays; those of objects are pickled."""
    for _ in range(_MANY):
        if source.at_end():
            return
        if not source.starts(_NUMPY):
            raise Broken("what follows the array is none")
        source.skip(len(_NUMPY))
        version, _ = source.byte(), source.byte()
        width = source.number(2 if version == 1 else 4)
        if width > _HEADER:
            raise Broken("it has an array of which nobody can say how long it is")
        described = _literal(source.take(width))
        kind, shape = described.get("descr"), described.get("shape")
        if _has_objects(kind):
            follow(source, found)
        else:
            source.skip(_count(shape) * _width(kind))
    raise Broken("it has too many arrays")


def _literal(raw: bytes) -> dict[Any, Any]:
    """Return what the header says, a dictionary as Python writes it."""
    from ast import literal_eval  # noqa: PLC0415 - few files need it

    text = raw.decode("latin-1")
    if sum(map(text.count, "([{")) > 10 * _DEEP * _DEEP or _depth(text) > _DEEP:
        raise Broken("it has an array with too deep a header")
    try:
        found = literal_eval(text.strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        raise Broken("it has an array with a header that is none") from None
    if not isinstance(found, dict):
        raise Broken("it has an array with a header that is none")
    return found


def _depth(text: str) -> int:
    depth = deepest = 0
    for char in text:
        depth += (char in "([{") - (char in ")]}")
        deepest = max(deepest, depth)
    return deepest


def _has_objects(kind: Any) -> bool:
    """Whether a dtype has objects: what cannot be understood has."""
    if isinstance(kind, str):
        return kind.lstrip("<>|=")[:1] not in tuple("biufcmMSUV?")
    return not isinstance(kind, list) or any(len(field) < 2 or _has_objects(field[1]) for field in map(_field, kind))  # noqa: PLR2004 - name, type


def _field(field: Any) -> tuple[Any, ...]:
    return field if isinstance(field, tuple) else ()


def _width(kind: Any) -> int:
    """Return the bytes of one item."""
    if isinstance(kind, list):
        return sum(_width(field[1]) * _count(field[2] if len(field) > 2 else ()) for field in kind)  # noqa: PLR2004 - shape
    letter, digits = (text := str(kind).lstrip("<>|="))[:1], text[1:].partition("[")[0]
    if letter == "?":
        return 1
    if not digits or digits.strip(_DIGITS) or len(digits) > 9:  # noqa: PLR2004 - below the largest
        raise Broken("it has an array of which nobody can say how long it is")
    return int(digits) * (4 if letter == "U" else 1)


def _count(shape: Any) -> int:
    count = 1
    for item in shape if isinstance(shape, tuple) else (shape,):
        if type(item) is not int or item < 0:
            raise Broken("it has an array of which nobody can say how long it is")
        count *= item
    return count


# Archives.

_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_END = b"PK\x05\x06"
_END64 = b"PK\x06\x06"
_LOCATOR = b"PK\x06\x07"
_END_BYTES, _LOCATOR_BYTES, _END64_BYTES = 22, 20, 56
_COMMENT = 1 << 16
_DIRECTORY = 64 << 20
"""Bytes of a list of members."""


def _ends_as_zip(file: BinaryIO, size: int) -> bool:
    return _END in _tail(file, size)


def _tail(file: BinaryIO, size: int) -> bytes:
    file.seek(max(0, size - _COMMENT - _END_BYTES - _LOCATOR_BYTES - _END64_BYTES))
    return file.read(_COMMENT + _END_BYTES + _LOCATOR_BYTES + _END64_BYTES)


def _check_end(file: BinaryIO, size: int) -> None:
    """Make sure that everybody finds the same list of members: it stands right before its end, nothing elsewhere.

    Raises:
        Broken: it does not.

    """
    tail = _tail(file, size)
    at = tail.rfind(_END)
    end = tail[at : at + _END_BYTES]
    position = size - len(tail) + at
    if at < 0 or len(end) < _END_BYTES or position + _END_BYTES + int.from_bytes(end[20:22], "little") != size:
        raise Broken("it is a zip without an end")
    length, start = int.from_bytes(end[12:16], "little"), int.from_bytes(end[16:20], "little")
    if at >= _LOCATOR_BYTES and tail[at - _LOCATOR_BYTES :].startswith(_LOCATOR):
        position = int.from_bytes(tail[at - 12 : at - 4], "little")
        file.seek(position)
        long = file.read(_END64_BYTES)
        same = position + _END64_BYTES + _LOCATOR_BYTES == size - len(tail) + at and long.startswith(_END64)
        short = (length, start)
        length, start = int.from_bytes(long[40:48], "little"), int.from_bytes(long[48:56], "little")
        pairs = zip(short, (length, start), strict=True)
        if not same or any(ours not in (theirs, 0xFFFFFFFF) for ours, theirs in pairs):
            raise Broken("it is a zip with two ends")
    if start + length != position or length > _DIRECTORY:
        raise Broken("it is a zip whose list of members is not where it says")


def _zip(file: BinaryIO, size: int, found: Found) -> None:
    """Go through all members of a zip.

    Raises:
        Broken: not all can be read.

    """
    from zipfile import ZipFile  # noqa: PLC0415 - few files need it

    _check_end(file, size)
    limit = _Limit(max(_LEAST, _RATIO * size))
    with _reading("zip"), ZipFile(file) as archive:
        for member in archive.infolist():
            _member(partial(archive.open, member), member.filename, found, limit)


def _is_tar(head: bytes) -> bool:
    """Whether a file begins with the name, the stamps and the checksum of a member."""
    from tarfile import HeaderError, TarInfo  # noqa: PLC0415 - few files need it

    block = head[:512]
    if len(block) < 512 or not block[148:156].strip(b" \0").isdigit():  # noqa: PLR2004 - as tar has it
        return False
    try:
        TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except HeaderError:
        return False
    return True


def _tar(file: BinaryIO, size: int, found: Found) -> None:
    """Go through all members of a tar, which PyTorch once wrote and still reads.

    Raises:
        Broken: not all can be read.

    """
    import tarfile  # noqa: PLC0415 - few files need it

    file.seek(0)
    limit = _Limit(max(_LEAST, _RATIO * size))
    with _reading("tar"), tarfile.open(fileobj=file, mode="r:") as archive:
        for _, member in zip(range(_MANY), archive, strict=False):
            if member.isreg():
                _member(partial(_extracted, archive, member), member.name, found, limit)


def _extracted(archive: Any, member: Any) -> Stream:
    opened: Stream = archive.extractfile(member)
    return opened


class _Limit:
    """How many bytes may still be read of an archive's members."""

    def __init__(self, left: int) -> None:
        self.left = left


class _Member:
    """A member that is read within a limit."""

    def __init__(self, stream: Stream, limit: _Limit) -> None:
        self._stream, self._limit = stream, limit

    def read(self, size: int, /) -> bytes:
        """Return up to so many bytes; none at the end."""
        found = self._stream.read(size)
        self._limit.left -= len(found)
        if self._limit.left < 0:
            raise Broken("it has too many bytes once it is decompressed")
        return found


def _member(opened: Callable[[], Any], name: str, found: Found, limit: _Limit) -> None:
    """Follow the pickles in a member. A name tells that it must be one; whatever else begins so may be one."""

    def start() -> Source:
        return Source(_Member(opened(), limit))

    head = opened().read(HEAD)
    if head.startswith(_NUMPY):
        _arrays(start(), found)
    elif is_pickle_by_name(name) and kind_of(head, HEAD + 1) not in _OTHERS:
        _pickles(start, found)
    else:
        _doubt(start, found)
    if limit.left < 0:
        raise Broken("it has too many bytes once it is decompressed")


@contextmanager
def _reading(what: str) -> Iterator[None]:
    """Say that an archive is broken, however that shows."""
    from lzma import LZMAError  # noqa: PLC0415 - few files need it
    from tarfile import TarError  # noqa: PLC0415 - as above
    from zipfile import BadZipFile  # noqa: PLC0415 - as above

    try:
        yield
    except (
        BadZipFile, TarError, LZMAError, zlib.error, EOFError, OSError, OverflowError,
        NotImplementedError, RuntimeError, ValueError, struct.error,
    ) as error:
        raise Broken(f"it is a {what} that cannot be read: {error}") from None
