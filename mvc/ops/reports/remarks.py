"""Warnings about a report that was written."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from mvc.ops.shared.evidence.given_tags import landed_tags
from mvc.ops.shared.evidence.source_reports import with_sources
from mvc.ops.shared.finding_lines import relative_findings
from mvc.ops.shared.reports import file_in
from mvc.project import Project
from mvc.quality.files import POLICY, FileAt
from mvc.quality.finding import Finding
from mvc.quality.judge import report_fixes
from mvc.quality.judge.facts import Facts, ModelFacts
from mvc.quality.judge.judge import judge
from mvc.quality.policy.parsed_policy import read_policy
from mvc.quality.reports.report import Report
from mvc.scm.commits import head

_ABOUT_REPORTS = ("MVC1", "MVC2", "MVC401")
ABOUT_TAGS = ("MVC105 ", "MVC121 ", "MVC122 ")
"""The beginnings of remarks about the tag."""
_SAID_ALREADY = ("MVC103", "MVC106", "MVC127")
"""The model differs from its pointer or has none: the remarks on the model say so. A new report is not too old."""


class Remark(NamedTuple):
    """A warning about a report that was written, and what to type."""

    message: str
    fix: str = ""
    refused: bool = False
    """Whether the hook would refuse the commit because of it."""


def missing_metrics(project: Project, path: str, report: Report) -> Remark:
    """Return the warning that the report of `path` has no metrics."""
    finding = Finding("", "warning", path, "the report has no metrics", report_fixes.metric(path, report, "NAME"))
    (shown,) = relative_findings(project.shell, [finding])
    return Remark(shown.message, shown.fix)


def policy_remarks(project: Project, path: str, pointer: FileAt | None, raw: bytes) -> list[Remark]:
    """Return what the policy says about the report `raw` of `path`: the commit may be refused, recording is not."""
    parsed, model = read_policy(file_in(project.tree, POLICY)), ModelFacts(path, pointer, FileAt("100644", raw))
    tip = head(project.git) or ""
    models = with_sources(project.git, tip, parsed.policy, [model], partial(file_in, project.tree))
    facts = Facts(parsed, models, given=landed_tags(project, [model]))
    found = judge(facts, 0).findings
    findings = [item for item in found if item.code.startswith(_ABOUT_REPORTS) and item.code not in _SAID_ALREADY]
    return [
        Remark(f"{item.code} {item.message}", item.fix, refused=item.severity == "error")
        for item in relative_findings(project.shell, findings)
    ]
