"""What the hook judges: the models and files that a commit would change, as the index has them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from mvc.errors import InvalidFormat
from mvc.objects.pointer import MAX_BYTES as MAX_POINTER
from mvc.objects.pointer import SUFFIX, parse
from mvc.ops.kept import is_kept, with_files
from mvc.project import FOLDER, Project
from mvc.quality import magic
from mvc.quality.facts import BlobFacts, Facts, FileAt, ModelFacts
from mvc.quality.files import MAX_BYTES as MAX_FILE
from mvc.quality.files import POLICY, SIGNATURES
from mvc.quality.files import SUFFIX as REPORT
from mvc.scm.index_changes import Entry, Index, heads, sizes
from mvc.scm.plumbing import IndexPaths

_GITLINK = "160000"
_SYMLINK = "120000"
_REPORT_KEY = b"mvc-eval"


class Staged(NamedTuple):
    """What the index brings."""

    facts: Facts
    """What the commit would change."""
    others: tuple[ModelFacts, ...] = ()
    """The models that it would not: judged besides when the policy changes."""


def index_facts(project: Project, index: Index) -> Staged | None:
    """Return what a commit of `index` would bring; None where nothing is mvc's, neither there nor in HEAD.

    Raises:
        MvcError: Git or the cache cannot be read.

    """
    if not any(path.startswith(f"{FOLDER}/") or _is_pointer(path) for path in (*index.entries, *index.changes)):
        return None
    changed = {path for path in _touched(index) if _is_model(index, path)}
    tracked = {path.removesuffix(SUFFIX) for path in index.entries if _is_pointer(path)}
    others = tracked - changed if POLICY in index.changes else set()
    ours = [POLICY, *(path + suffix for path in (*changed, *others) for suffix in (SUFFIX, REPORT))]
    foreign = [path for path in index.changes if _enters(index, path, tracked)]
    files, blobs = _read(project, index, ours, foreign)
    source = _Source(project, index, files, IndexPaths(sorted(index.entries)))
    policy = files.get(POLICY)
    models = (source.model(path) for path in sorted(changed))
    left = with_files(project, policy, (model for model in models if _is_left(index, model)))
    rest = with_files(project, policy, (source.model(path) for path in sorted(others)))
    return Staged(Facts(policy, left, blobs), rest)


# Which models.


def _is_pointer(path: str) -> bool:
    return path.endswith(SUFFIX) and not path.endswith(f"/{SUFFIX}") and path != SUFFIX


def _stem(path: str) -> str:
    """Return the tracked path that a pointer, a report or its signatures belong to; empty for any other file."""
    if _is_pointer(path):
        return path.removesuffix(SUFFIX)
    stem = path.removesuffix(SIGNATURES).removesuffix(REPORT)
    return stem if stem != path.removesuffix(SIGNATURES) and not stem.endswith("/") else ""


def _touched(index: Index) -> Iterator[str]:
    """Yield the tracked paths of which pointer, report, signatures or content changed."""
    for path in index.changes:
        if stem := _stem(path):
            yield stem
        elif path in index.entries and (holder := _holder(index, path)):
            yield holder


def _holder(index: Index, path: str) -> str:
    """Return the tracked path that is `path` or a directory above it; empty when none."""
    while path and path + SUFFIX not in index.entries:
        path = path.rpartition("/")[0]
    return path


def _is_model(index: Index, path: str) -> bool:
    """Whether a model is or was at `path`: a lone `X.eval.yaml` may be of another program."""
    pointer = path + SUFFIX
    return pointer in index.entries or pointer in index.changes or path + REPORT in index.entries


def _is_left(index: Index, model: ModelFacts) -> bool:
    """Whether something of the model is left."""
    if model.pointer is None and model.report is not None and model.path + SUFFIX not in index.changes:
        return model.report.conflicted or _REPORT_KEY in model.report.raw
    return model.pointer is not None or model.report is not None


# What they have.


def _read(
    project: Project, index: Index, ours: Iterable[str], foreign: Iterable[str],
) -> tuple[dict[str, FileAt], tuple[BlobFacts, ...]]:
    """Return our own files as far as the index has them, and of others what their first bytes tell."""
    own = {path: entry for path in ours if (entry := index.entries.get(path)) is not None}
    others = {path: index.entries[path].oid for path in foreign}
    whole = {entry.oid for entry in own.values() if _has_blob(entry)}
    entering = set(others.values())
    raw: dict[str, bytes] = {}
    told: dict[str, tuple[int, str]] = {}
    blobs = sizes(project.git, sorted(whole | entering))
    for blob, head in zip(blobs, heads(project.git, blobs, max(MAX_POINTER, MAX_FILE) + 1), strict=True):
        if blob.oid in whole:
            raw[blob.oid] = head
        if blob.oid in entering and not magic.is_lfs_pointer(head, blob.size):
            told[blob.oid] = blob.size, magic.kind_of(head, blob.size)
    files = {path: FileAt(item.mode, raw.get(item.oid, b""), item.oid, item.conflicted) for path, item in own.items()}
    return files, tuple(BlobFacts(path, *told[oid]) for path, oid in others.items() if oid in told)


def _has_blob(entry: Entry) -> bool:
    return entry.mode != _GITLINK and not entry.conflicted


class _Source(NamedTuple):
    """What the facts of a model are taken from."""

    project: Project
    staged: Index
    files: dict[str, FileAt]
    paths: IndexPaths

    def model(self, path: str) -> ModelFacts:
        """Return the facts of a tracked path. The cache is asked for what a pointer that is new here names."""
        pointer = self.files.get(path + SUFFIX)
        new = pointer is not None and pointer.oid not in self.staged.known
        kept = _kept(self.project, pointer) if pointer and new else None
        return ModelFacts(path, pointer, self.files.get(path + REPORT), kept, bool(self.paths.at_or_below(path)))


def _kept(project: Project, pointer: FileAt) -> bool | None:
    """Return whether the cache has all that a pointer needs; None for what is no pointer."""
    if pointer.conflicted or pointer.mode in (_GITLINK, _SYMLINK):
        return None
    try:
        return is_kept(project, parse(pointer.raw))
    except InvalidFormat:
        return None


# Files that are none of ours.


def _enters(index: Index, path: str, tracked: set[str]) -> bool:
    entry = index.entries.get(path)
    if entry is None or entry.conflicted or entry.oid in index.known or entry.mode in (_GITLINK, _SYMLINK):
        return False
    ours = _is_pointer(path) or (path.endswith(REPORT) and _stem(path) in tracked)
    return not ours and not _holder(index, path)
