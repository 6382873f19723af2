"""What listed models take and return, for `mvc ls -v`: read from the cache, as their content may not be here."""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO

from mvc.errors import MvcError
from mvc.modelfiles import mlmodel
from mvc.modelfiles.signature import Signature
from mvc.modelfiles.signatures import read_signature
from mvc.objects.pointer import Pointer
from mvc.project import Project
from mvc.retention.available import load_manifest


def signature_of(project: Project, pointer: Pointer) -> Signature:
    """Return what a tracked model takes and returns; nothing if the cache lacks it, or its format does not say.

    Of a directory it is what MLflow's file states, or what the only ONNX file does.
    """
    if pointer.kind == "file":
        return _read(project, pointer.digest.blake3, read_signature)
    try:
        entries = {entry.path: entry.blake3 for entry in load_manifest(project.cache, pointer).entries}
    except MvcError:
        return Signature()
    if mlmodel.MLMODEL in entries:
        return _read(project, entries[mlmodel.MLMODEL], mlmodel.read)
    models = [blake3 for path, blake3 in entries.items() if path.lower().endswith(".onnx") and "/" not in path]
    return _read(project, models[0], read_signature) if len(models) == 1 else Signature()


def _read(project: Project, blake3: str, read: Callable[[BinaryIO], Signature]) -> Signature:
    try:
        with project.cache.open(blake3) as file:
            return read(file)
    except (MvcError, OSError):
        return Signature()
