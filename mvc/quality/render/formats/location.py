"""Where CI systems show a finding: a file of the judged tree, at its first line."""

from __future__ import annotations

from collections.abc import Container

from mvc.objects.pointer import SUFFIX
from mvc.quality.files import SUFFIX as REPORT
from mvc.quality.finding import Finding

_OF_REPORTS = ("MVC1", "MVC2")


def file_of(finding: Finding, files: Container[str]) -> str:
    """Return the model's report or pointer, whichever the finding is about and exists; else the finding's own path."""
    suffixes = (REPORT, SUFFIX) if finding.code.startswith(_OF_REPORTS) else (SUFFIX, REPORT)
    return next((path for suffix in suffixes if (path := finding.path + suffix) in files), finding.path)
