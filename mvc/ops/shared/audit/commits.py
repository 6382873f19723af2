"""What commits did to models: pointers, reports, signatures and waivers that they brought."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from mvc.objects.names import registered_name
from mvc.objects.pointer import path_of
from mvc.ops.shared.audit.entry import Signature, Verifying, Wanted
from mvc.ops.shared.audit.history import ENDINGS, ModelHistory, Named
from mvc.ops.shared.evidence.ssh_signatures import signers_of
from mvc.ops.shared.reports import model_of
from mvc.ops.shared.versions.dates import iso
from mvc.project import Project
from mvc.quality.files import SIGNATURES, WAIVERS
from mvc.quality.files import SUFFIX as REPORT
from mvc.quality.reports.glance import Glance
from mvc.quality.reports.signers import REPORTS, split_blocks
from mvc.registry.audit import AuditEntry, AuditEvent
from mvc.scm.blobs import read_blobs
from mvc.scm.commits import CommitObject, blob_at
from mvc.scm.plumbing import RawChange


def committed(
    project: Project, verifying: Verifying, history: ModelHistory, wanted: Wanted,
) -> Iterator[tuple[int, AuditEntry]]:
    """Yield the events of all commits that are `wanted`, each with its time, the oldest first.

    Raises:
        MvcError: Git or `ssh-keygen` cannot be used.
    """
    told = _Deeds(project, verifying, history)
    for item in history.changes:
        commit = history.commits[item.commit]
        is_wanted = partial(wanted, commit.time)
        changes = sorted(item.changes, key=_rank)
        found = (deed for change in changes for deed in told.deeds(item.commit, change, is_wanted))
        if deeds := [deed for deed in found if is_wanted(deed.model)]:
            signature = verifying.git(commit.payload, commit.signature)
            yield from ((commit.time, _entry(item.commit, commit, deed, signature)) for deed in deeds)


def _rank(change: RawChange) -> int:
    return next(index for index, ending in enumerate(ENDINGS) if change.path.endswith(ending))


class _Deed(NamedTuple):
    """What a commit did to a model."""

    event: AuditEvent
    model: str
    path: str
    blake3: str = ""
    version: str = ""
    text: str = ""
    """Empty for the subject of the commit."""
    signature: Signature | None = None
    """Of a report; None for that of the commit."""


def _entry(oid: str, commit: CommitObject, deed: _Deed, signature: Signature) -> AuditEntry:
    return AuditEntry(
        iso(commit.time, commit.zone), deed.event, deed.model, deed.path, deed.version, "", commit.author, oid, "",
        deed.blake3, *(deed.signature or signature), deed.text or commit.subject,
    )


class _Deeds:
    """What the changes of the history did, when asked in their order."""

    def __init__(self, project: Project, verifying: Verifying, history: ModelHistory) -> None:
        self._project = project
        self._verifying = verifying
        self._history = history
        self._models: dict[str, Named] = {}
        """By path: the last pointer there."""
        self._owners: dict[str, tuple[str, str]] = {}
        """By blake3: model and path."""
        paths = (change.path for item in history.changes for change in item.changes)
        self._reported = {model_of(path) for path in paths if path.endswith(REPORT)}

    def deeds(self, commit: str, change: RawChange, is_wanted: Callable[[str], bool]) -> Iterator[_Deed]:
        """Yield what a change of a file did; changes come in the order of their commits.

        Signatures are verified only for models that are wanted.
        """
        path = change.path
        if path == WAIVERS:
            yield from self._waived(change)
        elif path.endswith(SIGNATURES):
            if is_wanted(self._name(model_of(path))):
                yield from self._signed(commit, change)
        elif path.endswith(REPORT):
            if seen := self._history.reports.get(change.oid):
                yield _Deed("evaluate", self._name(model_of(path)), model_of(path), seen.blake3, seen.tag)
        else:
            yield from self._added(change)

    def _name(self, path: str, pointer: Named | None = None) -> str:
        """Return the name of the model with a pointer, by default the last one at its path; empty for data.

        What has neither a name nor a report in the whole history is data.
        """
        there = pointer or self._models.get(path)
        return (there.name if there else "") or (registered_name(path) if path in self._reported else "")

    def _added(self, change: RawChange) -> Iterator[_Deed]:
        path, pointers = path_of(change.path), self._history.pointers
        old, new = pointers.get(change.old), pointers.get(change.oid)
        if new:
            self._models[path] = new
            self._owners[new.blake3] = self._name(path), path
        if new and not (old and old.blake3 == new.blake3):
            yield _Deed("add", self._name(path), path, new.blake3)
        elif old and not new:
            yield _Deed("remove", self._name(path, old), path, old.blake3)

    def _signed(self, commit: str, change: RawChange) -> Iterator[_Deed]:
        """Yield a deed for each signer of a report whose signature the change brings."""
        path = model_of(change.path)
        before = split_blocks(self._history.signatures.get(change.old, b""))
        blocks = [block for block in split_blocks(self._history.signatures.get(change.oid, b"")) if block not in before]
        oid = blob_at(self._project.git, commit, path + REPORT) if blocks else ""
        if not oid:
            return
        (raw,) = read_blobs(self._project.git, [oid])
        keys, now = self._verifying
        seen = self._history.reports.get(oid, Glance("", ""))
        armour = b"".join(block.armour for block in blocks)
        for signer in signers_of(raw, armour, keys.allowed, keys.revoked, REPORTS, now):
            who, signature = signer.principal or signer.key, Signature.of(signer.problem)
            yield _Deed("sign", self._name(path), path, seen.blake3, seen.tag, who, signature)

    def _waived(self, change: RawChange) -> Iterator[_Deed]:
        before = self._history.waivers.get(change.old, ())
        for waiver in self._history.waivers.get(change.oid, ()):
            if waiver not in before:
                name, path = self._owners.get(waiver.model, ("", waiver.path))
                text = f"{waiver.code} until {waiver.expires}, {waiver.owner}: {waiver.reason}"
                yield _Deed("waive", name, waiver.path or path, waiver.model, "", text)
