"""Findings as seen from the user's directory."""

from __future__ import annotations

import os
from collections.abc import Iterable

from mvc.project import Shell
from mvc.quality.finding import Finding


def relative_findings(shell: Shell, findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the findings with paths and fixes for the user's directory."""
    if shell.start == os.path.realpath(shell.root):
        return tuple(findings)
    top = shell.line("cd", "")
    return tuple(
        finding._replace(path=shell.show(finding.path), fix=f"{top} && {finding.fix}" if finding.fix else "")
        for finding in findings
    )
