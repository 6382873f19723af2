"""An entry of `mvc audit`."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

from mvc.registry.kinds import EventKind

AuditEvent: TypeAlias = EventKind | Literal["add", "remove", "evaluate", "sign", "waive"]
SignatureState: TypeAlias = Literal["none", "valid", "invalid"]


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
