"""Signatures of tags, verified by the keys of the default branch."""

from __future__ import annotations

from typing import NamedTuple

from mvc.errors import Refused, UsageError
from mvc.ops.shared.evidence.ssh_signatures import signers_of
from mvc.ops.shared.versions.references import Named, registered
from mvc.project import Project
from mvc.quality.files import REVOKED, SIGNERS
from mvc.quality.reports.signers import TAGS
from mvc.registry.event import Event, signature_start
from mvc.scm.blobs import read_blobs
from mvc.scm.commits import committed_file
from mvc.scm.refs import local_base


class Keys(NamedTuple):
    """The files with the keys that count; None where there is none."""

    allowed: bytes | None
    revoked: bytes | None

    @classmethod
    def read(cls, project: Project) -> Keys:
        """Read those of the default branch.

        Raises:
            MvcError: Git cannot read them.
        """
        base = local_base(project.git)
        return cls(*(committed_file(project.git, base, path) if base else None for path in (SIGNERS, REVOKED)))


def signature_problem(project: Project, keys: Keys, event: Event, now: float) -> str:
    """Return why the signature of a tag does not count at `now`, in seconds since the epoch; empty if it does.

    Raises:
        MvcError: Git or `ssh-keygen` cannot be used.
    """
    if not event.is_signed:
        return "it has none"
    (raw,) = read_blobs(project.git, [event.oid])
    start = signature_start(raw)
    return git_signature_problem(keys, raw[:start], raw[start:], now)


def git_signature_problem(keys: Keys, payload: bytes, signature: bytes, now: float) -> str:
    """Return why a signature that Git made, of a tag or a commit, does not count at `now`; empty if it does.

    Raises:
        MvcError: `ssh-keygen` cannot be used.
    """
    if not signature.startswith(b"-----BEGIN SSH"):
        return "it was not made by an SSH key; Git may verify it"
    signers = signers_of(payload, signature, keys.allowed, keys.revoked, TAGS, now)
    return "" if any(not signer.problem for signer in signers) else signers[0].problem


def signed_version(project: Project, text: str, now: float) -> Named:
    """Return what a version or a stage names, if allowed keys signed its tags; `now` is in seconds since the epoch.

    Raises:
        UsageError: the text names no registered version.
        Refused: a tag has no signature that counts.
        MvcError: as `resolve` does; or `ssh-keygen` cannot be used.
    """
    found = registered(project, text)
    if found is None:
        raise UsageError(f"{text!r} is not a registered version, so nothing signs it", "mvc models")
    keys = Keys.read(project)
    for event in dict.fromkeys(found.events):
        if problem := signature_problem(project, keys, event, now):
            raise Refused(f"the signature of the tag {event.tag} does not count: {problem}", "mvc verify --tags")
    return found
