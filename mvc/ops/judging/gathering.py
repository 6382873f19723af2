"""What the gate judges: what merging head into base would land, and what was before. Read from Git alone."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

from mvc.objects.pointer import SUFFIX
from mvc.ops.judging.blobs import Blobs
from mvc.ops.judging.brought_files import brought_blobs
from mvc.ops.judging.cached_content import with_files
from mvc.ops.judging.past import Models, Trees, read_past
from mvc.ops.judging.pickle_scans import with_scans
from mvc.ops.judging.touched_models import enters, is_left, is_model, is_pointer, read_files, touched
from mvc.ops.shared.ssh_signatures import signers_of
from mvc.project import Project
from mvc.quality.files import POLICY, REVOKED, SIGNATURES, SIGNERS, WAIVERS, FileAt
from mvc.quality.files import SUFFIX as REPORT
from mvc.quality.judge.facts import (
    BlobFacts,
    BroughtFile,
    Facts,
    Landing,
    ModelFacts,
    Past,
    PolicyFileChange,
    Signer,
    TrackedName,
)
from mvc.quality.judge.rules.policy_files import is_policy_file, judging_policy
from mvc.quality.policy.parsed_policy import read_policy
from mvc.quality.reports.signers import CHANGES, REPORTS, change_text
from mvc.scm.commits import tree_of
from mvc.scm.index import IndexPaths
from mvc.scm.index_changes import Entry, Index
from mvc.scm.landing import Merge, as_index, check_trees, differing, list_tree, merging
from mvc.scm.plumbing import Git

_GUARDS = (POLICY, SIGNERS, REVOKED, WAIVERS)
_OF_A_MODEL = (SUFFIX, REPORT, REPORT + SIGNATURES)


def gate_facts(project: Project, git: Git, base: str, head: str, now: float) -> Facts:
    """Return what merging the commit `head` into `base` would land; `now`, in seconds, is when signatures must hold.

    Raises:
        MvcError: it cannot be told: no common history, a conflict, an object that this clone lacks.

    """
    with merging(git, base, head) as merge:
        change = _change(project, merge, now)
        changed = _changed(change)
        past = read_past(merge, Trees(change.base, change.tree.entries), change.blobs, changed)
        facts = _facts(change, {*changed, *past.pasts}, past)
        return facts._replace(blobs=(*facts.blobs, *brought_blobs(merge, change.tree)))


def tree_facts(project: Project, git: Git, head: str, now: float) -> Facts:
    """Return all that the commit `head` has, to be judged by its own policy, without a past.

    Raises:
        MvcError: this clone lacks some of it.

    """
    merge = Merge(git, head, head, tree_of(git, head))
    check_trees(git, merge.tree)
    entries = list_tree(git, merge.tree)
    change = _Change(project, merge, now, as_index(entries, differing({}, entries)), entries, Blobs(merge))
    tracked = {path.removesuffix(SUFFIX): entry for path, entry in entries.items() if is_pointer(path)}
    change.blobs.load_names(tracked.values())
    names = {path: change.blobs.name(entry.oid) for path, entry in tracked.items()}
    return _facts(change, _changed(change), Models({}, names, ()))


class _Change(NamedTuple):
    """A change, in the terms of an index that is about to be committed."""

    project: Project
    merge: Merge
    now: float
    tree: Index
    base: Mapping[str, Entry]
    """What says how it is judged: the target branch's tree."""
    blobs: Blobs

    def guard(self, path: str) -> FileAt | None:
        """Return what base has at `path`, one of `_GUARDS`."""
        return self.blobs.file(self.base.get(path))


def _change(project: Project, merge: Merge, now: float) -> _Change:
    base = list_tree(merge.git, tree_of(merge.git, merge.base))
    entries = list_tree(merge.git, merge.tree)
    return _Change(project, merge, now, as_index(entries, differing(base, entries)), base, Blobs(merge))


def _changed(change: _Change) -> set[str]:
    return {path for path in touched(change.tree) if is_model(change.tree, path)}


def _facts(change: _Change, paths: Collection[str], past: Models) -> Facts:
    change.blobs.load_files(entry for path in _guarding(change) if (entry := change.base.get(path)))
    files, blobs = _read(change, paths, past.names)
    entries = change.tree.entries
    policy = change.guard(POLICY) or files.get(POLICY)
    landing = Landing(
        own_policy=policy is not None and change.guard(POLICY) is None,
        waivers=change.guard(WAIVERS), signers=change.guard(SIGNERS), revoked=change.guard(REVOKED),
        policy_files=tuple(_guarded(change, files)),
        tracked=tuple(TrackedName(path, name) for path, name in sorted(past.names.items())),
        files=tuple(BroughtFile(path, entries[path].mode) for path in change.tree.changes if path in entries),
        gone=past.gone,
    )
    judging = judging_policy(read_policy(policy), landing)
    models = with_files(change.project, judging.policy, _models(change, sorted(paths), files, past.pasts))
    return Facts(judging, with_scans(change.project, judging.policy, models), blobs, landing)


def _read(
    change: _Change, paths: Iterable[str], tracked: Collection[str],
) -> tuple[dict[str, FileAt], tuple[BlobFacts, ...]]:
    """Return our own files of the judged tree, as far as they matter, and what enters Git as it is."""
    ours = {path + suffix for path in paths for suffix in _OF_A_MODEL}
    guards = {path + suffix for path in _guarding(change) for suffix in ("", SIGNATURES)}
    foreign = [path for path in change.tree.changes if enters(change.tree, path, tracked)]
    return read_files(change.merge.git, change.tree, ours | guards, foreign)


# Models.


def _models(
    change: _Change, paths: Iterable[str], files: Mapping[str, FileAt], pasts: Mapping[str, Past],
) -> Iterator[ModelFacts]:
    """Yield the models; of those that are gone the ones that nothing succeeds, or of which something is left."""
    inside = IndexPaths(sorted(change.tree.entries))
    whole = change.merge.base == change.merge.head
    for path in paths:
        pointer, report = files.get(path + SUFFIX), files.get(path + REPORT)
        model = ModelFacts(path, pointer, report, None, bool(inside.at_or_below(path)))
        if path in pasts or is_left(change.tree, model):
            past = None if whole else pasts.get(path, Past())
            yield model._replace(signers=_signers(change, report, files.get(path + REPORT + SIGNATURES)), past=past)


def _signers(change: _Change, report: FileAt | None, signatures: FileAt | None) -> tuple[Signer, ...]:
    return () if report is None else _signed(change, report.raw, signatures, REPORTS)


def _signed(change: _Change, text: bytes, signatures: FileAt | None, namespace: str) -> tuple[Signer, ...]:
    """Return who signed `text`, as far as base knows them."""
    if signatures is None:
        return ()
    allowed, revoked = (file and file.raw for file in map(change.guard, (SIGNERS, REVOKED)))
    return signers_of(text, signatures.raw, allowed, revoked, namespace, change.now)


# What guards them.


def _guarding(change: _Change) -> set[str]:
    """Return the files that say how a change is judged: those of base, and those that the change touches."""
    return {*_GUARDS, *filter(is_policy_file, change.tree.changes)}


def _guarded(change: _Change, files: Mapping[str, FileAt]) -> Iterator[PolicyFileChange]:
    for path in sorted(filter(is_policy_file, change.tree.changes)):
        old, new = change.guard(path), files.get(path)
        if old != new:
            text = change_text(path, old and old.raw, new and new.raw)
            signers = _signed(change, text, files.get(path + SIGNATURES), CHANGES)
            yield PolicyFileChange(path, old, new, signers, change.merge.base)
