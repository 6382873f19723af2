"""Every code is raised, explained and documented."""

from __future__ import annotations

import re

import pytest
from harness import PROJECT, Repo
from quality.cases import CASES

from mvc.quality.judge.codes import CODES, find, near
from mvc.quality.judge.judge import judge

FOUND = [finding for case in CASES.values() for finding in judge(case.facts, 0).findings]


def test_every_code_is_raised_by_a_case_and_no_other() -> None:
    assert {finding.code for finding in FOUND} == set(CODES)


@pytest.mark.parametrize("code", CODES)
def test_the_example_is_what_the_judge_says(code: str) -> None:
    assert CODES[code].example in {f"{item.path}: {item.message}" for item in FOUND if item.code == code}


def test_no_other_code_stands_in_the_sources() -> None:
    sources = "".join(path.read_text() for path in (PROJECT / "mvc").rglob("*.py"))
    assert set(re.findall(r"MVC\d{3}\b", sources)) <= set(CODES)


def test_every_code_is_documented() -> None:
    page = (PROJECT / "docs/policy.md").read_text().partition("\n## Findings\n")[2].partition("\n## ")[0]
    rows = [row.strip("| ").split(" | ") for row in page.splitlines() if row.startswith("| `MVC")]
    assert rows == [[f"`{item.code}`", item.title, item.fix] for item in CODES.values()]


def test_texts_are_sentences() -> None:
    for item in CODES.values():
        assert re.fullmatch(r"MVC[1-4]\d\d", item.code)
        assert item.meaning.endswith(".")
        assert item.fix.endswith(".")
        assert "|" not in item.fix


@pytest.mark.parametrize("word", ["MVC101", "mvc101", "101"])
def test_a_code_is_found_however_it_is_typed(word: str) -> None:
    assert find(word) is CODES["MVC101"]


def test_near_codes() -> None:
    assert near("MVC1011")[0] == "MVC101"
    assert near("gap") == []
    assert near("slice") == ["MVC205", "MVC206", "MVC225"]


def test_explain_lists_all_codes(repo: Repo) -> None:
    lines = repo.ok("explain").out.splitlines()
    assert lines[:-1] == [f"{item.code}  {item.title}" for item in CODES.values()]
    assert repo.ok("explain", "--json").json == [item._asdict() for item in CODES.values()]


def test_explain_says_what_a_finding_means(repo: Repo) -> None:
    item = CODES["MVC103"]
    text = repo.ok("explain", "mvc103").out
    for part in item:
        assert " ".join(part.split()) in " ".join(text.split())
    assert max(map(len, text.splitlines())) <= 100
    assert repo.ok("explain", "103", "--json").json == item._asdict()


@pytest.mark.parametrize(
    ("word", "fix"), [("MVC1O1", "mvc explain MVC101"), ("stale", "mvc explain"), ("pointer", "mvc explain MVC106")],
)
def test_an_unknown_code_names_near_ones(repo: Repo, word: str, fix: str) -> None:
    result = repo.fails(2, "explain", word)
    assert result.fixes == [fix]
    assert repr(word) in result.errors[0]


def test_explain_needs_no_repository(repo: Repo, tmp_path: object) -> None:
    assert repo.ok("explain", "101", cwd=str(tmp_path)).out == repo.ok("explain", "101").out
