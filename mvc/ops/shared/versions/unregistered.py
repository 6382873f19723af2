"""Versions that nobody registered: a committed report has their tag."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import NamedTuple

from mvc.errors import InvalidFormat
from mvc.objects.names import registered_name
from mvc.objects.pointer import SUFFIX as POINTER
from mvc.objects.pointer_reader import pointer_in
from mvc.project import Project
from mvc.quality.files import MAX_BYTES, SUFFIX
from mvc.quality.reports.glance import glance
from mvc.quality.reports.tags import spelling
from mvc.scm.blobs import stream_blobs
from mvc.scm.commits import committed_file, head
from mvc.scm.file_history import changes_in
from mvc.scm.incomplete import is_partial
from mvc.scm.refs import local_base


class Unregistered(NamedTuple):
    """A version that a report names."""

    name: str
    """Of the model."""
    tag: str
    commit: str
    """The newest one that adds or changes the report."""
    path: str


def find_unregistered(project: Project, name: str, path: str, version: str) -> Unregistered | None:
    """Return the newest version with this tag, of a model with this name or path, in the history of HEAD or the base.

    Raises:
        MvcError: Git cannot read the history.
    """
    for found in _reported(project, lambda tag, _: spelling(tag) == spelling(version)):
        if path == found.path or name == found.name:
            return found
    return None


def unregistered_of(project: Project, blake3: str) -> Unregistered | None:
    """Return the newest version whose report is of this content."""
    return next(_reported(project, lambda _, of: of == blake3), None)


def _reported(project: Project, is_wanted: Callable[[str, str], bool]) -> Iterator[Unregistered]:
    """Yield the versions of reports in the history, newest first; none in a partial clone."""
    git = project.git
    tips = [tip for tip in dict.fromkeys((head(git), local_base(git))) if tip]
    if not tips or is_partial(git):
        return
    changes = list(changes_in(git, tips, f"*{SUFFIX}"))
    for change, raw in zip(changes, stream_blobs(git, (item.oid for item in changes), MAX_BYTES), strict=True):
        with suppress(InvalidFormat):
            seen = glance(raw, change.path)
            if seen.tag and is_wanted(seen.tag, seen.blake3):
                path = change.path.removesuffix(SUFFIX)
                pointer = pointer_in(committed_file(git, change.commit, path + POINTER) or b"")
                if pointer and pointer.digest.blake3 == seen.blake3:
                    name = pointer.notes.name or registered_name(path)
                    yield Unregistered(name, seen.tag, change.commit, path)
