"""The model format of a file by its first bytes, without loading or unpacking it.

A false positive blocks a commit, so each format needs more than its magic bytes: a plausible length, a known version,
or a field or inner file that only this format has.
"""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress

from mvc.objects import lfs

HEAD = 16 << 10
"""Bytes that are examined; for archives and compressed files, all that are given."""


def kind_of(head: bytes, size: int) -> str:
    """Return the model format of a file of `size` bytes that begins with `head`; empty for other files."""
    start = head[:HEAD]
    plain = next((kind for kind, fits in _FORMATS.items() if fits(start, size)), "")
    return plain or _zipped(head) or _compressed(head)


def is_lfs_pointer(head: bytes, size: int) -> bool:
    """Whether the file is a pointer of git-lfs, whose content is not in Git either."""
    return size <= lfs.MAX_BYTES and lfs.is_lfs_pointer(head)


def _is_safetensors(head: bytes, size: int) -> bool:
    """A length, then as many bytes of JSON: https://huggingface.co/docs/safetensors."""
    length = int.from_bytes(head[:8], "little")
    return size >= 10 and 2 <= length <= size - 8 and _OBJECT.match(head, 8) is not None  # noqa: PLR2004 - those two


_OBJECT = re.compile(rb'\{[ \t\r\n]*["}]')
"""The beginning of a JSON object."""


def _is_hdf5(head: bytes, size: int) -> bool:
    """A signature, at the start or after a user block."""
    del size
    return any(head.startswith(b"\x89HDF\r\n\x1a\n", start) for start in (0, 512, 1024, 2048, 4096, 8192))


def _is_gguf(head: bytes, size: int) -> bool:
    """Magic bytes and a version, in either byte order."""
    del size
    version = head[4:8]
    return head.startswith(b"GGUF") and 1 <= min(int.from_bytes(version, "little"), int.from_bytes(version)) <= 99  # noqa: PLR2004 - three so far


def _is_numpy(head: bytes, size: int) -> bool:
    """Magic bytes, a version, and the array's shape as text."""
    del size
    return head.startswith(b"\x93NUMPY") and head[6:7] in (b"\1", b"\2", b"\3")


# Pickles.

_FIRST_OPCODES = frozenset(b"\x95cC(}])Xq\x8a\x8bKMJGNU\x88\x89\x8c\x8d\x8e\x8f\x96BVSTL")
"""Opcodes that can follow the protocol: a frame, a name, a constant, the start of a container."""


def _is_pickle(head: bytes, size: int) -> bool:
    """Protocol 2 to 5, or the text of earlier ones; a short file must have an end."""
    if _EARLY.match(head):
        return _is_early(head, size)
    begins = head[:1] == b"\x80" and head[1:2] in (b"\2", b"\3", b"\4", b"\5") and head[2:3] != b""
    if not begins or head[2] not in _FIRST_OPCODES:
        return False
    return b"." in head[2:] if size <= len(head) else True


_EARLY = re.compile(rb"c[A-Za-z_][\w.]*\n[A-Za-z_][\w.]*\n[p(q)]|\([dl]p[01]\n|[]}]q[\0\1]")
"""The beginning of a pickle of protocol 0 or 1: a name, a dictionary or a list."""


def _is_early(head: bytes, size: int) -> bool:
    """Whether all opcodes are valid; there is no length or version to check."""
    from pickletools import genops  # noqa: PLC0415 - few files begin so

    file = io.BytesIO(head)
    try:
        return any(code.name == "STOP" for code, _, _ in genops(file))
    except ValueError:
        return size > len(head) == file.tell()  # cut by `HEAD`


def _is_joblib(head: bytes, size: int) -> bool:
    return _is_pickle(head, size) and b"joblib.numpy_pickle" in head


