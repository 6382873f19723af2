"""Waivers: the format of the file. What they cover is in the table of cases."""

from __future__ import annotations

import json

import jsonschema
import pytest
import yaml
from harness import PROJECT
from hypothesis import given
from hypothesis import strategies as st
from quality.cases import DIGEST, LOW, PATH, at, facts_of, model, rule, waiver, waiving

from mvc.errors import InvalidFormat
from mvc.objects.hashing import hash_bytes
from mvc.quality.finding import Finding
from mvc.quality.judge.facts import Landing
from mvc.quality.judge.judge import judge
from mvc.quality.judge.rules.waivers import WAIVABLE, parse_waivers, waived

SCHEMA = jsonschema.Draft202012Validator(json.loads((PROJECT / "docs/schemas/waivers.schema.json").read_text()))


def test_a_file_is_read() -> None:
    (found,) = parse_waivers((waiver() + "x-team: search\n").encode())
    assert (found.code, found.model, found.report) == ("MVC202", DIGEST.blake3, hash_bytes(LOW.raw).blake3)
    assert (found.owner, found.reason, found.expires) == ("ada@example.com", "known, fixed in v1.3", "2027-01-31")
    assert parse_waivers(b"mvc-waivers: 1\nwaivers: []\n") == ()
    assert parse_waivers(waiver().replace('"2027-01-31"', "2027-01-31").encode()) == (found,)
    SCHEMA.validate(yaml.safe_load(waiver()))


WRONG = {
    "code": ["MVC102", "MVC304", "MVC305", "MVC309", "MVC411", "MVC401", "202", "mvc202", "MVC2022", "", "*"],
    "model": ["", "a" * 63, "A" * 64, "*"],
    "report": ["a" * 63, "A" * 64],
    "expires": ["", "never", "2027-1-31", "2027-01-31T00:00:00Z", "20270131", "2027-01-3\u0661"],
}


@pytest.mark.parametrize(("key", "text"), [(key, text) for key, texts in WRONG.items() for text in texts])
def test_what_is_wrong_is_refused(key: str, text: str) -> None:
    with pytest.raises(InvalidFormat, match=r"waiver 1: "):
        parse_waivers(waiver(**{key: text}).encode())
    assert not SCHEMA.is_valid(yaml.safe_load(waiver(**{key: text})))


@pytest.mark.parametrize("raw", [
    waiver(expires="2027-02-30"),
    waiver(reason=" "),
    waiver(owner=""),
    waiver().replace("    reason", "    because"),
    waiver().replace("    owner", "    place: 'x'\n    owner"),
    waiver() + "more: 1\n",
    waiver().replace("waivers: 1", "waivers: 2"),
    waiver().replace("  - code", "  - &a code"),
    "",
    "waivers: []\n",
])
def test_so_is_every_other_typo(raw: str) -> None:
    with pytest.raises(InvalidFormat):
        parse_waivers(raw.encode())


@given(st.from_regex(r"MVC[1-4][0-9][0-9]", fullmatch=True))
def test_only_findings_about_models_that_were_read_can_be_waived(code: str) -> None:
    assert bool(WAIVABLE.fullmatch(code)) == (code[3] != "4" and code not in {"MVC102", "MVC304", "MVC305", "MVC309"})


def test_the_note_says_who_until_when_and_why() -> None:
    (note,) = judge(waiving(waiver()), 0).findings
    for text in ("MVC202", "ada@example.com", "2027-01-31", "known, fixed in v1.3", "auc is 0.88"):
        assert text in note.message


def test_every_finding_of_the_code_is_covered_and_no_other() -> None:
    policy = rule("metrics: {auc: {min: 0.9}}", more="metrics: {auc: {max: 0.1}, f1: {min: 0}}")
    found = judge(waiving(waiver(), policy=policy), 0).findings
    assert [item.code for item in found] == ["MVC201", "MVC203", "MVC415"]


def test_only_errors_of_models_in_the_change_are_covered() -> None:
    facts = facts_of(None, (model(LOW),), (), Landing(waivers=at(waiver().encode())))
    for other in (Finding("MVC202", "error", "elsewhere", ""), Finding("MVC202", "note", PATH, "")):
        assert waived(facts, [other], 0) == [other]
    assert waived(facts._replace(landing=None), [Finding("MVC202", "error", PATH, "")], 0)[0].code == "MVC202"


@pytest.mark.parametrize("changed", [
    {"pointer": None}, {"pointer": at(b"junk")}, {"pointer": at(b"x", "120000")}, {"report": at(LOW.raw, "120000")},
    {"report": at(LOW.raw, conflicted=True)},
])
def test_what_cannot_be_read_is_nothing_that_a_waiver_names(changed: dict[str, object]) -> None:
    facts = facts_of(None, (model(LOW, **changed),), (), Landing(waivers=at(waiver().encode())))
    finding = Finding("MVC202", "error", PATH, "")
    assert waived(facts, [finding], 0) == [finding]
