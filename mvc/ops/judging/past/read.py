"""The past of each model that a change touches, gathered from history, Git tags and merged branches."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from mvc.ops.judging.past.merged_branches import merged_branch_reports
from mvc.ops.judging.past.registered import registered_versions
from mvc.ops.judging.past.succession import read_lineages
from mvc.ops.judging.trees import Trees, pointers_of
from mvc.quality.files import SUFFIX as REPORT
from mvc.quality.judge.facts import ModelVersion, Past
from mvc.quality.judge.lineage import Lineage, PastState


class Pasts(NamedTuple):
    """The models before a change."""

    by_path: dict[str, Past]
    """For each changed model that is still tracked, and each deleted one without a successor."""
    names: dict[str, str]
    """For each tracked path of the judged tree, the name in its pointer."""
    gone: tuple[ModelVersion, ...]
    """The models of the target branch whose path is no longer tracked."""


def read_past(trees: Trees, changed: Collection[str]) -> Pasts:
    """Return the past of the tracked paths that changed.

    Raises:
        MvcError: Git cannot read it, or this clone lacks some of it.
    """
    base, judged, blobs = pointers_of(trees.base), pointers_of(trees.judged.entries), trees.blobs
    gone = base.keys() - judged.keys()
    affected = gone.union(changed)
    blobs.load_files(side[path] for side in (base, judged) for path in affected & side.keys())
    blobs.load_files(entry for path in affected if (entry := trees.base.get(path + REPORT)))
    blobs.load_names(entry for side in (base, judged) for entry in side.values())
    lineages = read_lineages(trees, affected, sorted(judged.keys() & set(changed)))
    blobs.load(past.state.report for lineage in lineages.values() for past in (*lineage.past, *lineage.named))
    pasts = {path: _past(trees, lineage) for path, lineage in lineages.items()}
    for path, versions in registered_versions(trees, pasts).items():
        pasts[path] = pasts[path]._replace(registered=versions)
    for path, versions in merged_branch_reports(trees, pasts).items():
        pasts[path] = pasts[path]._replace(merged_branch_reports=versions)
    for path in gone - {past.before.path for past in pasts.values() if past.before}:
        version = trees.base_version(path)
        pasts[path] = Past(version, "path", (version,))
    names = {path: blobs.name(entry.oid) for path, entry in judged.items()}
    return Pasts(pasts, names, tuple(map(trees.base_version, sorted(gone))))


def _past(trees: Trees, lineage: Lineage) -> Past:
    versions, named = (tuple(_version(trees, item) for item in items) for items in (lineage.past, lineage.named))
    before = trees.base_version(lineage.before) if lineage.before else None
    if lineage.found == "history":
        before = versions[0]
    return Past(before, lineage.found, versions, named=named, takes_name=lineage.takes_name)


def _version(trees: Trees, past: PastState) -> ModelVersion:
    pointer, report = (trees.blobs.regular(oid) for oid in past.state.pair)
    return ModelVersion(past.path, pointer, report, past.state.commit)
