"""What listed models take and return, for `mvc ls -v`: read from the cache, as their content may not be here."""

from __future__ import annotations

from mvc.errors import MvcError
from mvc.modelfiles.signature import Signature, read_signature
from mvc.ops.workspace.reading.ls import Listed
from mvc.project import Project


def signature_of(project: Project, item: Listed) -> Signature:
    """Return what a listed file takes and returns; nothing if the cache lacks it, or its format does not say."""
    if item.kind != "file":
        return Signature()
    try:
        with project.cache.open(item.blake3) as file:
            return read_signature(file)
    except (MvcError, OSError):
        return Signature()
