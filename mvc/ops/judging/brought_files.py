"""Files that enter Git as they are in some commit of a pull request, be they gone again at its end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from mvc.objects.pointer import SUFFIX
from mvc.ops.judging.touched_models import GITLINK, HEAD, SYMLINK, is_ours, is_pointer, look_at
from mvc.quality.judge.facts import BlobFacts
from mvc.scm.blobs import blob_sizes, first_bytes
from mvc.scm.history import CommitChanges, commits_between, new_objects
from mvc.scm.index_changes import Index
from mvc.scm.landing import Merge


class _Place(NamedTuple):
    """Where a blob stands in a commit."""

    path: str
    oid: str
    link: bool = False
    """Whether its mode there is a symlink's."""


def brought_blobs(merge: Merge, index: Index) -> Iterator[BlobFacts]:
    """Yield the files that only commits between base and head bring, each with the first one that does.

    Not yielded is what the judged tree, `index`, has at the same path, for it is judged as such.

    Raises:
        MvcError: this clone lacks one.

    """
    objects = new_objects(merge.git, merge.base, merge.head)
    if not objects:
        return
    sized = blob_sizes(merge.git, objects)
    steps = commits_between(merge.git, merge.base, merge.head)
    found = _places(steps) | _overlooked(merge, steps, index, {oid: objects[oid] for oid in sized})
    new = {
        item: commit for item, commit in found.items()
        if item.oid in sized and (item.path not in index.entries or index.entries[item.path].oid != item.oid)
    }
    yield from _facts(merge, new, sized, _tracked(steps, index))


def _places(steps: Iterable[CommitChanges]) -> dict[_Place, str]:
    """Return where the commits put which file, each with the oldest that does: they come the newest first."""
    return {
        _Place(change.path, change.oid, change.mode == SYMLINK): step.commit
        for step in steps for change in step.changes if change.mode != GITLINK
    }


def _overlooked(
    merge: Merge, steps: Iterable[CommitChanges], index: Index, blobs: Mapping[str, str],
) -> dict[_Place, str]:
    """Return blobs that no comparison of commits shows, as in a tree that has a name twice."""
    seen = {change.oid for step in steps for change in step.changes}
    seen |= {entry.oid for entry in index.entries.values()}
    return {_Place(path, oid): merge.head for oid, path in blobs.items() if oid not in seen}


def _tracked(steps: Iterable[CommitChanges], index: Index) -> set[str]:
    """Return the tracked paths of the judged tree, and those that a commit has."""
    paths = {*index.entries, *(change.path for step in steps for change in step.changes)}
    return {path.removesuffix(SUFFIX) for path in paths if is_pointer(path)}


def _facts(
    merge: Merge, new: Mapping[_Place, str], sized: Mapping[str, int], tracked: set[str],
) -> Iterator[BlobFacts]:
    sizes = {oid: sized[oid] for oid in sorted({item.oid for item in new})}
    looks = {oid: look_at(head, sizes[oid]) for oid, head in first_bytes(merge.git, sizes, HEAD)}
    for item, commit in new.items():
        look = looks[item.oid]
        if look is None or not look.counts(link=item.link):
            continue
        if look.kind or look.size >= HEAD or not is_ours(item.path, tracked):
            yield BlobFacts(item.path, look.size, look.kind, commit)
