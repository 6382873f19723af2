"""The models that a change touches, and the first bytes of its files, for both hook and gate."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

from mvc.modelfiles.magic import is_lfs_pointer
from mvc.modelfiles.raw import raw_kind
from mvc.objects.pointer import MAX_BYTES as MAX_POINTER
from mvc.objects.pointer import SUFFIX
from mvc.quality.files import MAX_BYTES as MAX_FILE
from mvc.quality.files import SUBMODULE, SYMLINK, FileAt
from mvc.quality.files import SUFFIX as REPORT
from mvc.quality.judge.facts import BlobFacts, ModelFacts
from mvc.quality.pointer_files import is_other, is_pointer, raw_of, stem
from mvc.scm.blobs import blob_sizes, first_bytes
from mvc.scm.commits import find_commit
from mvc.scm.index import IndexPaths
from mvc.scm.index_changes import Index
from mvc.scm.plumbing import Git, missing_object
from mvc.workspace.ignore import MAX_BYTES as MAX_RULES
from mvc.workspace.ignore import Exclusion, Read

HEAD = max(MAX_POINTER, MAX_FILE) + 1
"""Bytes to read of a file: more than a valid pointer or report has."""
_LONGEST_TARGET = 4096
"""Bytes of a symlink's target: no system follows a longer one."""
_REPORT_KEY = b"mvc-eval"


# The models.


class ContentInGit:
    """Which files of Git are content of a tracked path; not those that the `.mvcignore` files exclude."""

    def __init__(self, index: Index, read: Read) -> None:
        self._index, self._read = index, read
        self._exclusions: dict[str, Exclusion] = {}
        self._paths: IndexPaths | None = None

    def holder(self, path: str) -> str:
        """Return the tracked path that has the file `path`: itself, or a directory above; empty when there is none."""
        above = path
        while above and above + SUFFIX not in self._index.entries:
            above = above.rpartition("/")[0]
        return "" if not above or self._is_excluded(above, path) else above

    def is_at(self, path: str) -> bool:
        """Whether Git has content of the tracked `path`."""
        self._paths = self._paths or IndexPaths(sorted(self._index.entries))
        return any(not self._is_excluded(path, file) for file in self._paths.at_or_below(path))

    def _is_excluded(self, top: str, path: str) -> bool:
        if top not in self._exclusions:
            self._exclusions[top] = Exclusion(self._read, top)
        return self._exclusions[top].covers(path)


def content_in_git(git: Git, index: Index) -> ContentInGit:
    """Return what knows the content in an index by the `.mvcignore` files in it."""

    def read(path: str) -> bytes | None:
        entry = index.entries.get(path)
        if entry is None or entry.conflicted or entry.mode in (SUBMODULE, SYMLINK):
            return None
        sizes = blob_sizes(git, [entry.oid])
        if not sizes:
            raise missing_object(git, entry.oid)
        return next((head for _, head in first_bytes(git, sizes, MAX_RULES)), b"")

    return ContentInGit(index, read)


def touched_models(index: Index, content: ContentInGit) -> set[str]:
    """Return the tracked paths whose pointer, report, signatures or content changed."""
    found = set()
    for path in index.changes:
        if model := stem(path) or (content.holder(path) if path in index.entries else ""):
            found.add(model)
    return {path for path in found if _is_model(index, path)}


def _is_model(index: Index, path: str) -> bool:
    """Whether a model is or was at `path`; a deleted `X.eval.yaml` without a pointer may be another program's."""
    pointer = path + SUFFIX
    return pointer in index.entries or pointer in index.changes or path + REPORT in index.entries


def is_left(index: Index, model: ModelFacts) -> bool:
    """Whether the index still has a pointer or report of the model."""
    if model.pointer is None and model.report is not None and model.path + SUFFIX not in index.changes:
        return model.report.conflicted or _REPORT_KEY in model.report.raw
    return model.pointer is not None or model.report is not None


# Their files.


