"""Which models a change touches, and what their files say: for the hook's index, and for the gate's tree."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from mvc.modelfiles import magic
from mvc.objects.pointer import MAX_BYTES as MAX_POINTER
from mvc.objects.pointer import SUFFIX
from mvc.quality.files import MAX_BYTES as MAX_FILE
from mvc.quality.files import SIGNATURES, FileAt
from mvc.quality.files import SUFFIX as REPORT
from mvc.quality.judge.facts import BlobFacts, ModelFacts
from mvc.scm.blobs import blob_sizes, first_bytes, missing_object
from mvc.scm.index_changes import Entry, Index
from mvc.scm.plumbing import Git

GITLINK = "160000"
SYMLINK = "120000"
HEAD = max(MAX_POINTER, MAX_FILE) + 1
"""Bytes of a file that are looked at: all of one of ours, unless it is too large to be one."""
_LINK = 4096
"""Bytes that a symlink has at most: no system follows a longer one."""
_REPORT_KEY = b"mvc-eval"


# Which models.


def is_pointer(path: str) -> bool:
    """Whether a file of Git is a pointer, by its name."""
    return path.endswith(SUFFIX) and not path.endswith(f"/{SUFFIX}") and path != SUFFIX


def stem(path: str) -> str:
    """Return the tracked path that a pointer, a report or its signatures belong to; empty for any other file."""
    if is_pointer(path):
        return path.removesuffix(SUFFIX)
    found = path.removesuffix(SIGNATURES).removesuffix(REPORT)
    return found if found != path.removesuffix(SIGNATURES) and not found.endswith("/") else ""


def touched(index: Index) -> Iterator[str]:
    """Yield the tracked paths of which pointer, report, signatures or content changed."""
    for path in index.changes:
        if found := stem(path):
            yield found
        elif path in index.entries and (holder := _holder(index, path)):
            yield holder


def _holder(index: Index, path: str) -> str:
    """Return the tracked path that is `path` or a directory above it; empty when none."""
    while path and path + SUFFIX not in index.entries:
        path = path.rpartition("/")[0]
    return path


def is_model(index: Index, path: str) -> bool:
    """Whether a model is or was at `path`: a lone `X.eval.yaml` may be of another program."""
    pointer = path + SUFFIX
    return pointer in index.entries or pointer in index.changes or path + REPORT in index.entries


def is_left(index: Index, model: ModelFacts) -> bool:
    """Whether something of the model is left."""
    if model.pointer is None and model.report is not None and model.path + SUFFIX not in index.changes:
        return model.report.conflicted or _REPORT_KEY in model.report.raw
    return model.pointer is not None or model.report is not None


# What they have.


def read_files(
    git: Git, index: Index, ours: Iterable[str], foreign: Iterable[str],
) -> tuple[dict[str, FileAt], tuple[BlobFacts, ...]]:
    """Return our own files as far as the index has them, and of others what their first bytes tell.

    Raises:
        MvcError: Git cannot read one.

    """
    own = {path: entry for path in ours if (entry := index.entries.get(path)) is not None}
    others = {path: index.entries[path] for path in foreign}
    whole = {entry.oid for entry in own.values() if _has_blob(entry)}
    entering = {entry.oid for entry in others.values()}
    raw: dict[str, bytes] = {}
    looks: dict[str, Look] = {}
    sizes = blob_sizes(git, sorted(whole | entering))
    for lost in (whole | entering) - sizes.keys():
        raise missing_object(lost)
    for oid, head in first_bytes(git, sizes, HEAD):
        if oid in whole:
            raw[oid] = head
        if oid in entering and (found := look_at(head, sizes[oid])):
            looks[oid] = found
    files = {path: FileAt(item.mode, raw.get(item.oid, b""), item.oid, item.conflicted) for path, item in own.items()}
    seen = [(path, looks[entry.oid], entry.mode == SYMLINK) for path, entry in others.items() if entry.oid in looks]
    return files, tuple(BlobFacts(path, look.size, look.kind) for path, look, link in seen if look.counts(link=link))


def _has_blob(entry: Entry) -> bool:
    return entry.mode != GITLINK and not entry.conflicted


# Files that are none of ours.


def enters(index: Index, path: str, tracked: Collection[str]) -> bool:
    """Whether Git would have a file at `path` whose content is new to it, and which is none of ours."""
    entry = index.entries.get(path)
    if entry is None or entry.conflicted or entry.oid in index.known or entry.mode == GITLINK:
        return False
    return not is_ours(path, tracked) and not _holder(index, path)


class Look(NamedTuple):
    """What the first bytes of a blob tell."""

    size: int
    kind: str
    """As in `BlobFacts`."""
    may_link: bool
    """Whether it may be where a symlink leads, and is no file that passes for one."""

    def counts(self, *, link: bool) -> bool:
        """Whether it is to be judged where it stands, with the mode of a symlink or another one."""
        return not (link and self.may_link)


def look_at(head: bytes, size: int) -> Look | None:
    """Return what a blob of `size` bytes is that begins with `head`; None for a pointer of git-lfs."""
    if magic.is_lfs_pointer(head, size):
        return None
    kind = magic.kind_of(head, size)
    return Look(size, kind, size <= _LINK and b"\0" not in head and not kind)


def is_ours(path: str, tracked: Collection[str]) -> bool:
    """Whether a file is a pointer, or the report of one of the `tracked` paths."""
    return is_pointer(path) or (path.endswith(REPORT) and stem(path) in tracked)
