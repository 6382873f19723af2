"""The tensors of a version, as the cache has them."""

from __future__ import annotations

import io
from collections.abc import Iterator

from mvc.errors import CorruptObject, InvalidFormat, MissingObject
from mvc.modelfiles.tensors import read_tensors
from mvc.objects.pointer import Pointer
from mvc.project import Project
from mvc.retention.available import load_manifest

_SUFFIX = ".safetensors"


def tensors_of(project: Project, pointer: Pointer) -> dict[str, str] | None:
    """Return type and shape of each tensor in the safetensors files of a version; None if the cache lacks one.

    The headers are read, but not compared with a digest.
    """
    try:
        return {f"{prefix}{name}": text for prefix, blake3 in _files(project, pointer)
                for name, text in _read(project, blake3)}
    except (MissingObject, CorruptObject, InvalidFormat):
        return None


def _files(project: Project, pointer: Pointer) -> Iterator[tuple[str, str]]:
    """Yield the files that may have tensors: what goes before the names of these, and the blake3."""
    if pointer.kind == "file":
        yield "", pointer.digest.blake3
        return
    for entry in load_manifest(project.cache, pointer).entries:
        if entry.path.endswith(_SUFFIX):
            yield f"{entry.path}:", entry.blake3


def _read(project: Project, blake3: str) -> Iterator[tuple[str, str]]:
    with project.cache.open(blake3) as opened:
        file = opened if isinstance(opened, io.BytesIO) else io.BufferedReader(opened)  # type: ignore[type-var]  # raw
        yield from read_tensors(file).items()
