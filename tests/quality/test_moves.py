"""Findings about a tree as a whole: duplicate paths and names, moves out of a rule, exchanged models."""

from __future__ import annotations

from typing import Any

import pytest
from quality.cases import BASIC, at, earlier, facts_of, model, report, version

from mvc.quality.judge.facts import Landing, ModelFacts, Past, TrackedName
from mvc.quality.judge.rules.moves import judge_moves
from mvc.quality.policy.policy import parse_policy

FLOORS = (
    f"{BASIC}rules:\n  - {{match: 'models/**', metrics: {{auc: {{min: 0.9}}}}}}\n"
    "  - {match: 'other/**', metrics: {f1: {min: 0.9}}}\n  - {match: 'data/**', report: optional}\n"
)


def found(
    *models: ModelFacts, tracked: tuple[TrackedName, ...] = (), gone: tuple[str, ...] = (), policy: str = FLOORS,
) -> list[tuple[str, str, str]]:
    """Return code, path and message of the findings about a change."""
    there = tuple(TrackedName(item.path) for item in models if item.pointer)
    landing = Landing(tracked=tracked or there, gone=tuple(version(earlier(), path=path) for path in gone))
    facts = facts_of(at(policy.encode()), models, landing=landing)
    return [(item.code, item.path, item.message) for item in judge_moves(facts, parse_policy(policy.encode()))]


def changed(path: str, before: str = "", **said: Any) -> ModelFacts:
    """Return a model of a change that succeeds the one at `before`, if given."""
    past = Past(version(earlier(), path=before), "rename") if before else Past()
    return model(report(), path, past=past)._replace(**said)


def short(rows: list[tuple[str, str, str]]) -> list[tuple[str, str]]:
    return [(code, path) for code, path, _ in rows]


# Duplicates.


def paths(*names: str) -> tuple[TrackedName, ...]:
    return tuple(map(TrackedName, names))


@pytest.mark.parametrize(
    ("path", "other"),
    [
        ("models/A", "models/a"),
        ("Models/a", "models/a"),
        ("caf\u00e9", "cafe\u0301"),
        ("stra\u00dfe", "STRASSE"),
        ("models", "models/a"),
        ("Models", "models/a/b"),
    ],
)
def test_paths_that_are_one_elsewhere(path: str, other: str) -> None:
    for one, two in ((path, other), (other, path)):
        rows = [row for row in found(changed(one), tracked=paths(one, two, "x")) if row[0] != "MVC325"]
        assert {code for code, _, _ in rows} == {"MVC323"}
        assert len(rows) == 1
    assert found(changed("x"), tracked=paths(path, other, "x")) == []


@pytest.mark.parametrize(("path", "other"), [("a", "b"), ("a", "ab"), ("a/b", "a.b"), ("a/b", "a/c"), ("a-b/c", "a")])
def test_paths_that_are_two_everywhere(path: str, other: str) -> None:
    assert found(changed(path), tracked=paths(path, other)) == []


def test_both_twins_are_named_when_both_are_changed() -> None:
    assert short(found(changed("a"), changed("A"))) == [("MVC323", "A"), ("MVC323", "a")]


def test_a_twin_that_is_deleted_is_none() -> None:
    assert found(changed("a"), changed("A", pointer=None), tracked=paths("a")) == []


def test_names_that_two_models_have() -> None:
    tracked = (TrackedName("a", "x"), TrackedName("b", "x"), TrackedName("c", "y"), TrackedName("d"), TrackedName("e"))
    assert short(found(changed("a"), tracked=tracked)) == [("MVC324", "a")]
    assert short(found(changed("a"), changed("b"), tracked=tracked)) == [("MVC324", "a"), ("MVC324", "b")]
    assert found(changed("c"), changed("d"), tracked=tracked) == []


# Moves.


def test_a_move_to_where_less_is_demanded() -> None:
    (row,) = found(changed("data/a", "models/a"))
    assert row[:2] == ("MVC325", "data/a")
    assert row[2] == "it was moved from models/a, where the policy demands more: a report, auc"


def test_a_move_to_where_other_things_are_demanded() -> None:
    assert short(found(changed("other/a", "models/a"))) == [("MVC325", "other/a")]


def test_a_move_to_where_as_much_is_demanded() -> None:
    assert found(changed("models/b", "models/a")) == []
    assert found(changed("models/b", "data/a")) == []
    assert found(changed("models/a", "models/a")) == []


