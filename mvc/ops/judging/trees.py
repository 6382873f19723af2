"""The two trees that the gate compares: the target branch's, and the one that a merge would land."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from mvc.objects.names import fold
from mvc.objects.pointer import SUFFIX
from mvc.ops.judging.blobs import Blobs
from mvc.quality.files import POLICY, REGULAR, FileAt
from mvc.quality.files import SUFFIX as REPORT
from mvc.quality.judge.facts import ModelVersion, Past
from mvc.quality.pointer_files import is_pointer
from mvc.quality.policy.parsed_policy import read_policy
from mvc.scm.commits import tree_of
from mvc.scm.index_changes import Entry, Index
from mvc.scm.merging.landing import Merge, as_index, differing, list_tree
from mvc.scm.plumbing import Git

if TYPE_CHECKING:
    from mvc.ops.shared.other_pointers.view import PointerView


class Trees(NamedTuple):
    """Both trees, and the blobs read from them."""

    merge: Merge
    base: Mapping[str, Entry]
    """The files of the target branch, whose policy applies; the judged tree itself if a whole tree is judged."""
    judged: Index
    """The tree that would land, as an index."""
    blobs: Blobs
    view: PointerView | None = None
    """How pointers of DVC and git-lfs are seen; None if the policy has only those of mvc judged."""

    @property
    def is_one_tree(self) -> bool:
        """Whether a whole tree is judged, without a target branch."""
        return self.merge.base == self.merge.head

    def base_file(self, path: str) -> FileAt | None:
        """Return a loaded file of the target branch."""
        return self.blobs.file(self.base.get(path))

    def base_version(self, path: str) -> ModelVersion:
        """Return the loaded pointer and report that the target branch has for a tracked path."""
        return ModelVersion(path, self.base_file(path + SUFFIX), self.base_file(path + REPORT), self.merge.base)


def read_trees(merge: Merge) -> Trees:
    """Return both trees of a merge."""
    base = list_tree(merge.git, tree_of(merge.git, merge.base))
    entries = list_tree(merge.git, merge.tree)
    blobs = Blobs(merge.git)
    view = _view(merge.git, blobs, base.get(POLICY) or entries.get(POLICY))
    if view:
        base, entries = view.tree(base), view.tree(entries)
    return Trees(merge, base, as_index(entries, differing(base, entries)), blobs, view)


def read_one_tree(merge: Merge) -> Trees:
    """Return the tree of head, judged as a whole."""
    entries = list_tree(merge.git, merge.tree)
    blobs = Blobs(merge.git)
    view = _view(merge.git, blobs, entries.get(POLICY))
    entries = view.tree(entries) if view else entries
    return Trees(merge, entries, as_index(entries, differing({}, entries)), blobs, view)


def _view(git: Git, blobs: Blobs, policy: Entry | None) -> PointerView | None:
    blobs.load_files([policy] if policy else [])
    found = read_policy(blobs.file(policy)).policy
    if not found.has_other_pointers:
        return None
    from mvc.ops.shared.other_pointers.view import PointerView  # noqa: PLC0415 - import time

    return PointerView(git, found.pointers)


def pointers_of(entries: Mapping[str, Entry]) -> dict[str, Entry]:
    """Return the pointers of a tree by tracked path."""
    return {path.removesuffix(SUFFIX): entry for path, entry in entries.items() if is_pointer(path)}


class BlobPair(NamedTuple):
    """The blobs of a model's pointer and report in some commit; empty where it has none."""

    pointer: str = ""
    report: str = ""

    @classmethod
    def of(cls, entries: Mapping[str, Entry], path: str) -> BlobPair:
        """Return the regular files that a tree has for a tracked path."""
        files = (entries.get(path + suffix) for suffix in (SUFFIX, REPORT))
        return cls(*(entry.oid if entry and entry.mode in REGULAR else "" for entry in files))


def names_of(trees: Trees, path: str, past: Past) -> set[str]:
    """Return the names in the pointers of a model, in lower case."""
    pointers = trees.judged.entries.get(path + SUFFIX), past.before and past.before.pointer
    return {fold(trees.blobs.identity(pointer.oid).name) for pointer in pointers if pointer} - {""}


def paths_of(path: str, past: Past) -> tuple[str, ...]:
    """Return the current and former paths of a model."""
    return tuple(dict.fromkeys([path, *(version.path for version in past.versions)]))

