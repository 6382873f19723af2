"""An entry of `mvc audit`, and how its signature is verified."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple, TypeAlias

from mvc.ops.shared.versions.tag_signatures import Keys, git_signature_problem
from mvc.registry.kinds import EventKind

AuditEvent: TypeAlias = EventKind | Literal["add", "remove", "evaluate", "sign", "waive"]
SignatureState: TypeAlias = Literal["none", "valid", "invalid"]
Wanted: TypeAlias = Callable[[int, str], bool]
"""Whether an event is wanted, by its time in seconds since the epoch and its model."""


class Signature(NamedTuple):
    """Whether there is a signature that holds, and why not."""

    state: SignatureState = "none"
    problem: str = ""

    @classmethod
    def of(cls, problem: str) -> Signature:
        """Return a signature with this problem; it holds if that is empty."""
        return cls("invalid", problem) if problem else cls("valid")


class AuditEntry(NamedTuple):
    """What somebody did to a model."""

    date: str
    """When: ISO 8601; of a commit the committer's."""
    event: AuditEvent
    model: str
    """Its name; empty for data, which has neither a name nor a report, and for a waiver of unknown content."""
    path: str
    version: str
    """For `evaluate` and `sign` the tag of the report; empty where none is known."""
    stage: str
    author: str
    """Name and email address: of a commit the author's, of a tag the tagger's."""
    commit: str
    tag: str
    """The Git tag that says so; empty for an event of a commit."""
    blake3: str
    """Of the model."""
    signature: SignatureState
    """Of the tag, or the commit; for `sign` that of the report."""
    problem: str
    """Why the signature is invalid."""
    text: str
    """The message of a tag, the subject of a commit, the signer, or the waived code with reason and owner."""


class Verifying(NamedTuple):
    """The keys that count, and when: in seconds since the epoch."""

    keys: Keys
    now: float

    def git(self, payload: bytes, signature: bytes) -> Signature:
        """Verify a signature that Git made of a commit; empty stands for none.

        Raises:
            MvcError: `ssh-keygen` cannot be used.
        """
        if not signature:
            return Signature()
        return Signature.of(git_signature_problem(self.keys, payload, signature, self.now))
