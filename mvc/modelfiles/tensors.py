"""The tensors of a safetensors file, by its header: https://huggingface.co/docs/safetensors."""

from __future__ import annotations

from typing import BinaryIO

import msgspec

LARGEST = 100_000_000
"""Bytes of the longest header, as for the format's own library."""


class _Tensor(msgspec.Struct):
    dtype: str
    shape: tuple[int, ...]


def read_tensors(file: BinaryIO) -> dict[str, str]:
    """Return type and shape of each tensor, such as `F32[768,30522]`; none for a file that is not in this format."""
    start = file.read(9)
    length = int.from_bytes(start[:8], "little")
    if start[8:] != b"{" or length > LARGEST:
        return {}
    try:
        found = msgspec.json.decode(b"{" + file.read(length - 1), type=dict[str, msgspec.Raw])
        return {name: _text(raw) for name, raw in found.items() if name != "__metadata__"}
    except (msgspec.MsgspecError, RecursionError):
        return {}


def _text(raw: msgspec.Raw) -> str:
    tensor = msgspec.json.decode(raw, type=_Tensor)
    return f"{tensor.dtype}[{','.join(map(str, tensor.shape))}]"
