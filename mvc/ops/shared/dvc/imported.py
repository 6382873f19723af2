"""Content that was imported from DVC: commits from before have DVC's files, which the committed list makes readable."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress

from mvc.errors import MvcError
from mvc.objects.dvc.digest import DvcDigest
from mvc.objects.dvc.imported import FILE, MAX_BYTES, Content, decode, pointer_to
from mvc.objects.dvc.outs import Out
from mvc.objects.pointer import dir_pointer, emit
from mvc.ops.shared.dvc.files import said_in
from mvc.project import FOLDER, Project
from mvc.retention.available import load_manifest
from mvc.scm.index import staged_file
from mvc.store.cache.cache import Cache
from mvc.workspace.tracked import Tracked


def read_imported(project: Project) -> dict[DvcDigest, Content]:
    """Return what was imported, by the list in the workspace; by the index where the workspace has no mvc.

    Raises:
        InvalidFormat: the list is malformed.
    """
    raw = project.tree.read(FILE, MAX_BYTES + 1)
    if raw is None and not os.path.lexists(f"{project.root}/{FOLDER}"):
        raw = staged_file(project.git, FILE)
    return {} if raw is None else decode(raw)


def imported_items(
    project: Project, imported: Mapping[DvcDigest, Content], files: Mapping[str, bytes],
) -> Iterator[Tracked]:
    """Yield the imported outputs that the files of DVC in a commit name, as tracked paths."""
    for _, out in said_in(files).outs:
        if out.digest and not out.problem and (content := imported.get(out.digest)):
            yield _item(project.cache, out, content)


def _item(cache: Cache, out: Out, content: Content) -> Tracked:
    """Return the tracked path; the pointer of a small directory lists its files if the cache has their list."""
    pointer = pointer_to(out.digest or DvcDigest(""), content)._replace(notes=out.notes)
    if pointer.kind == "file":
        pointer = pointer._replace(exec=out.exec)
    else:
        with suppress(MvcError):
            pointer = dir_pointer(load_manifest(cache, pointer), out.notes)
    return Tracked(out.path, emit(pointer), pointer)
