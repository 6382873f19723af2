"""Tensors by the header of a safetensors file."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from mvc.modelfiles.tensors import read_tensors


def headed(header: Any, length: int | None = None) -> bytes:
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(raw) if length is None else length).to_bytes(8, "little") + raw + bytes(100)


GOOD = {"w": {"dtype": "BF16", "shape": [2, 3], "data_offsets": [0, 12]}, "__metadata__": {"format": "pt"}}


def test_type_and_shape() -> None:
    found = read_tensors(io.BytesIO(headed({**GOOD, "s": {"dtype": "F32", "shape": []}})))
    assert {name: tensor.text for name, tensor in found.items()} == {"w": "BF16[2,3]", "s": "F32[]"}
    assert found["w"].shape == (2, 3)


@pytest.mark.parametrize("raw", [
    b"", b"{", b"not one", headed(GOOD, 2**63), headed(GOOD, 10), headed(GOOD, 99), headed([1]),
    headed({"w": {"dtype": "F32"}}), headed({"w": 3}), headed(b'{"w":' * 100_000), headed(b"\xff"),
])
def test_another_file_has_none(raw: bytes) -> None:
    assert read_tensors(io.BytesIO(raw)) == {}
