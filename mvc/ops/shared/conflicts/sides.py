"""What a pointer contributes to a merge."""

from __future__ import annotations

from mvc.objects.manifest import Manifest
from mvc.objects.merge import Side
from mvc.objects.pointer import Pointer
from mvc.project import Project
from mvc.retention.available import availability, load_manifest


def side_of(project: Project, pointer: Pointer) -> Side:
    """Return the files and notes of a pointer.

    Raises:
        MissingObject: the cache lacks the list of files of a directory.
        CorruptObject: it is damaged there.
        InvalidFormat: it breaks its format.
    """
    if pointer.kind == "file":
        return Side.of_file(pointer)
    availability(project.cache, project.catalog, pointer)  # a manifest known to be valid is not checked again
    manifest = load_manifest(project.cache, pointer)
    return Side(Manifest(manifest.shards, manifest.read, lambda: pointer.total), pointer.notes)
