"""`mvc gate --format gitlab`: a code quality report as GitLab documents it."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from quality.hostile import HOSTILE, commands_no_ci, gated_of

from mvc.quality.files import FileAt
from mvc.quality.finding import Finding, Gated
from mvc.quality.render.formats.gitlab import render

TEXT = {"type": "string", "minLength": 1}
SCHEMA = {
    "type": "array",
    "items": {
        "type": "object", "additionalProperties": False,
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "properties": {
            "description": TEXT, "check_name": TEXT, "fingerprint": TEXT,
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "type": "object", "additionalProperties": False, "required": ["path", "lines"],
                "properties": {
                    "path": TEXT,
                    "lines": {
                        "type": "object", "additionalProperties": False, "required": ["begin"],
                        "properties": {"begin": {"type": "integer", "minimum": 1}},
                    },
                },
            },
        },
    },
}
"""The properties of https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format, all required."""


def issues(text: str) -> list[Any]:
    """Return the issues of a valid report."""
    found: list[Any] = json.loads(text)
    jsonschema.validate(found, SCHEMA)
    marks = [issue["fingerprint"] for issue in found]
    assert len(set(marks)) == len(marks)  # GitLab shows issues of one fingerprint once
    return found


def test_each_finding_is_an_issue() -> None:
    findings = (
        Finding("MVC322", "warning", "", "unverified"), Finding("MVC202", "error", "m", "auc is 0.9"),
        Finding("MVC202", "error", "m", "p is 0.9"), Finding("MVC415", "note", "m", "waived"),
    )
    found = issues(render(Gated(False, "a", "b", (), findings, files={"m.eval.yaml": FileAt("100644", b"")})))
    assert [(issue["severity"], issue["check_name"], issue["location"]["path"]) for issue in found] == [
        ("minor", "MVC322", ".mvc/policy.yaml"), ("major", "MVC202", "m.eval.yaml"),
        ("major", "MVC202", "m.eval.yaml"), ("info", "MVC415", "m.eval.yaml"),
    ]
    assert found[1]["description"] == "MVC202 metric too low: auc is 0.9"


def test_nothing_found() -> None:
    assert issues(render(Gated(True, "a", "b"))) == []


@pytest.mark.parametrize("text", HOSTILE)
def test_what_is_hostile_stays_text(text: str) -> None:
    check(text)


@given(st.text(alphabet=st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from('[]#:"\\\n\r '))))
def test_so_does_anything(text: str) -> None:
    check(text)


def check(text: str) -> None:
    told = render(gated_of(text))
    assert commands_no_ci(told)
    found = issues(told)
    assert [issue["check_name"] for issue in found] == ["MVC221", "MVC413", "MVC415"]
    assert all(issue["description"].isprintable() and issue["location"]["path"].isprintable() for issue in found)
