"""The tensors of a safetensors file, by its header: https://huggingface.co/docs/safetensors."""

from __future__ import annotations

from typing import Annotated, BinaryIO

import msgspec

LARGEST = 100_000_000
"""Bytes of the longest header, as for the format's own library."""


class StoredTensor(msgspec.Struct, frozen=True):
    """A tensor of a file."""

    dtype: str
    """As the format calls it: `F32`."""
    shape: tuple[Annotated[int, msgspec.Meta(ge=0)], ...]

    @property
    def text(self) -> str:
        """Type and shape: `F32[768,30522]`."""
        return f"{self.dtype}[{','.join(map(str, self.shape))}]"


def read_tensors(file: BinaryIO) -> dict[str, StoredTensor]:
    """Return the tensors by name; none for a file that is not in this format."""
    start = file.read(9)
    length = int.from_bytes(start[:8], "little")
    if start[8:] != b"{" or length > LARGEST:
        return {}
    try:
        found = msgspec.json.decode(b"{" + file.read(length - 1), type=dict[str, msgspec.Raw])
        return {name: msgspec.json.decode(raw, type=StoredTensor) for name, raw in found.items()
                if name != "__metadata__"}
    except (msgspec.MsgspecError, RecursionError):
        return {}
