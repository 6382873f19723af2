"""What a tracked path holds now, compared with its pointer."""

from __future__ import annotations

from mvc.objects.pointer import Pointer
from mvc.project import Project
from mvc.workspace.content import hashing
from mvc.workspace.observe import Look, Observed, observe


def look(project: Project, path: str) -> Observed:
    """Return what a tracked path holds now, and remember what had to be read for it."""
    known = project.catalog.snapshot(path)
    observed = observe(project.tree, path, project.links, Look(known, hashing(project.around.progress)))
    if observed.content is not None and observed.snapshot is not None:
        project.catalog.remember(path, observed.snapshot)
    return observed


def same_content(pointer: Pointer, observed: Observed) -> bool:
    """Whether the workspace holds just what the pointer stands for."""
    return (pointer.kind, pointer.digest, pointer.exec) == (observed.scan.kind, observed.digest, observed.executable)


def content_of(observed: Observed) -> str:
    """Return one word for what the workspace holds, as `content_name` has it for a pointer."""
    if observed.digest is None:
        return ""
    return f"{observed.scan.kind}:{observed.digest.blake3}{':x' if observed.executable else ''}"


def content_name(pointer: Pointer) -> str:
    """Return one word for the content a pointer stands for; notes don't count."""
    return f"{pointer.kind}:{pointer.digest.blake3}{':x' if pointer.exec else ''}"
