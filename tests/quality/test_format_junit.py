"""`mvc gate --format junit`: read by a parser of JUnit XML."""

from __future__ import annotations

from itertools import groupby
from xml.etree.ElementTree import fromstring

import pytest
from hypothesis import given
from hypothesis import strategies as st
from junitparser import Failure, JUnitXml, Skipped
from quality.hostile import HOSTILE, commands_no_ci, gated_of

from mvc.quality.finding import Comparison, Finding, Gated, Judged
from mvc.quality.render.formats.junit import render

ATTRIBUTES = {
    "testsuites": {"name", "tests", "failures", "errors"},
    "testsuite": {"name", "tests", "failures", "errors", "skipped"},
    "testcase": {"name", "classname"}, "failure": {"message"}, "skipped": {"message"},
}
"""What junit-10.xsd of Jenkins' xunit plugin knows and demands."""


def results(text: str) -> list[tuple[str, str, str, str]]:
    """Return class, name, result and message of each test, as the parser reads them."""
    for element in fromstring(text).iter():
        assert set(element.attrib) == ATTRIBUTES[element.tag]
    found = []
    for suite in JUnitXml.fromstring(text.encode()):
        before = (suite.tests, suite.failures, suite.skipped, suite.errors)
        suite.update_statistics()
        assert before == (suite.tests, suite.failures, suite.skipped, suite.errors)
        for case in suite:
            (result,) = case.result or [None]
            kind = {Failure: "failed", Skipped: "skipped"}.get(type(result), "passed")
            found.append((case.classname, case.name, kind, result.message if result else ""))
    return found


def test_kept_rules_pass_and_errors_fail() -> None:
    rows = (
        Comparison("auc", 0.9, 0.8, "≥ 0.9", passed=False, codes=("MVC202",)),
        Comparison("f1[c=λ]", 0.9, 0.9, "≥ 0.5", passed=True), Comparison("mse", 1, 2, "", passed=True),
    )
    findings = (
        Finding("MVC202", "error", "m", "auc is 0.8"), Finding("MVC413", "warning", "ci", "changed"),
        Finding("MVC202", "error", "m", "p is 0.1", "mvc eval run"), Finding("MVC415", "note", "n", "MVC101 is waived"),
    )
    text = render(Gated(False, "a", "b", (Judged("m", "changed", comparisons=rows), Judged("n", "added")), findings))
    assert results(text) == [
        ("ci", "MVC413 workflow changed", "skipped", "changed"),
        ("m", "f1[c=λ] ≥ 0.5", "passed", ""),
        ("m", "MVC202 metric too low", "failed", "auc is 0.8"),
        ("n", "no error", "passed", ""),
        ("n", "MVC415 waived", "skipped", "MVC101 is waived"),
    ]
    (failure,) = fromstring(text).iter("failure")
    assert failure.text == "auc is 0.8\np is 0.1\n  try: mvc eval run"
    assert (fromstring(text).get("tests"), fromstring(text).get("failures")) == ("5", "1")


@pytest.mark.parametrize(("judged", "expected"), [
    (True, ("mvc gate", "gate", "passed", "")),
    (False, ("mvc gate", "gate", "skipped", "nothing was judged: base contains head already")),
])
def test_there_is_always_a_test(judged: bool, expected: tuple[str, ...]) -> None:
    assert results(render(Gated(True, "a", "b", judged=judged))) == [expected]


@pytest.mark.parametrize("text", HOSTILE)
def test_what_is_hostile_stays_text(text: str) -> None:
    check(text)


@given(st.text(alphabet=st.one_of(st.characters(), st.sampled_from("<>&\"'[]#:%\n\r\t\0 "))))
def test_so_does_anything(text: str) -> None:
    check(text)


def check(text: str) -> None:
    told = render(gated_of(text))
    assert commands_no_ci(told)
    read = results(told)
    assert [kind for _, _, kind, _ in read] == [*(["passed"] if text else []), "failed", "skipped", "skipped"]
    assert all(char.isprintable() for case in read for part in case for char in part)
    assert len([*groupby(case[0] for case in read)]) == 1