APART = f"{BASIC}rules:\n  - {{match: '*.bin', metrics: {{auc: {{min: 0.9}}}}}}\n"


@pytest.mark.parametrize("path", ["models", "models/prod", "Models", "STRASSE"])
def test_a_directory_in_which_a_model_lay_of_which_more_is_demanded(path: str) -> None:
    old = "stra\u00dfe/r.bin" if path == "STRASSE" else "models/prod/r.bin"
    (row,) = found(changed(path), gone=(old,), policy=APART)
    assert row == ("MVC325", path, f"it replaces {old}, where the policy demands more: auc")


def test_another_spelling_of_a_path_of_which_more_is_demanded() -> None:
    assert short(found(changed("other/A.Bin"), gone=("other/a.bin",), policy=APART)) == [("MVC325", "other/A.Bin")]


def test_what_took_no_place() -> None:
    for path in ("model", "models/prod/r", "other", "models/pro"):
        assert found(changed(path), gone=("models/prod/r.bin",), policy=APART) == []
    assert found(changed("models"), gone=("models/a",), policy=APART) == []
    assert found(changed("models", pointer=None), gone=("models/a.bin",), policy=APART) == []


def test_a_move_to_another_spelling_is_told_once() -> None:
    (row,) = found(changed("other/A", "models/a"), gone=("models/a", "Other/a"))
    assert row[2] == "it was moved from models/a, where the policy demands more: auc"


def test_a_model_that_is_gone_moves_nowhere() -> None:
    assert found(changed("data/a", "models/a", pointer=None)) == []


def test_many_losses_are_named_in_part() -> None:
    metrics = ", ".join(f"m{number}: {{min: 1}}" for number in range(9))
    policy = f"{BASIC}rules:\n  - {{match: '/a', metrics: {{{metrics}}}}}\n"
    assert found(changed("b", "a"), policy=policy)[0][2].endswith("m0, m1, m2 …")


# Exchanged.


def test_one_goes_and_one_comes_under_one_rule() -> None:
    assert short(found(changed("models/new"), gone=("models/old",))) == [("MVC326", "models/new")]
    assert short(found(changed("models/b"), changed("models/c"), gone=("models/a",))) == [
        ("MVC326", "models/b"), ("MVC326", "models/c"),
    ]


@pytest.mark.parametrize(
    ("new", "old"), [("other/new", "models/old"), ("data/new", "data/old"), ("models/new", "x"), ("x", "models/old")],
)
def test_what_no_rule_with_metrics_ties_together_is_not_exchanged(new: str, old: str) -> None:
    assert found(changed(new), gone=(old,)) == []


def test_what_has_a_successor_is_not_exchanged() -> None:
    assert found(changed("models/b", "models/a"), gone=("models/a",)) == []
    assert short(found(changed("models/b", "models/a"), changed("models/c"), gone=("models/a",))) == []


def test_what_an_exchange_is_compared_with_is_said() -> None:
    (row,) = found(changed("models/new"), gone=("models/old",))
    assert row[2] == "it is new, and models/old is deleted, under one rule with metrics"
    new, stays = changed("models/b", "models/c"), changed("models/c", "models/c")
    (row,) = found(new, stays, gone=("models/a",))
    said = "it is compared only with models/c, which stays, and models/a is deleted, under one rule with metrics"
    assert row[2] == said


def test_what_has_a_predecessor_is_not_exchanged() -> None:
    assert found(changed("models/b", "models/b"), gone=("models/a",)) == []


def test_what_has_the_name_of_one_that_stays_is_exchanged() -> None:
    new, stays = changed("models/b", "models/c"), changed("models/c", "models/c")
    assert short(found(new, stays, gone=("models/a",))) == [("MVC326", "models/b")]
    assert short(found(new, tracked=paths("models/b", "models/c"), gone=("models/a",))) == [("MVC326", "models/b")]
    assert found(new, changed("models/c", "models/b"), gone=("models/a",)) == []


def test_deleting_alone_exchanges_nothing() -> None:
    gone = changed("models/a", "models/a", pointer=None, report=None)
    assert found(gone, gone=("models/a",)) == []


def test_at_the_hook_nothing_is_known() -> None:
    assert list(judge_moves(facts_of(at(FLOORS.encode()), (model(),)), parse_policy(FLOORS.encode()))) == []
