"""The inputs and outputs of an ONNX file: it is read to its graph, weights are stepped over.

Format: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import BinaryIO

from mvc.modelfiles.onnx_data import MOST_FIELDS, next_field, varint
from mvc.modelfiles.signature import LONGEST, MOST, Field, Signature

_GRAPH, _INITIALIZER, _INPUT, _OUTPUT, _TENSOR_NAME = 7, 5, 11, 12, 8
_TYPES = {
    1: "float32", 2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32", 7: "int64", 8: "string", 9: "bool",
    10: "float16", 11: "float64", 12: "uint32", 13: "uint64", 16: "bfloat16",
}
"""By number, of `TensorProto.DataType`."""


def read(file: BinaryIO, size: int) -> Signature:
    """Return the inputs and outputs of an ONNX file of `size` bytes, as far as it can be read."""
    inputs: list[Field] = []
    outputs: list[Field] = []
    weights: set[str] = set()
    for number, end in _fields(file, *_graph(file, size)):
        if number == _INITIALIZER:
            weights.update(_name(file, end))
        elif number in (_INPUT, _OUTPUT) and end - file.tell() <= LONGEST:
            (inputs if number == _INPUT else outputs).append(_value(file.read(end - file.tell())))
    given = [item for item in inputs if item.name not in weights]  # old files list weights as inputs
    return Signature(tuple(given[:MOST]), tuple(outputs[:MOST]))


def _graph(file: BinaryIO, size: int) -> tuple[int, int]:
    for number, end in _fields(file, 0, size):
        if number == _GRAPH:
            return file.tell(), end
    return size, size


def _name(file: BinaryIO, end: int) -> Iterator[str]:
    for number, after in _fields(file, file.tell(), end):
        if number == _TENSOR_NAME and after - file.tell() <= LONGEST:
            yield file.read(after - file.tell()).decode("utf-8", "replace")
            return


def _fields(file: BinaryIO, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield number and end of each field of bytes, with the file at its content."""
    file.seek(start)
    for _ in range(MOST_FIELDS):
        if file.tell() >= end or (found := next_field(file, end)) is None:
            return
        yield found
        file.seek(found[1])


def _value(raw: bytes) -> Field:
    """Read a `ValueInfoProto`: a name, and the type and shape of a tensor."""
    message = _parsed(raw)
    kind = _bytes(message, 2)
    tensor = _parsed(_bytes(_parsed(kind), 1))
    number = next((value for key, value in tensor if key == 1 and isinstance(value, int)), 0)
    dimensions = [value for key, value in _parsed(_bytes(tensor, 2)) if key == 1 and isinstance(value, bytes)]
    shape = tuple(_length(dimension) for dimension in dimensions)
    return Field(_bytes(message, 1).decode("utf-8", "replace"), _TYPES.get(number, ""), shape)


def _length(raw: bytes) -> int | None:
    return next((value for key, value in _parsed(raw) if key == 1 and isinstance(value, int)), None)


def _bytes(message: list[tuple[int, int | bytes]], wanted: int) -> bytes:
    return next((value for key, value in message if key == wanted and isinstance(value, bytes)), b"")


def _parsed(raw: bytes) -> list[tuple[int, int | bytes]]:
    """Return the numbers and lengths of a small message; what cannot be read ends it."""
    file, found = io.BytesIO(raw), list[tuple[int, int | bytes]]()
    while (tag := varint(file)) >= 0:
        value = varint(file)
        if tag & 7 == 0 and value >= 0:
            found.append((tag >> 3, value))
        elif tag & 7 == 2 and 0 <= value <= len(raw) - file.tell():  # noqa: PLR2004 - length-delimited
            found.append((tag >> 3, file.read(value)))
        else:
            break
    return found
