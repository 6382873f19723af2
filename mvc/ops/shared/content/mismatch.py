"""Pointers that disagree with the objects they name: in size, xxh128 or a count.

The objects are right: their name is their blake3. Such a pointer comes from a conflict that was resolved by hand.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mvc.errors import CorruptObject, InvalidFormat, MissingObject, MvcError
from mvc.objects.digest import Digest
from mvc.objects.pointer import Pointer
from mvc.ops.shared.selection import manifest_errors
from mvc.project import Project, Shell
from mvc.retention.available import availability, known_objects, manifest_mismatch
from mvc.store.cache.cache import Cache, Stored
from mvc.store.remote.location import ObjectLocation
from mvc.workspace.tracked import Tracked


def mismatch_error(shell: Shell, item: Tracked, text: str) -> MvcError:
    """Return the error that a pointer disagrees with its content."""
    error = MvcError(f"{item.pointer_path} disagrees with its content: {text}", shell.line("mvc add", item.path))
    error.exit_code = 1
    return error


def check_agrees(project: Project, item: Tracked) -> None:
    """Check that a pointer agrees with what the cache knows of its objects without reading them.

    Raises:
        MvcError: it does not, or its manifest is invalid.
    """
    if item.pointer is not None:
        with manifest_errors(project.shell, item.path):
            text = availability(project.cache, project.catalog, item.pointer).mismatch
        if text:
            raise mismatch_error(project.shell, item, text)


def mismatch_when_read(cache: Cache, pointer: Pointer, read: Mapping[str, Digest]) -> str:
    """Return the field of a pointer that disagrees with an object that was `read`; empty if none does."""
    for label, digest in known_objects(cache, pointer) if read else ():
        found = read.get(digest.blake3)
        if found and (text := Stored("", found.size, found.xxh128).disagrees(digest)):
            return f"{text} ({label})" if label else text
    return ""


def remote_mismatch(
    cache: Cache, pointer: Pointer, digests: Iterable[Digest], there: Mapping[str, ObjectLocation],
) -> str:
    """Return the field of a pointer that disagrees with an object in a pack on a remote, or with its list of files.

    Of a large object only the size is known, which also differs if it was cut short.
    """
    for digest in digests:
        location = there.get(digest.blake3)
        if location and location.record and location.fits:
            stored = Stored("", location.size, location.record.xxh128.hex())
            if text := stored.disagrees(digest):
                return text
    try:
        return manifest_mismatch(cache, pointer)
    except (MissingObject, CorruptObject, InvalidFormat):
        return ""
