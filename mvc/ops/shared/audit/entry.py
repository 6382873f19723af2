"""How the signature of an entry of `mvc audit` is verified."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from mvc.ops.shared.versions.tag_signatures import Keys, git_signature_problem
from mvc.registry.audit import SignatureState

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
