"""Findings as the user types on from where they are."""

from __future__ import annotations

import os
from collections.abc import Iterable

from mvc.project import Project
from mvc.quality.finding import Finding


def lines_from(project: Project, findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the findings with paths and lines to type as they are from the user's directory."""
    start = os.path.realpath(project.around.cwd)
    if start == os.path.realpath(project.root):
        return tuple(findings)
    top = project.shell.line("cd", "")
    return tuple(
        finding._replace(path=project.shell.show(finding.path), fix=f"{top} && {finding.fix}" if finding.fix else "")
        for finding in findings
    )
