"""Findings as seen from the user's directory."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

from mvc.project import Shell
from mvc.quality.finding import Finding

_BEFORE_OTHER = re.compile(r"(  # .*?\bor\b[^:]*: )(?=git |mvc )")
"""In a fix, what precedes another line to type: `  # or, once it is fixed: `."""


def relative_findings(shell: Shell, findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the findings with paths and fixes for the user's directory."""
    if shell.start == os.path.realpath(shell.root):
        return tuple(findings)
    return tuple(
        finding._replace(path=shell.show(finding.path), fix=_from_top(shell, finding.fix)) for finding in findings
    )


def _from_top(shell: Shell, fix: str) -> str:
    """Return a fix whose lines go to the top of the worktree first."""
    top = f"{shell.line('cd', '')} && "
    return top + _BEFORE_OTHER.sub(lambda found: found[1] + top, fix) if fix else ""
