"""Findings as lines of text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from mvc.objects.visible import visible
from mvc.quality.finding import Finding

_FEW = 10
"""Errors, and warnings, shown before the rest is counted."""
_OF_FILES = frozenset({"MVC301", "MVC302", "MVC303"})
"""Findings about files that only a commit reports, as they are not models yet."""


def notes(findings: Iterable[Finding]) -> Iterator[str]:
    """Yield the notes, a line each."""
    return (_line(finding) for finding in findings if finding.severity == "note")


def lines(findings: Iterable[Finding], every: str = "") -> Iterator[str]:
    """Yield the first errors and warnings, each with the command to type, without notes.

    `every` is the command that shows all of them; without it all are shown.
    """
    findings = list(findings)
    by_severity = {word: [item for item in findings if item.severity == word] for word in ("error", "warning")}
    shown = {item for items in by_severity.values() for item in (items[:_FEW] if every else items)}
    for finding in findings:
        if finding in shown:
            yield from _lines(finding)
    for word, items in by_severity.items():
        if rest := [item for item in items if item not in shown]:
            yield f"{word}: ... and {len(rest):,} more"
            only_here = any(item.code in _OF_FILES for item in rest)
            yield f"  try: {'git commit  # once these are fixed' if only_here else every}"


def _lines(finding: Finding) -> Iterator[str]:
    yield _line(finding)
    if finding.fix:
        yield f"  try: {visible(finding.fix)}"


def _line(finding: Finding) -> str:
    where = f" {visible(finding.path)}" if finding.path else ""
    return f"{finding.severity}: {finding.code}{where}: {visible(finding.message)}"


def explain_line(findings: Sequence[Finding]) -> str:
    """Return the command that explains the first error."""
    code = next((finding.code for finding in findings if finding.severity == "error"), "")
    return f"mvc explain {code}" if code else ""