class FilesRead(NamedTuple):
    """Files of the judged tree."""

    ours: dict[str, FileAt]
    """Pointers, reports and policy files that are there, by path."""
    blobs: tuple[BlobFacts, ...]
    """Facts from the first bytes of other files."""
    lfs: frozenset[str] = frozenset()
    """The other files that are pointers of git-lfs."""


def read_files(git: Git, index: Index, ours: Iterable[str], foreign: Iterable[str]) -> FilesRead:
    """Read the files of mvc that the index has, and the first bytes of others.

    Raises:
        MvcError: Git cannot read one.
    """
    own = {path: entry for path in ours if (entry := index.entries.get(path)) is not None}
    others = {path: index.entries[path] for path in foreign}
    whole = {
        entry.oid for entry in own.values()
        if entry.mode != SUBMODULE and not entry.conflicted and not is_other(entry.oid)
    }
    entering = {entry.oid for entry in others.values()}
    sizes = blob_sizes(git, sorted(whole | entering))
    for lost in (whole | entering) - sizes.keys():
        raise missing_object(git, lost)
    moved = index.moved_from()
    content = {entry.oid: raw_of(entry.oid) for entry in own.values() if is_other(entry.oid)}
    looks: dict[str, Look] = {}
    for oid, head in first_bytes(git, sizes, HEAD):
        if oid in whole:
            content[oid] = head
        if oid in entering and (look := look_at(head, sizes[oid])):
            looks[oid] = look
    return FilesRead(
        {path: FileAt(item.mode, content.get(item.oid, b""), item.oid, item.conflicted) for path, item in own.items()},
        tuple(
            BlobFacts(path, look.size, look.kind, moved_from=tuple(moved.get(entry.oid, ())))
            for path, entry in others.items()
            if (look := looks.get(entry.oid)) and look.counts(symlink=entry.mode == SYMLINK)
        ),
        frozenset(path for path, entry in others.items() if entry.oid not in looks),
    )


# Other files.


def with_restored(git: Git, tip: str, index: Index, blobs: tuple[BlobFacts, ...], limit: int) -> tuple[BlobFacts, ...]:
    """Mark the files of more than `limit` bytes that `tip` or its first-parent history has had as they are.

    Raises:
        MvcError: Git cannot read the history.
    """
    large = {blob.path: index.entries[blob.path].oid for blob in blobs if blob.size > limit}
    if not large or not find_commit(git, tip):
        return blobs
    from mvc.scm.history import earlier_files  # noqa: PLC0415 - import time: few commits have large files

    had = earlier_files(git, tip, large)
    return tuple(blob._replace(restored=(blob.path, large.get(blob.path)) in had) for blob in blobs)


def enters(index: Index, path: str, tracked: Collection[str], content: ContentInGit) -> bool:
    """Whether `path` gets content in Git that is not a file of mvc. Git may have that at another path."""
    entry = index.entries.get(path)
    if entry is None or entry.conflicted or entry.mode == SUBMODULE or not index.brings(path):
        return False
    return not is_ours(path, tracked) and not content.holder(path)


class Look(NamedTuple):
    """Facts from the first bytes of a blob."""

    size: int
    kind: str
    """As in `BlobFacts`."""
    may_be_target: bool
    """Whether it may be the target of a symlink, and not a model with a symlink's mode."""

    def counts(self, *, symlink: bool) -> bool:
        """Whether the blob is judged in an entry, which may have a symlink's mode."""
        return not (symlink and self.may_be_target)


def look_at(head: bytes, size: int) -> Look | None:
    """Return the facts about a blob of `size` bytes with the first bytes `head`; None for a git-lfs pointer."""
    if is_lfs_pointer(head, size):
        return None
    kind = raw_kind(head, size)
    return Look(size, kind, size <= _LONGEST_TARGET and b"\0" not in head and not kind)


def is_ours(path: str, tracked: Collection[str]) -> bool:
    """Whether a file is a pointer, or the report of one of the `tracked` paths."""
    return is_pointer(path) or (path.endswith(REPORT) and stem(path) in tracked)
