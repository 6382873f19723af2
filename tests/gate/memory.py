"""The facts of plain pull requests, from memory.

A plain pull request is one commit that changes the text of pointers, reports, signatures and policy files, or moves
models as they are. Two of them differ only in numbers and words, which pass through Git unchanged. Their facts are
built here without Git; test_pull_requests.py checks that Git yields the same.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from itertools import pairwise

from gate.histories import FILE, Commit, History

from mvc.errors import InvalidFormat
from mvc.objects.pointer import SUFFIX
from mvc.objects.pointer_reader import parse
from mvc.ops.judging.touched_models import ContentInGit, enters, look_at, touched_models
from mvc.ops.shared.evidence.ssh_signatures import signers_of
from mvc.quality.files import MAX_BYTES, POLICY, REVOKED, SIGNATURES, SIGNERS, WAIVERS, FileAt
from mvc.quality.files import SUFFIX as REPORT
from mvc.quality.judge.facts import (
    BlobFacts,
    BroughtFile,
    Facts,
    Landing,
    ModelFacts,
    ModelVersion,
    Past,
    PolicyFileChange,
    Signer,
    TrackedName,
)
from mvc.quality.judge.lineage import Lineage, PastState, PathState, TreeModel, find_lineages
from mvc.quality.judge.rules.policy_files import is_policy_file, judging_policy
from mvc.quality.pointer_files import is_pointer, stem
from mvc.quality.policy.parsed_policy import read_policy
from mvc.quality.reports.signers import CHANGES, REPORTS, change_text
from mvc.scm.index_changes import Entry
from mvc.scm.merging.landing import as_index, differing

_OURS = (".gitattributes", ".mvc/config.yaml")
_BEYOND_GIT = (b"scan", b"\nfiles: ", b"\nwith:", b"\npredictions:", b" from: {report")
"""In a policy, a pointer or a report: these make the gate ask the cache, or read more of Git."""

Tree = dict[str, FileAt]


def is_plain(history: History) -> bool:
    """Whether `facts_of` knows the facts of a pull request."""
    if "change" not in history.branches:
        return False
    head, *line = _line(history.branches["change"])
    trees = [_tree(commit) for commit in (head, *line)]
    return (
        line[:1] == [history.branches["main"]]
        and all(len(commit.parents) <= 1 for commit in (head, *line))
        and all(map(_has_only_ours, trees))
        and all(_models(old) <= _models(new) for new, old in pairwise(trees[1:]))
        and _moves_only(trees[1], trees[0])
    )


def _moves_only(old: Tree, new: Tree) -> bool:
    """Whether each pointer that goes comes back elsewhere, and there is one way to pair them."""
    gone, came = (
        [there[path + SUFFIX].oid for path in _models(there) - _models(other)]
        for there, other in ((old, new), (new, old))
    )
    return not gone or (sorted(gone) == sorted(came) and len({*gone}) == len(gone))


def facts_of(history: History) -> Facts:
    """Return the facts of a plain pull request."""
    return _Change(history.branches["main"], history.branches["change"]).facts()


def commit_id(number: int) -> str:
    """Return what these facts have for the id of a history's commit; the first has number 1."""
    return f"{number:040}"


def _line(commit: Commit) -> Iterator[Commit]:
    """Yield a commit and its first parents."""
    yield commit
    while commit.parents:
        commit = commit.parents[0]
        yield commit


def _tree(commit: Commit) -> Tree:
    return {path.decode(errors="surrogateescape"): _file(*file) for path, file in sorted(commit.tree.items())}


def _file(mode: str, raw: bytes) -> FileAt:
    oid = hashlib.sha1(b"blob %d\0%s" % (len(raw), raw), usedforsecurity=False).hexdigest()
    return FileAt(mode, raw, oid)


def _has_only_ours(tree: Tree) -> bool:
    models = _models(tree)
    return all(
        file.mode == FILE and len(file.raw) <= MAX_BYTES and not any(word in file.raw for word in _BEYOND_GIT)
        and (stem(path) in models or path in _OURS or is_policy_file(path.removesuffix(SIGNATURES)))
        for path, file in tree.items()
    )


def _models(tree: Tree) -> set[str]:
    return {stem(path) for path in tree if is_pointer(path)}