def _is_torch(head: bytes, size: int) -> bool:
    """A zip as PyTorch writes it, or the older form: a pickle of a magic number."""
    if head.startswith(b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."):
        return True
    del size
    padded = head[30 + int.from_bytes(head[26:28], "little") :].startswith(_PADDING)
    return head.startswith(_LOCAL) and padded


def _compressed(head: bytes) -> str:
    """Return `joblib` or `pickle` for a compressed one, which joblib can write."""
    inner = _unpacked(head)
    if _is_joblib(inner, HEAD + 1):
        return "joblib"
    return "pickle" if _is_pickle(inner, HEAD + 1) else ""


def _unpacked(head: bytes) -> bytes:
    """Return the beginning of the uncompressed content; empty for a file that is not compressed."""
    if head[:2] in (b"\x1f\x8b", b"x\x01", b"x^", b"x\x9c", b"x\xda"):
        with suppress(zlib.error):
            return zlib.decompressobj(wbits=47).decompress(head, HEAD)  # 47: zlib or gzip
    if head.startswith(b"BZh"):
        from bz2 import BZ2Decompressor  # noqa: PLC0415 - few files need it

        with suppress(OSError):
            return BZ2Decompressor().decompress(head, HEAD)
    if head.startswith((b"\xfd7zXZ\0", b"]\0\0")):
        from lzma import LZMADecompressor, LZMAError  # noqa: PLC0415 - as above

        with suppress(LZMAError):
            return LZMADecompressor(memlimit=_LZMA_MEMORY).decompress(head, HEAD)
    return b""


_LZMA_MEMORY = 128 << 20
"""`xz -9` needs half of it; a file can demand 4 GiB."""

# Zip archives.


def _zipped(head: bytes) -> str:
    """Return the format of a zip by the names of the files in it."""
    names = list(_zip_names(head))
    ends = ((b".pkl", "pytorch"), (b"model.weights.h5", "keras"), (b".npy", "numpy"))
    return next((kind for end, kind in ends if any(name.endswith(end) for name in names)), "")


_PADDING = b"FB"
"""The extra field with which PyTorch aligns files: `caffe2/serialize/inline_container.cc` in its sources."""
_LOCAL = b"PK\x03\x04"
_LOCAL_BYTES = 30


def _zip_names(head: bytes) -> Iterator[bytes]:
    """Yield the names of the files in a zip whose headers are in `head`."""
    position = 0
    while head.startswith(_LOCAL, position) and len(head) >= position + _LOCAL_BYTES:
        flags = int.from_bytes(head[position + 6 : position + 8], "little")
        packed = int.from_bytes(head[position + 18 : position + 22], "little")
        name = int.from_bytes(head[position + 26 : position + 28], "little")
        extra = int.from_bytes(head[position + 28 : position + 30], "little")
        start = position + _LOCAL_BYTES
        yield head[start : start + name]
        position = start + name + extra + packed
        if flags & 8:  # the size follows the content: search for the next header
            position = head.find(_LOCAL, start + name + extra)
            if position < 0:
                return


# ONNX, a protobuf without magic bytes: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto

_IR_VERSIONS = range(1, 100)
_VARINT, _LENGTH = 0, 2
_MODEL_FIELDS = {
    1: _VARINT, 2: _LENGTH, 3: _LENGTH, 4: _LENGTH, 5: _VARINT, 6: _LENGTH, 7: _LENGTH, 8: _LENGTH,
    14: _LENGTH, 20: _LENGTH, 25: _LENGTH, 26: _LENGTH,
}
_IR_VERSION, _PRODUCER, _GRAPH, _OPSETS = 1, 2, 7, 8
_GRAPH_FIELDS = frozenset(number << 3 | _LENGTH for number in (1, 2, 5, 10, 11, 12, 13, 14, 15, 16))
_WORD = re.compile(rb"[ -~\x80-\xff]*")


def _is_onnx(head: bytes, size: int) -> bool:
    """A version first, then only fields of a model, with a graph that fits into the file."""
    if head[:1] != b"\x08" or len(head) < 2 or head[1] not in _IR_VERSIONS:  # noqa: PLR2004 - tag and number
        return False
    seen: dict[int, tuple[int, int]] = {}
    for number, start, end in _fields(head, size):
        if number not in _MODEL_FIELDS or end > size:
            return False
        if number == _PRODUCER and _WORD.fullmatch(head[start:end]) is None:
            return False
        seen[number] = (start, end)
    if _GRAPH not in seen or not _looks_like_graph(head, *seen[_GRAPH]):
        return False
    return _OPSETS in seen or seen[_GRAPH][1] > len(head)


def _looks_like_graph(head: bytes, start: int, end: int) -> bool:
    return start == end or start >= len(head) or head[start] in _GRAPH_FIELDS or head[start : start + 2] == b"\x82\x01"


def _fields(head: bytes, size: int) -> Iterator[tuple[int, int, int]]:
    """Yield number, start and end of each field of a message in `head`; number 0 for invalid data."""
    position = 0
    while position < len(head):
        tag, position = _varint(head, position)
        number, wire = tag >> 3, tag & 7
        length, after = _varint(head, position)
        if after > len(head) and len(head) < size:  # cut by `HEAD`
            return
        if after > len(head) or _MODEL_FIELDS.get(number) != wire:
            yield 0, position, position
            return
        end = after + length if wire == _LENGTH else after
        yield number, after, end
        position = end


def _varint(data: bytes, position: int) -> tuple[int, int]:
    """Return the number at `position` and its end, which is beyond `data` when it is incomplete."""
    value = 0
    for shift in range(0, 70, 7):
        if position >= len(data):
            return value, len(data) + 1
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:  # noqa: PLR2004 - the last byte
            return value, position
    return value, len(data) + 1


_FORMATS: dict[str, Callable[[bytes, int], bool]] = {
    "safetensors": _is_safetensors,
    "hdf5": _is_hdf5,
    "gguf": _is_gguf,
    "pytorch": _is_torch,
    "joblib": _is_joblib,
    "pickle": _is_pickle,
    "numpy": _is_numpy,
    "onnx": _is_onnx,
}
KINDS = (*_FORMATS, "keras")
