"""The gate's verdict as a code quality report of GitLab.

Source: https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format.
"""

from __future__ import annotations

from mvc.objects.visible import visible
from mvc.quality.finding import Gated
from mvc.quality.judge.codes import CODES
from mvc.quality.render.formats.location import ELSEWHERE, file_of, fingerprints
from mvc.quality.render.json_text import json_text

_SEVERITIES = {"error": "major", "warning": "minor", "note": "info"}


def render(gated: Gated) -> str:
    """Return a list with an issue for each finding."""
    return json_text([
        {
            "description": visible(f"{finding.code} {CODES[finding.code].title}: {finding.message}"),
            "check_name": finding.code,
            "fingerprint": mark,
            "severity": _SEVERITIES[finding.severity],
            "location": {"path": visible(file_of(finding, gated.files) or ELSEWHERE), "lines": {"begin": 1}},
        }
        for finding, mark in zip(gated.findings, fingerprints(gated.findings), strict=True)
    ])
