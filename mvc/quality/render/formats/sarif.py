"""The gate's verdict as SARIF 2.1.0, which code scanning of GitHub and Azure reads.

Source: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html, and for what GitHub needs of it
https://docs.github.com/code-security/reference/code-scanning/sarif-support-for-code-scanning.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from mvc._version import __version__
from mvc.objects.visible import visible
from mvc.quality.finding import Finding, Gated
from mvc.quality.judge.codes import CODES
from mvc.quality.render.formats.location import ELSEWHERE, file_of, fingerprints
from mvc.quality.render.json_text import json_text

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def render(gated: Gated) -> str:
    """Return one run, with a rule for each code that was found."""
    rules = sorted({finding.code for finding in gated.findings})
    marks = fingerprints(gated.findings)
    run = {
        "tool": {"driver": {"name": "mvc", "semanticVersion": __version__, "rules": [*map(_rule, rules)]}},
        "automationDetails": {"id": "mvc-gate/"},
        "invocations": [{"executionSuccessful": True, "exitCode": 0 if gated.passed else 1}],
        "results": [
            {**_result(finding, file_of(finding, gated.files) or ELSEWHERE), "ruleIndex": rules.index(finding.code),
             "partialFingerprints": {"primaryLocationLineHash": mark}}
            for finding, mark in zip(gated.findings, marks, strict=True)
        ],
        "properties": {"base": gated.base, "head": gated.head, "judged": gated.judged},
    }
    return json_text({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]})


def _rule(code: str) -> dict[str, Any]:
    about = CODES[code]
    return {
        "id": code,
        "shortDescription": {"text": about.title},
        "fullDescription": {"text": about.meaning},
        "help": {"text": f"{about.meaning}\n\n{about.fix}"},
    }


def _result(finding: Finding, file: str) -> dict[str, Any]:
    where = {"uri": quote(file.encode("utf-8", "surrogateescape")), "uriBaseId": "%SRCROOT%"}
    lines = [f"{finding.path}: {finding.message}" if finding.path else finding.message]
    if finding.fix:
        lines.append(f"try: {finding.fix}")
    return {
        "ruleId": finding.code,
        "level": finding.severity,
        "message": {"text": "\n".join(map(_plain, lines))},
        "locations": [{"physicalLocation": {"artifactLocation": where, "region": {"startLine": 1}}}],
    }


def _plain(text: str) -> str:
    """Return text without links: `[text](target)` is one, also in a plain message (3.11.6)."""
    return visible(text).replace("](", "]\\x28")
