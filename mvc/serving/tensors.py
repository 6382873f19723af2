"""Tensors of the Open Inference Protocol as arrays: from JSON and from bytes, and back.

Sources: https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md and, for
bytes, https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_binary_data.md
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from math import prod
from typing import Any, NamedTuple

import numpy as np

from mvc.runtime.predictor import Array
from mvc.serving.problem import Problem, invalid

DTYPES: dict[str, type[np.generic]] = {
    "BOOL": np.bool_, "UINT8": np.uint8, "UINT16": np.uint16, "UINT32": np.uint32, "UINT64": np.uint64,
    "INT8": np.int8, "INT16": np.int16, "INT32": np.int32, "INT64": np.int64,
    "FP16": np.float16, "FP32": np.float32, "FP64": np.float64, "BYTES": np.object_,
}
"""By datatype; texts are objects of Python."""
_DATATYPES = {np.dtype(dtype): name for name, dtype in DTYPES.items()}
_TYPES: Mapping[str, set[type]] = {"b": {bool}, "u": {int}, "i": {int}, "f": {int, float}}
"""By kind of a datatype: the types of JSON's values that it takes."""
_TEXT = 50
"""Bytes of a text besides its characters."""
_LENGTH = struct.Struct("<I")
MOST_DIMENSIONS, _MOST_VALUES, _MOST_ROWS = 32, 1 << 40, 1 << 16
"""Of a shape; an array of NumPy has 64 dimensions. Without values, rows cost a client nothing, but a model memory."""


class Tensor(NamedTuple):
    """An input as a client sent it."""

    name: str
    datatype: str
    values: Array


def memory_of(values: Array) -> int:
    """Return about how many bytes an array takes, with its texts."""
    return values.nbytes + (sum(map(_text_memory, values.reshape(-1))) if values.dtype.hasobject else 0)


def _text_memory(value: object) -> int:
    return _TEXT + (len(value) if isinstance(value, str | bytes) else 0)


def datatype_of(values: Array) -> str:
    """Return the datatype of an array; texts, and types that the protocol does not have, are BYTES."""
    return _DATATYPES.get(values.dtype, "BYTES")


def tensor_of_list(name: str, datatype: str, shape: Sequence[int], data: object) -> Tensor:
    """Return a tensor of the values in JSON, flat or nested.

    Raises:
        Problem: they are not of this datatype, or not of this shape.
    """
    dtype = _dtype(name, datatype)
    if not isinstance(data, list):
        raise invalid(f"input {name!r}: expected a list of data")
    if dtype is np.object_:
        return Tensor(name, datatype, _shaped(name, shape, _texts(name, data)))
    _check_types(name, datatype, data, _TYPES[np.dtype(dtype).kind])
    try:
        with np.errstate(over="ignore"):
            return Tensor(name, datatype, _shaped(name, shape, np.array(data, dtype)))
    except OverflowError:
        raise invalid(f"input {name!r}: a number is outside the range of {datatype}") from None
    except ValueError:
        raise _ragged(name) from None


def _check_types(name: str, datatype: str, data: list[Any], types: set[type]) -> None:
    level = data
    while (kinds := set(map(type, level))) == {list}:
        level = [*chain.from_iterable(level)]
    if list in kinds:
        raise _ragged(name)
    if not kinds <= types:
        raise invalid(f"input {name!r}: its data is not all of the datatype {datatype}")


def _ragged(name: str) -> Problem:
    return invalid(f"input {name!r}: its data is not a list of numbers, nor lists of the same length")


def _texts(name: str, data: list[Any]) -> Array:
    flat = [*_flat(data)]
    if not all(isinstance(item, str) for item in flat):
        raise invalid(f"input {name!r}: its data is not all text, as BYTES in JSON are")
    found = np.empty(len(flat), object)
    found[:] = flat
    return found


def _flat(data: list[Any]) -> Iterator[Any]:
    left = [iter(data)]
    while left:
        for item in left[-1]:
            if isinstance(item, list):
                left.append(iter(item))
                break
            yield item
        else:
            left.pop()


def tensor_of_bytes(name: str, datatype: str, shape: Sequence[int], raw: bytes | memoryview) -> Tensor:
    """Return a tensor of little-endian values; each of BYTES begins with its length.

    Raises:
        Problem: there are too many or too few bytes for this shape, or a text is not UTF-8.
    """
    dtype = _dtype(name, datatype)
    if dtype is np.object_:
        return Tensor(name, datatype, _shaped(name, shape, texts_of_bytes(name, _split(name, bytes(raw)))))
    width = np.dtype(dtype).itemsize
    if len(raw) != _size(name, shape) * width:
        what = f"{len(raw):,} bytes, expected {_size(name, shape) * width:,} for the shape {[*shape]} of {datatype}"
        raise invalid(f"input {name!r} has {what}")
    return Tensor(name, datatype, np.frombuffer(raw, np.dtype(dtype).newbyteorder("<")).reshape(shape))


def _split(name: str, raw: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(raw):
        start = at + _LENGTH.size
        if start > len(raw):
            raise invalid(f"input {name!r}: its bytes are cut short")
        at = start + _LENGTH.unpack_from(raw, at)[0]
        if at > len(raw):
            raise invalid(f"input {name!r}: its bytes are cut short")
        yield raw[start:at]


def texts_of_bytes(name: str, items: Iterable[bytes]) -> Array:
    """Return an array of texts.

    Raises:
        Problem: one is not UTF-8.
    """
    try:
        texts = [item.decode() for item in items]
    except UnicodeDecodeError:
        raise invalid(f"input {name!r}: a text is not UTF-8") from None
    found = np.empty(len(texts), object)
    found[:] = texts
    return found


def bytes_of(values: Array) -> bytes:
    """Return an array as little-endian bytes: the inverse of `tensor_of_bytes`."""
    if datatype_of(values) != "BYTES":
        return values.astype(values.dtype.newbyteorder("<"), copy=False).tobytes()
    return b"".join(_LENGTH.pack(len(item)) + item for item in encoded(values))


def text_of(value: object) -> str:
    """Return a value as text; in bytes, what is not UTF-8 is replaced."""
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def encoded(values: Array) -> Iterator[bytes]:
    """Yield texts as bytes."""
    for item in values.reshape(-1):
        yield item if isinstance(item, bytes) else str(item).encode(errors="replace")


def _dtype(name: str, datatype: str) -> type[np.generic]:
    if datatype not in DTYPES:
        raise invalid(f"input {name!r}: unknown datatype {datatype[:20]!r}, expected one of {', '.join(DTYPES)}")
    return DTYPES[datatype]


def _size(name: str, shape: Sequence[int]) -> int:
    known = shape[:MOST_DIMENSIONS]
    most = _MOST_ROWS if 0 in known else _MOST_VALUES
    if len(shape) > MOST_DIMENSIONS or min(known, default=0) < 0 or prod(length or 1 for length in known) > most:
        raise invalid(f"input {name!r}: invalid shape {[*known]}")
    return prod(shape)


def _shaped(name: str, shape: Sequence[int], values: Array) -> Array:
    if values.size != _size(name, shape):
        raise invalid(f"input {name!r} has {values.size:,} values, expected {prod(shape):,} for the shape {[*shape]}")
    return values.reshape(shape)
