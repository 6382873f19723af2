"""What a judgement finds: a stable code, where, what is wrong, and the line that mends it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple, TypeAlias

Severity: TypeAlias = Literal["error", "warning", "note"]


class Finding(NamedTuple):
    """One broken rule."""

    code: str
    """Such as `MVC102`; never given to another rule. `mvc explain` knows them all."""
    severity: Severity
    path: str
    """The tracked path, or the file in Git; empty when it is about none."""
    message: str
    """What is wrong, with both values, in one line."""
    fix: str = ""
    """What to type."""


class Verdict(NamedTuple):
    """All findings, in the order of their paths."""

    findings: tuple[Finding, ...]

    @classmethod
    def of(cls, findings: Iterable[Finding]) -> Verdict:
        """Return them sorted, each once."""
        return cls(tuple(sorted(set(findings), key=lambda item: (item.path, item.code, item.message))))

    @property
    def passed(self) -> bool:
        """Whether none of them is an error."""
        return not any(finding.severity == "error" for finding in self.findings)
