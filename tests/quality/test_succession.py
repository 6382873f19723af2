"""Tags that are unique and increase; earlier versions that return."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from quality.cases import DIGEST, EARLIER, FILE, OLDER, PATH, at, earlier, model, report, rule, version

from mvc.errors import InvalidFormat
from mvc.objects.pointer import Notes, emit, file_pointer
from mvc.quality.files import FileAt
from mvc.quality.judge.facts import ModelVersion, Past
from mvc.quality.judge.rules.past.succession import judge_return, judge_tag, returning
from mvc.quality.policy.demands import Demands, demands
from mvc.quality.policy.policy import parse_policy
from mvc.quality.reports.report_document import parse_report
from mvc.quality.reports.tags import Version as Number
from mvc.quality.reports.tags import parse_version

COMMIT = "1234567890abcdef"


def asked(text: str = "report: required", more: str = "") -> Demands:
    return demands(parse_policy(rule(text, more=more).encode()), PATH)


def codes(tag: str, *before: ModelVersion, text: str = "report: required", more: str = "", **said: Any) -> list[str]:
    """Return the findings about a tag after others, newest first."""
    past = Past(before[0] if before else None, "path", before)._replace(**said)
    found = judge_tag(PATH, parse_report(report(tag=tag).raw, ""), file_pointer(DIGEST), asked(text, more), past)
    return [item.code for item in found]


def tagged(tag: str, **said: Any) -> ModelVersion:
    return version(earlier(tag=tag, **said))


# Increasing.


@pytest.mark.parametrize(
    ("old", "new", "up"),
    [
        ("v1.2.0", "v1.2.1", True),
        ("1.2.0", "v1.3.0", True),
        ("v1.2.0-rc.1", "v1.2.0", True),
        ("v1.2.0-rc.9", "v1.2.0-rc.10", True),
        ("v1.2.0", "v1.2.0-rc.1", False),
        ("v1.10.0", "v1.9.0", False),
        ("v1.2.0", "1.2.0", False),
        ("v1.2.0+b", "v1.2.0+c", False),
        ("first", "v0.0.1", False),
        ("v9.0.0", "second", False),
        ("v2.0.0", "v1.0", False),
        ("ranker-v2", "ranker-v1.9", False),
        ("ranker-v1.9", "ranker-v2", True),
        ("v2.0", "spam-v3.0", False),
    ],
)
def test_versions_go_up(old: str, new: str, up: bool) -> None:
    found = codes(new, tagged(old), text='tag: {pattern: ".*", unique: false}')
    assert found == ([] if up else ["MVC122"])


VERSIONS = st.builds(
    lambda numbers, pre: ".".join(map(str, numbers)) + (f"-{pre}" if pre else ""),
    st.tuples(*[st.integers(0, 3)] * 3), st.sampled_from(["", "a", "rc.1", "rc.2"]),
)


@settings(deadline=None)
@given(VERSIONS, VERSIONS)
def test_of_two_versions_one_comes_after_the_other_or_they_are_one(old: str, new: str) -> None:
    ranks = [number.rank for number in map(parse_version, (old, new)) if isinstance(number, Number)]
    up, down = (codes(tag, tagged(other), text="tag: {unique: false}") for tag, other in ((new, old), (old, new)))
    assert (up == [], down == []) == (ranks[1] > ranks[0], ranks[0] > ranks[1])


def test_the_tag_before_is_that_of_the_newest_report_that_counts() -> None:
    broken, stale = version(at(b"tag: v9.0.0")), tagged("v8.0.0", of=OLDER)
    assert codes("v1.3.0", broken, stale, tagged("v1.2.0")) == []
    assert codes("v1.3.0", broken, stale, tagged("v1.4.0")) == ["MVC122"]


def test_one_rule_that_demands_it_is_enough() -> None:
    lax, strict = "tag: {monotonic: false}", "tag: {monotonic: true}"
    assert codes("v1.0.0", tagged("v1.1.0"), text=lax, more=strict) == ["MVC122"]
    lax, strict = "tag: {unique: false, monotonic: false}", "tag: {monotonic: false}"
    assert codes("v1.1.0", tagged("v1.1.0"), text=lax) == []
    assert codes("v1.1.0", tagged("v1.1.0"), text=lax, more=strict) == ["MVC121"]


def test_a_report_without_a_tag_is_somebody_elses_business() -> None:
    assert codes("", tagged("")) == []


# Unique.


@pytest.mark.parametrize("git", ["ranker@v1.3.0", "a/b@v1.3.0", "ranker@1.3.0"])
def test_a_git_tag_takes_a_version_whatever_its_report_says(git: str) -> None:
    assert codes("v1.3.0", registered=(version(None, tag=git),)) == ["MVC121"]
    assert codes("v1.3.0", registered=(version(earlier(tag="v1.0.0"), tag=git),)) == ["MVC121"]
    assert codes("v1.3.0", registered=(version(None, of=DIGEST, tag=git),)) == []
    assert codes("v1.4.0", registered=(version(None, tag=git),)) == []


def test_the_report_under_a_git_tag_takes_one_too() -> None:
    registered = version(earlier(tag="v1.3.0"), tag="ranker@v1.2.0")
    assert "MVC121" in codes("v1.3.0", registered=(registered,))


def test_a_branch_that_was_merged_takes_one_unless_base_has_it_for_these_bytes() -> None:
    taken, mine = tagged("v1.3.0")._replace(pointer=None), tagged("v1.3.0", of=DIGEST)
    assert codes("v1.3.0", merged_branch_reports=(taken,)) == ["MVC121"]
    assert codes("v1.3.0", tagged("v1.2.0"), merged_branch_reports=(mine, taken)) == ["MVC121"]
    assert codes("v1.3.0", mine, merged_branch_reports=(taken,)) == []
    assert codes("v1.4.0", merged_branch_reports=(taken,)) == []
    assert codes("v1.3.0", registered=(mine,), merged_branch_reports=(taken,)) == ["MVC121"]


def test_where_a_tag_was_given_is_said() -> None:
    git, commit = "ranker@v1.3.0", f"since commit {COMMIT[:12]}"
    taken = tagged("v1.3.0", of=OLDER)
    merged = (taken._replace(pointer=None),)
    assert f"{commit}; the" in told(versions=(taken,))
    assert f"since Git tag {git}; the" in told(registered=(taken._replace(tag=git),))
    assert f"{commit}, on a merged branch; the" in told(merged_branch_reports=merged)


def told(**past: Any) -> str:
    (found,) = judge_tag(PATH, parse_report(report(tag="v1.3.0").raw, ""), file_pointer(DIGEST), asked(), Past(**past))
    return found.message


def test_a_pointer_that_cannot_be_read_takes_nothing_away() -> None:
    gone = version(earlier(tag="v1.3.0"), tag="ranker@v1.3.0")._replace(pointer=at(b"junk"))
    assert codes("v1.3.0", registered=(gone,)) == ["MVC121"]


TEXT = st.text(st.sampled_from("av1.0'\" \\:#-\u00e9"), min_size=1, max_size=8)


@settings(deadline=None)
@given(TEXT, st.sampled_from(["'", '"', None]), st.integers(4, 20))
def test_a_tag_is_found_however_yaml_spells_it(tag: str, style: str | None, width: int) -> None:
    raw = earlier(tag="TAG").raw.replace(b'tag: "TAG"\n', b"")
    raw += yaml.dump({"tag": tag}, default_style=style, width=width, allow_unicode=True).encode()
    try:
        said = parse_report(raw, "").tag
    except InvalidFormat:
        return
    assert said == tag
    found = codes(tag, version(None), version(at(raw)), text='tag: {pattern: ".*", monotonic: false}')
    assert found == ["MVC121"]


# Returning.


def back(*before: ModelVersion, found: Any = "path", pointer: FileAt | None = None, **said: Any) -> ModelVersion | None:
    past = Past(before[0], found, before)._replace(**said)
    return returning(model(pointer=pointer or at(FILE)), past)


NOW, THEN = version(earlier()), version(report(), of=DIGEST, commit="then")


def test_a_pair_comes_back() -> None:
    assert back(NOW, THEN) == THEN
    assert back(NOW, THEN._replace(path="elsewhere")) == THEN._replace(path="elsewhere")


def test_what_base_has_does_not_come_back() -> None:
    assert back(THEN) is None
    assert back(THEN, NOW, THEN) is None
    assert back(THEN._replace(path="elsewhere"), found="rename") is None
    assert returning(model(), Past()) is None


def test_what_was_deleted_comes_back() -> None:
    assert back(THEN, found="history") == THEN


@pytest.mark.parametrize(
    "then",
    [
        THEN._replace(report=report(desc="another")),
        THEN._replace(report=None),
        THEN._replace(pointer=None),
        THEN._replace(pointer=at(emit(file_pointer(EARLIER)))),
        THEN._replace(pointer=at(emit(file_pointer(DIGEST, executable=True)))),
        THEN._replace(pointer=at(FILE, "120000")),
        THEN._replace(report=report()._replace(mode="120000")),
    ],
)
def test_half_of_a_pair_does_not_come_back(then: ModelVersion) -> None:
    assert back(NOW, then) is None


def test_a_pair_that_never_fitted_does_not_come_back() -> None:
    """A report of other content is not a version, even next to exactly this pointer."""
    stale = earlier(of=OLDER)
    past = Past(NOW, "path", (NOW, version(stale, of=DIGEST)))
    assert returning(model(stale), past) is None


def test_notes_in_a_pointer_make_no_other_pair() -> None:
    noted = at(emit(file_pointer(DIGEST, notes=Notes("ranker", "better"))))
    assert back(NOW, THEN, pointer=noted) == THEN


def test_what_git_registers_of_it_is_told() -> None:
    registered = THEN._replace(tag="ranker@v1.2.0", commit="tagged")
    found = back(NOW, THEN, registered=(NOW._replace(tag="ranker@v1.1.0"), registered))
    assert found == THEN._replace(tag="ranker@v1.2.0")
    assert back(NOW, registered=(registered,)) is None


@pytest.mark.parametrize(
    ("rollbacks", "tag", "code"),
    [
        (("history",), "", "MVC120"),
        (("registered",), "", "MVC123"),
        (("registered",), "ranker@v1.2.0", "MVC120"),
        (("deny",), "ranker@v1.2.0", "MVC123"),
        (("history", "deny"), "", "MVC123"),
        (("history", "registered"), "", "MVC123"),
    ],
)
def test_which_versions_may_come_back(rollbacks: tuple[str, ...], tag: str, code: str) -> None:
    wanted = asked(*(f"tag: {{pattern: '{number}|.*', rollback: {word}}}" for number, word in enumerate(rollbacks)))
    (finding,) = judge_return(PATH, THEN._replace(tag=tag, commit=COMMIT), wanted)
    assert finding.code == code
    assert (tag or "v1.2.0") in finding.message
