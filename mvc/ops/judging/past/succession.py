"""Which model of the target branch, or of its history, each changed model succeeds."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TypeAlias

from mvc.objects.names import fold
from mvc.objects.pointer import SUFFIX
from mvc.ops.judging.blobs import Blobs
from mvc.ops.judging.trees import BlobPair, Trees, pointers_of
from mvc.quality.files import REGULAR, SIGNATURES
from mvc.quality.files import SUFFIX as REPORT
from mvc.quality.judge.lineage import HistoryRename, Lineage, PathState, TreeModel, find_lineages
from mvc.quality.pointer_files import is_pointer, stem
from mvc.scm.commits import tree_of
from mvc.scm.history import CommitChanges, Rename, first_parent_history, renames, renames_in
from mvc.scm.index_changes import Entry
from mvc.scm.merging.landing import Merge

PATTERNS = (f"*{SUFFIX}", f"*{REPORT}")

_Models: TypeAlias = Mapping[str, TreeModel]
"""The models of a tree by tracked path."""


def read_lineages(trees: Trees, affected: Collection[str], asked: Collection[str]) -> dict[str, Lineage]:
    """Return what each of the `asked` paths succeeds; the pointers of the `affected` paths are loaded.

    The history is read only when there is an asked path.
    """
    if not asked:
        return {}
    base = _models(pointers_of(trees.base), affected, trees.blobs)
    judged = _models(pointers_of(trees.judged.entries), affected, trees.blobs)
    patterns = (*PATTERNS, *(trees.view.patterns if trees.view else ()))
    commits = first_parent_history(trees.merge.git, trees.merge.base, *patterns)
    if trees.view:
        commits = trees.view.history(commits)
    history = _histories(commits)
    namesakes = _namesakes(trees.blobs, history, {fold(judged[path].name) for path in asked} - {""})
    ended = {path for path, states in history.items() if not states[0].pointer}
    wanted = {*asked, *namesakes, *ended, *base.keys() - judged.keys()} & history.keys()
    trees.blobs.load(state.pointer for path in wanted for state in history[path])
    known = {
        path: [state._replace(**trees.blobs.identity(state.pointer)._asdict()) for state in history[path]]
        for path in wanted
    }
    moves = _moves(trees.merge, commits) if ended else []
    return find_lineages(base.values(), judged.values(), asked, _renames(trees.merge, base, judged), known, moves)


def _models(pointers: Mapping[str, Entry], affected: Collection[str], blobs: Blobs) -> dict[str, TreeModel]:
    """Return the models of a tree; only `affected` ones with a blake3."""
    return {
        path: TreeModel(path, *(blobs.identity(entry.oid) if path in affected else (blobs.name(entry.oid),)))
        for path, entry in pointers.items()
    }


# Renames.


def _renames(merge: Merge, base: _Models, judged: _Models) -> list[tuple[str, str]]:
    """Return the tracked paths that Git sees renamed: by their pointers first, then by their reports."""
    if base.keys() <= judged.keys() or judged.keys() <= base.keys():
        return []
    old = tree_of(merge.git, merge.base)
    found = (rename for pattern in PATTERNS for rename in renames(merge.git, old, merge.tree, pattern))
    return [(stem(rename.old), stem(rename.new)) for rename in found if _is_of_models(rename)]


def _moves(merge: Merge, commits: Iterable[CommitChanges]) -> list[HistoryRename]:
    """Return the renames in the history. Where pointer and report disagree, the pointer, which comes last, counts."""
    ages = {item.commit: age for age, item in enumerate(commits) if _replaces_pointer(item)}
    found = (rename for pattern in reversed(PATTERNS) for rename in renames_in(merge.git, ages, pattern))
    return [
        HistoryRename(ages[item.commit], stem(item.old), stem(item.new)) for item in found if _is_of_models(item)
    ]


def _is_of_models(rename: Rename) -> bool:
    return bool(stem(rename.old) and stem(rename.new))


def _replaces_pointer(item: CommitChanges) -> bool:
    """Whether a commit deletes a pointer, and adds another."""
    pointers = [change for change in item.changes if is_pointer(change.path)]
    added = any(not change.old_mode.strip("0") for change in pointers)
    return added and any(not change.mode.strip("0") for change in pointers)


# History.


def _histories(commits: list[CommitChanges]) -> dict[str, list[PathState]]:
    """Return the states of each path that ever had a pointer, newest first."""
    current: dict[str, BlobPair] = {}
    found: dict[str, list[PathState]] = {}
    for age in range(len(commits) - 1, -1, -1):
        for path in _apply(commits[age], current):
            found.setdefault(path, []).append(PathState(age, commits[age].commit, *current[path]))
    return {path: states[::-1] for path, states in found.items() if any(state.pointer for state in states)}


def _namesakes(blobs: Blobs, history: Mapping[str, Iterable[PathState]], names: Collection[str]) -> set[str]:
    """Return the paths whose pointer ever had one of the names."""
    if not names:
        return set()
    pointers = [(path, state.pointer) for path, states in history.items() for state in states if state.pointer]
    blobs.load_names(Entry(REGULAR[0], oid) for _, oid in pointers)
    return {path for path, oid in pointers if fold(blobs.name(oid)) in names}


def _apply(item: CommitChanges, current: dict[str, BlobPair]) -> set[str]:
    """Apply the changes of a commit to `current`; return the changed tracked paths."""
    changed = set()
    for change in item.changes:
        path = stem(change.path)
        if path and not change.path.endswith(SIGNATURES):
            oid = change.oid if change.mode in REGULAR else ""
            pair = current.get(path, BlobPair())
            current[path] = pair._replace(pointer=oid) if is_pointer(change.path) else pair._replace(report=oid)
            changed.add(path)
    return changed
