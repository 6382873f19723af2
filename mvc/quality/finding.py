"""What a judgement finds: a stable code, where, what is wrong, and the line that mends it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple, TypeAlias

from mvc.quality.words import one_line

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

    @classmethod
    def of(cls, code: str, path: str, message: str, fix: str, severity: Severity = "error") -> Finding:
        """Return a finding whose message is one line of bearable length, whatever files say."""
        return cls(code, severity, path, one_line(message), fix)


class Comparison(NamedTuple):
    """One metric beside the one that it is held against: a row of the gate's table."""

    metric: str
    """As on the command line: `auc[country=DE]@holdout`."""
    old: float | None
    """None where there is nothing to compare with."""
    new: float | None
    rule: str
    """Such as `≥ 0.9`, or `-1% of base`; empty when no rule speaks of it."""
    passed: bool
    codes: tuple[str, ...] = ()
    """Of the findings for which it did not pass, waived or not."""


class Judged(NamedTuple):
    """A model of the change, as the gate shows it."""

    path: str
    change: Literal["added", "changed", "renamed", "deleted", "restored", "tracked"]
    """`restored`: an earlier pair of pointer and report comes back. `tracked`: a whole tree is judged."""
    old_path: str = ""
    """Where it was, if it was renamed."""
    old_tag: str = ""
    tag: str = ""
    comparisons: tuple[Comparison, ...] = ()


class Verdict(NamedTuple):
    """All findings, in the order of their paths; the models besides, at the gate."""

    findings: tuple[Finding, ...]
    models: tuple[Judged, ...] = ()

    @classmethod
    def of(cls, findings: Iterable[Finding], models: Iterable[Judged] = ()) -> Verdict:
        """Return them sorted, each finding once."""
        ordered = sorted(set(findings), key=lambda item: (item.path, item.code, item.message))
        return cls(tuple(ordered), tuple(sorted(models)))

    @property
    def passed(self) -> bool:
        """Whether none of them is an error."""
        return not any(finding.severity == "error" for finding in self.findings)