class _Change:
    """A plain change of `base`."""

    def __init__(self, base: Commit, head: Commit) -> None:
        self._commit = commit_id(base.mark)
        self._history = [(commit_id(commit.mark), _tree(commit)) for commit in _line(base)]
        self._base = _tree(base)
        self._head = _tree(head)
        self._index = as_index(_entries(self._head), differing(_entries(self._base), _entries(self._head)))
        self._content = ContentInGit(self._index, lambda _: None)
        self._paths = sorted(touched_models(self._index, self._content))

    def facts(self) -> Facts:
        old, new = self._base.get, self._head.get
        policy = old(POLICY) or new(POLICY)
        changes = self._index.changes
        landing = Landing(
            own_policy=policy is not None and old(POLICY) is None,
            waivers=old(WAIVERS), signers=old(SIGNERS), revoked=old(REVOKED),
            policy_files=tuple(map(self._guarded, filter(is_policy_file, changes))),
            tracked=tuple(TrackedName(path, _identity(new(path + SUFFIX))[0]) for path in sorted(_models(self._head))),
            files=tuple(BroughtFile(path, self._head[path].mode) for path in changes if path in self._head),
            gone=tuple(
                self._version(path, self._base, self._commit)
                for path in sorted(_models(self._base) - _models(self._head))
            ),
        )
        judging = judging_policy(read_policy(policy), landing)
        return Facts(judging, tuple(self._changed_models()), tuple(self._blobs()), landing)

    def _changed_models(self) -> Iterator[ModelFacts]:
        old, new = _tree_models(self._base), _tree_models(self._head)
        states = {path: self._states(path) for path in old}
        for path, lineage in sorted(find_lineages(old.values(), new.values(), self._paths, (), states).items()):
            inside = any(file == path or file.startswith(f"{path}/") for file in self._head)
            pointer, report = (self._head.get(path + suffix) for suffix in (SUFFIX, REPORT))
            signers = self._signers(report.raw, path + REPORT, REPORTS) if report else ()
            yield ModelFacts(path, pointer, report, None, inside, signers=signers, past=self._past(lineage))

    def _guarded(self, path: str) -> PolicyFileChange:
        old, new = self._base.get(path), self._head.get(path)
        text = change_text(path, old and old.raw, new and new.raw)
        return PolicyFileChange(path, old, new, self._signers(text, path, CHANGES), self._commit)

    def _signers(self, text: bytes, path: str, namespace: str) -> tuple[Signer, ...]:
        """Return who signed `text`: beside the file `path`."""
        signatures = self._head.get(path + SIGNATURES)
        if signatures is None:
            return ()
        allowed, revoked = (file and file.raw for file in map(self._base.get, (SIGNERS, REVOKED)))
        return signers_of(text, signatures.raw, allowed, revoked, namespace, time.time())

    def _states(self, path: str) -> list[PathState]:
        """Return what the path had, the newest first."""
        pairs = [(commit, tree.get(path + SUFFIX), tree.get(path + REPORT)) for commit, tree in self._history]
        pairs = [pair for pair, older in pairwise([*pairs, ("", None, None)]) if pair[1:] != older[1:]]
        return [
            PathState(age, commit, pointer.oid if pointer else "", report.oid if report else "", *_identity(pointer))
            for age, (commit, pointer, report) in enumerate(pairs)
        ]

    def _past(self, lineage: Lineage) -> Past:
        before = self._version(lineage.before, self._base, self._commit) if lineage.before else None
        versions, named = (tuple(map(self._past_version, items)) for items in (lineage.past, lineage.named))
        return Past(before, lineage.found, versions, named=named, takes_name=lineage.takes_name)

    def _past_version(self, past: PastState) -> ModelVersion:
        return self._version(past.path, dict(self._history)[past.state.commit], past.state.commit)

    @staticmethod
    def _version(path: str, tree: Tree, commit: str) -> ModelVersion:
        return ModelVersion(path, tree.get(path + SUFFIX), tree.get(path + REPORT), commit)

    def _blobs(self) -> Iterator[BlobFacts]:
        """Yield what enters Git, and is no pointer or report."""
        moved = self._index.moved_from()
        for path in self._index.changes:
            if enters(self._index, path, _models(self._head), self._content):
                raw = self._head[path].raw
                look = look_at(raw, len(raw))
                if look and look.counts(symlink=False):
                    yield BlobFacts(path, look.size, look.kind, "", tuple(moved.get(self._head[path].oid, ())))


def _entries(tree: Tree) -> dict[str, Entry]:
    return {path: Entry(file.mode, file.oid) for path, file in tree.items()}


def _tree_models(tree: Tree) -> dict[str, TreeModel]:
    return {path: TreeModel(path, *_identity(tree[path + SUFFIX])) for path in sorted(_models(tree))}


def _identity(pointer: FileAt | None) -> tuple[str, str]:
    """Return the name and the blake3 in a pointer, empty where they cannot be read."""
    try:
        found = parse(pointer.raw if pointer else b"")
    except InvalidFormat:
        return "", ""
    return found.notes.name, found.digest.blake3
