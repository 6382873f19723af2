"""Findings of the judge: a stable code, a path, a message, and the command that fixes it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple, TypeAlias

from mvc.quality.files import FileAt, ModelFiles
from mvc.quality.words import one_line

Severity: TypeAlias = Literal["error", "warning", "note"]


class Finding(NamedTuple):
    """One finding."""

    code: str
    """Such as `MVC102`; listed by `mvc explain`."""
    severity: Severity
    path: str
    """The tracked path, or a file in Git; empty for neither."""
    message: str
    """One line, with the value found and the value expected."""
    fix: str = ""
    """The command to type."""

    @classmethod
    def of(cls, code: str, path: str, message: str, fix: str, severity: Severity = "error") -> Finding:
        """Return a finding with a message of one line and limited length."""
        return cls(code, severity, path, one_line(message), fix)


class Comparison(NamedTuple):
    """A metric and the one it is compared with: a row of the gate's table."""

    metric: str
    """As on the command line: `auc[country=DE]@holdout`."""
    old: float | None
    """None without a metric to compare with."""
    new: float | None
    rule: str
    """Such as `≥ 0.9`, or `-1% of base`; empty without a rule."""
    passed: bool
    """Whether it breaks no rule; also where there is none, which the table calls `unjudged`."""
    codes: tuple[str, ...] = ()
    """The findings that fail it, also waived ones."""


class Judged(NamedTuple):
    """A model of a change, as the gate shows it."""

    path: str
    change: Literal["added", "changed", "renamed", "deleted", "restored", "tracked"]
    """`restored`: an earlier pair of pointer and report returns. `tracked`: a whole tree is judged."""
    old_path: str = ""
    """The path before a rename."""
    old_tag: str = ""
    tag: str = ""
    comparisons: tuple[Comparison, ...] = ()
    old_name: str = ""
    name: str = ""
    """Its name in the registry, as `old_name` in its pointer; empty without one."""


class Entered(NamedTuple):
    """How much else a change brings, besides models."""

    unreported: int = 0
    """Tracked paths without a report, such as data; they count as models."""
    deleted: int = 0
    """Deleted models; they count as models."""
    policy_files: int = 0
    workflows: int = 0
    """Workflows, and other files that decide how the gate runs."""
    waived: int = 0
    """Findings that a waiver accepts."""
    files: int = 0
    """Other files that Git gets or that change."""


class Verdict(NamedTuple):
    """All findings sorted by path, and at the gate the models."""

    findings: tuple[Finding, ...]
    models: tuple[Judged, ...] = ()
    entered: Entered = Entered()

    @classmethod
    def of(
        cls, findings: Iterable[Finding], models: Iterable[Judged] = (), entered: Entered = Entered(),
    ) -> Verdict:
        """Return a verdict, sorted and without duplicates."""
        ordered = sorted(set(findings), key=lambda item: (item.path, item.code, item.message))
        return cls(tuple(ordered), tuple(sorted(models)), entered)

    @property
    def passed(self) -> bool:
        """Whether there are no errors."""
        return not any(finding.severity == "error" for finding in self.findings)


class Gated(NamedTuple):
    """The verdict of the gate, and the judged commits."""

    passed: bool
    base: str
    """The commit; empty when a whole tree is judged."""
    head: str
    models: tuple[Judged, ...] = ()
    findings: tuple[Finding, ...] = ()
    judged: bool = True
    """False if base contains head, so that there was nothing to judge."""
    entered: Entered = Entered()
    files: Mapping[str, FileAt] = MappingProxyType({})
    """By path: the policy that judged, and the pointers and reports of the judged tree that were looked at."""
    sha256: Mapping[str, str] = MappingProxyType({})
    """By path: the SHA-256 of the content of models, where it was asked for and the cache has it."""
    versions: Mapping[str, tuple[ModelFiles, ...]] = MappingProxyType({})
    """By path of a model that is compared with others: the judged version, the one before, and earlier ones."""
