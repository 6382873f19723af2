"""Pointers, and the reports beside them, as a commit has them."""

from __future__ import annotations

from collections.abc import Iterable

from mvc.objects.pointer import SUFFIX, path_of
from mvc.quality.files import SIGNATURES
from mvc.quality.files import SUFFIX as REPORT
from mvc.scm.blobs import list_blobs, read_blobs
from mvc.scm.plumbing import Git
from mvc.workspace.tracked import Tracked, parsed

COMPANIONS = (REPORT, REPORT + SIGNATURES)
"""Files that belong to a pointer: its evaluation report and that report's signatures."""


def tracked_at(git: Git, commit: str) -> dict[str, Tracked]:
    """Return every tracked path of `commit`, sorted.

    Raises:
        MvcError: a pointer's blob is not in this clone.

    """
    blobs = sorted(blob for blob in list_blobs(git, commit, SUFFIX) if not f"/{blob.path}".endswith(f"/{SUFFIX}"))
    bodies = read_blobs(git, [blob.oid for blob in blobs])
    items = (parsed(path_of(blob.path), raw) for blob, raw in zip(blobs, bodies, strict=True))
    return {item.path: item for item in items}


def companions_at(git: Git, commit: str, paths: Iterable[str]) -> list[tuple[str, bytes]]:
    """Return path and bytes of what `commit` has beside the pointers of `paths`.

    Raises:
        MvcError: a blob is not in this clone.

    """
    wanted = {path + suffix for path in paths for suffix in COMPANIONS}
    blobs = [blob for blob in list_blobs(git, commit, "") if blob.path in wanted]
    bodies = read_blobs(git, [blob.oid for blob in blobs])
    return [(blob.path, raw) for blob, raw in zip(blobs, bodies, strict=True)]
