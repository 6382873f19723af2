"""What the files of a version say about its tensors: read from the cache."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from math import prod

from mvc.errors import CorruptObject, InvalidFormat, MissingObject
from mvc.modelfiles.signature import Field
from mvc.modelfiles.tensors import StoredTensor, read_tensors
from mvc.objects.pointer import Pointer
from mvc.ops.shared.content.signatures import signature_of
from mvc.project import Project
from mvc.quality.reports.report import Tensor, Tensors
from mvc.retention.available import load_manifest

_MOST = 100
"""Inputs, outputs, or types of weights in a report."""
_LONGEST = 10_000
"""Characters of all inputs or outputs."""
_TYPE = re.compile(r"[A-Z][A-Z0-9_]{0,15}")
_SUFFIX = ".safetensors"


def tensors_of(project: Project, pointer: Pointer) -> dict[str, StoredTensor] | None:
    """Return the tensors in the safetensors files of a version, by name; None if the cache lacks one.

    The headers are read, but not compared with a digest.
    """
    try:
        return {f"{prefix}{name}": tensor for prefix, blake3 in _files(project, pointer)
                for name, tensor in _read(project, blake3)}
    except (MissingObject, CorruptObject, InvalidFormat):
        return None


def described(project: Project, pointer: Pointer) -> Tensors | None:
    """Return what a report says about the tensors of a version: nothing if the cache lacks it, or it does not say.

    Of inputs or outputs that are more than 100, or have long names, none are named.
    """
    signature = signature_of(project, pointer)
    weights: dict[str, int] = {}
    for tensor in (tensors_of(project, pointer) or {}).values():
        weights[tensor.dtype] = weights.get(tensor.dtype, 0) + prod(tensor.shape)
    found = Tensors(_named(signature.inputs), _named(signature.outputs), weights if _fit(weights) else {})
    return None if found == Tensors() else found


def _named(fields: Sequence[Field]) -> list[Tensor]:
    found = [Tensor(item.name.encode(errors="replace").decode(), item.type, [*map(_length, item.shape)])
             for item in fields]
    return found if len(found) <= _MOST and sum(len(item.text) for item in found) <= _LONGEST else []


def _length(length: int | None) -> int | None:
    """Return the length of a dimension; None for one that a damaged file has."""
    return length if length is not None and 0 <= length <= sys.maxsize else None


def _fit(weights: Mapping[str, int]) -> bool:
    """Whether a report can have these numbers: those of a damaged file may have any types and sizes."""
    return len(weights) <= _MOST and all(map(_TYPE.fullmatch, weights)) and sum(weights.values()) <= sys.maxsize


def _files(project: Project, pointer: Pointer) -> Iterator[tuple[str, str]]:
    """Yield the files that may have tensors: what goes before the names of these, and the blake3."""
    if pointer.kind == "file":
        yield "", pointer.digest.blake3
        return
    for entry in load_manifest(project.cache, pointer).entries:
        if entry.path.endswith(_SUFFIX):
            yield f"{entry.path}:", entry.blake3


def _read(project: Project, blake3: str) -> Iterator[tuple[str, StoredTensor]]:
    with project.cache.buffered(blake3) as file:
        yield from read_tensors(file).items()
