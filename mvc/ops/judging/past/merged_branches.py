"""The reports of each model on branches that were merged into the target branch."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

from mvc.objects.names import fold
from mvc.ops.judging.past.succession import PATTERNS
from mvc.ops.judging.trees import Trees, names_of, paths_of
from mvc.quality.files import REGULAR, SIGNATURES
from mvc.quality.judge.facts import ModelVersion, Past
from mvc.quality.pointer_files import is_pointer, stem
from mvc.scm.history import CommitChanges, merged_branches
from mvc.scm.index_changes import Entry


class _Added(NamedTuple):
    """The blobs that commits added at a tracked path, each with the oldest of these commits."""

    pointers: dict[str, str]
    reports: dict[str, str]


class _ReportsAt(NamedTuple):
    """Reports at a path; only those that contain `blake3`."""

    path: str
    blake3: str = ""


def merged_branch_reports(trees: Trees, pasts: Mapping[str, Past]) -> dict[str, tuple[ModelVersion, ...]]:
    """Return by tracked path the reports on merged branches with the model's paths or name."""
    added = _added(merged_branches(trees.merge.git, trees.merge.base, *PATTERNS)) if pasts else {}
    if not added:
        return {}
    names = {path: names_of(trees, path, past) for path, past in pasts.items()}
    named = _by_name(trees, added, set().union(*names.values()))
    wanted = {
        path: [*map(_ReportsAt, paths_of(path, past)), *(at for name in names[path] for at in named[name])]
        for path, past in pasts.items()
    }
    used = {at.path for items in wanted.values() for at in items} & added.keys()
    trees.blobs.load(oid for path in used for oid in added[path].reports)
    return {path: tuple(_versions(trees, added, items)) for path, items in wanted.items()}


def _added(commits: Iterable[CommitChanges]) -> dict[str, _Added]:
    """Return the added blobs by tracked path; the newest commit comes first."""
    found: dict[str, _Added] = {}
    for commit, changes in commits:
        for change in changes:
            path = stem(change.path)
            if path and change.mode in REGULAR and not change.path.endswith(SIGNATURES):
                pair = found.setdefault(path, _Added({}, {}))
                (pair.pointers if is_pointer(change.path) else pair.reports)[change.oid] = commit
    return found


def _by_name(trees: Trees, added: Mapping[str, _Added], names: Collection[str]) -> dict[str, list[_ReportsAt]]:
    """Return for each name the paths of pointers with that name, and their blake3."""
    found: dict[str, list[_ReportsAt]] = {name: [] for name in names}
    pointers = [(path, oid) for path, blobs in added.items() for oid in blobs.pointers] if names else []
    trees.blobs.load_names(Entry(REGULAR[0], oid) for _, oid in pointers)
    named = [(path, oid) for path, oid in pointers if fold(trees.blobs.name(oid)) in names]
    trees.blobs.load(oid for _, oid in named)
    for path, oid in named:
        name, blake3 = trees.blobs.identity(oid)
        found[fold(name)].append(_ReportsAt(path, blake3))
    return found


def _versions(trees: Trees, added: Mapping[str, _Added], wanted: Iterable[_ReportsAt]) -> Iterator[ModelVersion]:
    for path, blake3 in wanted:
        for oid, commit in added[path].reports.items() if path in added else ():
            report = trees.blobs.regular(oid)
            if report and blake3.encode() in report.raw:
                yield ModelVersion(path, None, report, commit)
