"""Reads what a model takes and returns out of its file, without loading or running it: one door for all formats."""

from __future__ import annotations

from typing import BinaryIO

from mvc.modelfiles import boosters, onnx_graph, skops_schema
from mvc.modelfiles.magic import HEAD, kind_of
from mvc.modelfiles.signature import Signature


def read_signature(file: BinaryIO) -> Signature:
    """Return what the model in a file takes and returns; nothing for formats that do not say, or a damaged file."""
    size = file.seek(0, 2)
    file.seek(0)
    head = file.read(HEAD)
    file.seek(0)
    if head.startswith(boosters.LIGHTGBM):
        return boosters.read_lightgbm(file)
    if boosters.XGBOOST.match(head):
        return boosters.read_xgboost(file, size)
    if head.startswith(b"PK\x03\x04"):
        return skops_schema.read(file)
    return onnx_graph.read(file, size) if kind_of(head, size) == "onnx" else Signature()
