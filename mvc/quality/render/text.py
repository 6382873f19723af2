"""Findings as lines of text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from mvc.objects.visible import visible
from mvc.quality.finding import Finding

_FEW = 10
"""Errors, and warnings, that are named before the rest is counted."""
_ABOUT_FILES = frozenset({"MVC301", "MVC302", "MVC303"})
"""Found only in a commit: no other command checks files that are not models."""


def render(findings: Sequence[Finding], every: str = "", *, quiet: bool = False) -> Iterator[str]:
    """Yield all findings: first `problems`, then `notes`; only errors if `quiet`."""
    yield from problems(findings, every, quiet=quiet)
    if not quiet:
        yield from notes(findings)


def notes(findings: Iterable[Finding]) -> Iterator[str]:
    """Yield the notes, a line each."""
    return (_line(finding) for finding in findings if finding.severity == "note")


def problems(findings: Sequence[Finding], every: str = "", *, quiet: bool = False) -> Iterator[str]:
    """Yield errors, and warnings unless `quiet`, each with the line to type.

    All are named when `every` is empty; else the first, and `every` is the command that names the others.
    """
    severities = ("error",) if quiet else ("error", "warning")
    by_severity = {word: [item for item in findings if item.severity == word] for word in severities}
    shown = {item for items in by_severity.values() for item in (items[:_FEW] if every else items)}
    for finding in findings:
        if finding in shown:
            yield _line(finding)
            if finding.fix:
                yield f"  try: {visible(finding.fix)}"
    for word, items in by_severity.items():
        if rest := [item for item in items if item not in shown]:
            yield f"{word}: ... and {len(rest):,} more"
            only_here = any(item.code in _ABOUT_FILES for item in rest)
            yield f"  try: {'git commit  # once these are fixed' if only_here else every}"


def _line(finding: Finding) -> str:
    where = f" {visible(finding.path)}" if finding.path else ""
    return f"{finding.severity}: {finding.code}{where}: {visible(finding.message)}"


def explain_line(findings: Sequence[Finding]) -> str:
    """Return the command that explains the first error; empty when there is none."""
    code = next((finding.code for finding in findings if finding.severity == "error"), "")
    return f"mvc explain {code}" if code else ""
