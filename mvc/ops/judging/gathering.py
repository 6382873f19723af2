"""The facts that the gate judges: the changes of a merge, and the past of its models. Read from Git alone."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import partial
from typing import NamedTuple

from mvc.objects.dvc.claims import claims_outputs, outputs
from mvc.objects.pointer import SUFFIX
from mvc.ops.judging.blobs import file_of_index
from mvc.ops.judging.brought_files import brought_blobs
from mvc.ops.judging.companions import of_change
from mvc.ops.judging.merges import with_merges
from mvc.ops.judging.past.read import Pasts, read_past
from mvc.ops.judging.touched_models import (
    ContentInGit,
    FilesRead,
    content_in_git,
    enters,
    is_left,
    read_files,
    touched_models,
    with_restored,
)
from mvc.ops.judging.trees import Trees, pointers_of, read_one_tree, read_trees
from mvc.ops.judging.workflows import included_workflows
from mvc.ops.shared.evidence.cached_content import with_files
from mvc.ops.shared.evidence.model_parts import with_parts
from mvc.ops.shared.evidence.pickle_scans import with_scans
from mvc.ops.shared.evidence.source_reports import with_sources
from mvc.ops.shared.evidence.ssh_signatures import signers_of
from mvc.project import Project
from mvc.quality.files import POLICY, REGULAR, REVOKED, SIGNATURES, SIGNERS, WAIVERS, FileAt
from mvc.quality.files import SUFFIX as REPORT
from mvc.quality.judge.facts import BroughtFile, Facts, Landing, ModelFacts, Past, PolicyFileChange, Signer, TrackedName
from mvc.quality.judge.rules.policy_files import POLICY_FILES, is_policy_file, judging_policy
from mvc.quality.pointer_files import is_other
from mvc.quality.policy.parsed_policy import read_policy
from mvc.quality.policy.policy import max_blob
from mvc.quality.reports.signers import CHANGES, REPORTS, change_text
from mvc.scm.commits import tree_of
from mvc.scm.index_changes import Entry
from mvc.scm.merging.landing import Merge, check_trees, merging, reading

_OF_A_MODEL = (SUFFIX, REPORT, REPORT + SIGNATURES)


def gate_facts(project: Project, base: str, head: str, now: float) -> Facts:
    """Return the facts about merging the commit `head` into `base`; signatures must be valid at `now`, in seconds.

    Raises:
        MvcError: no common history, a conflict, or an object that this clone lacks.
    """
    with merging(reading(project.around.environ, project.layout), base, head) as merge:
        trees = read_trees(merge)
        content = content_in_git(merge.git, trees.judged)
        changed = touched_models(trees.judged, content)
        pasts = read_past(trees, changed)
        facts = _facts(project, trees, changed | pasts.by_path.keys(), pasts, content, now)
        limit = max_blob(facts.policy.policy)
        blobs = with_restored(merge.git, base, trees.judged, facts.blobs, limit)
        return facts._replace(blobs=(*blobs, *brought_blobs(merge, trees.judged, limit)))


def tree_facts(project: Project, head: str, now: float) -> Facts:
    """Return the facts about the whole tree of `head`, judged by its own policy and without a past.

    Raises:
        MvcError: this clone lacks some of it.
    """
    git = reading(project.around.environ, project.layout)
    merge = Merge(git, head, head, tree_of(git, head))
    check_trees(git, merge.tree)
    trees = read_one_tree(merge)
    pointers = pointers_of(trees.base)
    trees.blobs.load_names(pointers.values())
    names = {path: trees.blobs.name(entry.oid) for path, entry in pointers.items()}
    content = content_in_git(git, trees.judged)
    return _facts(project, trees, touched_models(trees.judged, content), Pasts({}, names, ()), content, now)


def _facts(
    project: Project, trees: Trees, paths: Collection[str], pasts: Pasts, content: ContentInGit, now: float,
) -> Facts:
    changes = trees.judged.changes
    watched = {*filter(is_policy_file, changes), *included_workflows(trees)}
    policy_files = {*POLICY_FILES, *watched}
    trees.blobs.load_files(entry for path in policy_files if (entry := trees.base.get(path)))
    foreign = [path for path in changes if enters(trees.judged, path, pasts.names, content)]
    read = _read(trees, paths, policy_files, foreign)
    files = read.ours
    check = _SignatureCheck(trees.base_file(SIGNERS), trees.base_file(REVOKED), now)
    policy = trees.base_file(POLICY)
    landing = Landing(
        own_policy=policy is None and POLICY in files,
        waivers=trees.base_file(WAIVERS), signers=check.allowed, revoked=check.revoked,
        policy_files=tuple(_policy_file_changes(trees, sorted(watched), files, check)),
        tracked=tuple(TrackedName(path, name) for path, name in sorted(pasts.names.items())),
        files=tuple(_brought_files(trees, read.lfs, pasts.names)),
        gone=pasts.gone,
    )
    judging = judging_policy(read_policy(policy or files.get(POLICY)), landing)
    judged = _models(trees, sorted(paths), files, pasts.by_path, check)
    judged = (model._replace(in_git=content.is_at(model.path)) for model in judged)
    if not trees.is_one_tree:
        judged = with_merges(trees.merge.git, (trees.merge.base, trees.merge.head), judged, trees.merge.base)
    models = with_files(project, judging.policy, judged)
    if trees.view:
        from mvc.ops.shared.other_pointers.workspace import with_content  # noqa: PLC0415 - import time

        models = with_content(project, models)
    git, tip = trees.merge.git, trees.merge.base
    models = with_sources(git, tip, judging.policy, models, partial(file_of_index, git, trees.judged))
    scanned = with_scans(project, judging.policy, models)
    scanned = with_parts(project.cache, scanned, pasts.names.__contains__)
    return Facts(judging, scanned, read.blobs, landing, companions=of_change(trees, scanned))


def _brought_files(trees: Trees, lfs: Collection[str], tracked: Collection[str]) -> Iterator[BroughtFile]:
    brought = [(path, trees.judged.entries[path]) for path in trees.judged.changes if path in trees.judged.entries]
    of_dvc = {path for path, entry in brought if claims_outputs(path) and entry.mode in REGULAR}
    sides = (trees.judged.entries, {} if trees.is_one_tree else trees.base)
    known = {*tracked, *pointers_of(trees.base)} if of_dvc else set()
    trees.blobs.load_files(entry for side in sides for path in of_dvc if (entry := side.get(path)))

    def claimed(path: str, side: Mapping[str, Entry]) -> set[str]:
        file = trees.blobs.file(side.get(path))
        return outputs(path, file.raw, known) if file else set()

    for path, entry in brought:
        new, old = (claimed(path, side) for side in sides) if path in of_dvc else (set(), set())
        judged = {claim for claim in new if is_other(trees.judged.entries.get(claim + SUFFIX, entry).oid)}
        yield BroughtFile(path, entry.mode, (path,) if path in lfs else tuple(sorted(new - old - judged)))


def _read(trees: Trees, paths: Iterable[str], policy_files: Iterable[str], foreign: Iterable[str]) -> FilesRead:
    """Read the relevant files of mvc in the judged tree, and the first bytes of other added files."""
    ours = {path + suffix for path in paths for suffix in _OF_A_MODEL}
    ours |= {path + suffix for path in policy_files for suffix in ("", SIGNATURES)}
    return read_files(trees.merge.git, trees.judged, ours, foreign)


def _models(
    trees: Trees, paths: Iterable[str], files: Mapping[str, FileAt], pasts: Mapping[str, Past], check: _SignatureCheck,
) -> Iterator[ModelFacts]:
    """Yield the models; a deleted one only if it has no successor, or left a file behind."""
    for path in paths:
        pointer, report = files.get(path + SUFFIX), files.get(path + REPORT)
        model = ModelFacts(path, pointer, report)
        if path in pasts or is_left(trees.judged, model):
            signatures = files.get(path + REPORT + SIGNATURES)
            signers = check.signers_of(report.raw, signatures, REPORTS) if report else ()
            past = None if trees.is_one_tree else pasts.get(path, Past())
            yield model._replace(signers=signers, past=past)


def _policy_file_changes(
    trees: Trees, watched: Iterable[str], files: Mapping[str, FileAt], check: _SignatureCheck,
) -> Iterator[PolicyFileChange]:
    for path in watched:
        old, new = trees.base_file(path), files.get(path)
        if old != new:
            text = change_text(path, old and old.raw, new and new.raw)
            signers = check.signers_of(text, files.get(path + SIGNATURES), CHANGES)
            yield PolicyFileChange(path, old, new, signers, trees.merge.base)


class _SignatureCheck(NamedTuple):
    """How to check signatures: the key files of the target branch, and the time."""

    allowed: FileAt | None
    revoked: FileAt | None
    now: float

    def signers_of(self, text: bytes, signatures: FileAt | None, namespace: str) -> tuple[Signer, ...]:
        """Return the signers of `text`."""
        if signatures is None:
            return ()
        allowed, revoked = (file and file.raw for file in (self.allowed, self.revoked))
        return signers_of(text, signatures.raw, allowed, revoked, namespace, self.now)
