"""ONNX files: one that the `onnx` package wrote, and a few lines of protobuf for others."""

from __future__ import annotations

REAL = bytes.fromhex(
    "080e1204746573743aaf030aba020a0162120179220249662a95010a0b656c73655f6272616e63683282010a391201632208436f"
    "6e7374616e742a2a0a0576616c75652a1e080210014201636a130a086c6f636174696f6e12077375622e62696e7001a001041203"
    "7375622a2f080210014201736a170a086c6f636174696f6e120b6d2e6f6e6e782e646174616a0b0a066f66667365741201387001"
    "620f0a0163120a0a08080112040a020802a001052a95010a0b7468656e5f6272616e63683282010a391201632208436f6e737461"
    "6e742a2a0a0576616c75652a1e080210014201636a130a086c6f636174696f6e12077375622e62696e7001a0010412037375622a"
    "2f080210014201736a170a086c6f636174696f6e120b6d2e6f6e6e782e646174616a0b0a066f66667365741201387001620f0a01"
    "63120a0a08080112040a020802a001051201672a1e080410014206696e736964654a10000000000000803f00000040000040402a"
    "2f080210014201776a170a086c6f636174696f6e120b6d2e6f6e6e782e646174616a0b0a066f666673657412013070015a0b0a01"
    "6212060a0408091200620f0a0179120a0a08080112040a0208024202101cca01490a01462a016f3a3812016f2208436f6e737461"
    "6e742a290a0576616c75652a1d0802100142016f6a120a086c6f636174696f6e1206666e2e62696e7001a001044a040a00101552"
    "0164"
)
"""Of onnx 1.23, 522 bytes: a graph with weights in `m.onnx.data`, an `If` whose branches have some there and in
`sub.bin`, and a function with some in `fn.bin`."""


def field(number: int, content: bytes) -> bytes:
    """Return a length-delimited field."""
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def tensor(location: str) -> bytes:
    """Return the content of a tensor whose data is in another file."""
    return field(13, field(1, b"location") + field(2, location.encode())) + b"\x70\x01"


def model(*tensors: bytes, graph: bytes = b"") -> bytes:
    """Return a model with these tensors, and what else is in its graph."""
    return b"\x08\x04" + field(7, graph + b"".join(field(5, item) for item in tensors))
