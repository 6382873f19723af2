"""The tensors of a safetensors file, by its header: https://huggingface.co/docs/safetensors."""

from __future__ import annotations

from math import prod
from typing import BinaryIO, NamedTuple

import msgspec

LARGEST = 100_000_000
"""Bytes of the longest header that the library accepts, and so mvc."""


class Tensor(NamedTuple):
    """Type and shape."""

    dtype: str
    shape: tuple[int, ...]

    @property
    def parameters(self) -> int:
        """The number of elements."""
        return prod(self.shape)

    def __str__(self) -> str:
        """Return the type and the shape: `F32[768,30522]`."""
        return f"{self.dtype}[{','.join(map(str, self.shape))}]"


class _Entry(msgspec.Struct):
    dtype: str = ""
    shape: tuple[int, ...] = ()


def read_tensors(file: BinaryIO) -> dict[str, Tensor]:
    """Return the tensors by name; none for a file that is not in this format."""
    start = file.read(9)
    length = int.from_bytes(start[:8], "little")
    if start[8:] != b"{" or length > LARGEST:
        return {}
    try:
        found = msgspec.json.decode(b"{" + file.read(length - 1), type=dict[str, _Entry])
    except (msgspec.MsgspecError, RecursionError):
        return {}
    return {name: Tensor(item.dtype, item.shape) for name, item in found.items() if name != "__metadata__"}
