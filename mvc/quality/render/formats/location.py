"""Where CI systems show a finding, and how they recognize it in the next run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator
from hashlib import sha256

from mvc.objects.pointer import SUFFIX
from mvc.quality.files import POLICY
from mvc.quality.files import SUFFIX as REPORT
from mvc.quality.finding import Finding

ELSEWHERE = POLICY
"""The file shown for a finding without a path, where a format demands a file."""
_OF_REPORTS = ("MVC1", "MVC2")


def file_of(finding: Finding, files: Container[str]) -> str:
    """Return the model's report or pointer, whichever the finding is about and exists; else the finding's own path."""
    suffixes = (REPORT, SUFFIX) if finding.code.startswith(_OF_REPORTS) else (SUFFIX, REPORT)
    return next((path for suffix in suffixes if (path := finding.path + suffix) in files), finding.path)


def fingerprints(findings: Iterable[Finding]) -> Iterator[str]:
    """Yield a digest for each finding that its values do not change: of its code, its path, and its number there."""
    seen = Counter[tuple[str, str]]()
    for finding in findings:
        seen[finding.code, finding.path] += 1
        text = f"{finding.code}\0{finding.path}\0{seen[finding.code, finding.path]}"
        yield sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
