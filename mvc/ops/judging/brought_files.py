"""Files that a commit of a pull request adds to Git itself, even if a later commit deletes them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from mvc.objects.pointer import SUFFIX
from mvc.ops.judging.touched_models import HEAD, is_ours, look_at
from mvc.quality.files import SUBMODULE, SYMLINK
from mvc.quality.judge.facts import BlobFacts
from mvc.quality.pointer_files import is_pointer
from mvc.scm.blobs import blob_sizes, first_bytes
from mvc.scm.history import CommitChanges, commits_between, earlier_files, new_objects
from mvc.scm.index_changes import Index
from mvc.scm.merging.landing import Merge


class _BlobAt(NamedTuple):
    """A blob, and its path in a commit."""

    path: str
    oid: str
    symlink: bool = False
    """Whether its mode there is a symlink's."""


def brought_blobs(merge: Merge, index: Index, limit: int) -> Iterator[BlobFacts]:
    """Yield the files that only commits between base and head add, each with the first such commit.

    Files that the judged tree, `index`, has at the same path are left out: they are judged there. For those of more
    than `limit` bytes the history is asked.

    Raises:
        MvcError: this clone lacks one.
    """
    objects = new_objects(merge.git, merge.base, merge.head)
    if not objects:
        return
    sizes = blob_sizes(merge.git, objects)
    commits = commits_between(merge.git, merge.base, merge.head)
    found = _added(commits) | _unseen(merge, commits, index, {oid: objects[oid] for oid in sizes})
    new = {
        blob: commit for blob, commit in found.items()
        if blob.oid in sizes and (blob.path not in index.entries or index.entries[blob.path].oid != blob.oid)
    }
    paths = {*index.entries, *(change.path for item in commits for change in item.changes)}
    tracked = {path.removesuffix(SUFFIX) for path in paths if is_pointer(path)}
    large = {blob.path for blob in new if sizes[blob.oid] > limit}
    earlier = earlier_files(merge.git, merge.base, large) if large else set()
    for blob, facts in _facts(merge, new, sizes, tracked):
        yield facts._replace(restored=(blob.path, blob.oid) in earlier)


def _added(commits: Iterable[CommitChanges]) -> dict[_BlobAt, str]:
    """Return the blobs that commits add, each with the oldest of these commits; the newest comes first."""
    return {
        _BlobAt(change.path, change.oid, change.mode == SYMLINK): item.commit
        for item in commits for change in item.changes if change.mode != SUBMODULE
    }


def _unseen(
    merge: Merge, commits: Iterable[CommitChanges], index: Index, blobs: Mapping[str, str],
) -> dict[_BlobAt, str]:
    """Return blobs that no comparison of commits shows, as in a tree that has a name twice."""
    seen = {change.oid for item in commits for change in item.changes}
    seen |= {entry.oid for entry in index.entries.values()}
    return {_BlobAt(path, oid): merge.head for oid, path in blobs.items() if oid not in seen}


def _facts(
    merge: Merge, new: Mapping[_BlobAt, str], sizes: Mapping[str, int], tracked: set[str],
) -> Iterator[tuple[_BlobAt, BlobFacts]]:
    wanted = {oid: sizes[oid] for oid in sorted({blob.oid for blob in new})}
    looks = {oid: look_at(head, wanted[oid]) for oid, head in first_bytes(merge.git, wanted, HEAD)}
    for blob, commit in new.items():
        look = looks[blob.oid]
        if look is None or not look.counts(symlink=blob.symlink):
            continue
        if look.kind or look.size >= HEAD or not is_ours(blob.path, tracked):
            yield blob, BlobFacts(blob.path, look.size, look.kind, commit)
