"""The rows of the gate's table, and their verdicts."""

from __future__ import annotations

from typing import Any

import pytest

from mvc.quality.finding import Comparison, Finding, Judged
from mvc.quality.render.table import rows


def finding(path: str) -> Finding:
    return Finding("MVC221", "error", path, path, path)


def test_what_is_waived_says_so() -> None:
    row = Comparison("auc", 0.93, 0.7, "≥ 0.8, -0.01 from base", passed=False, codes=("MVC202", "MVC221"))
    model = Judged("a", "changed", comparisons=(row,))
    note = Finding("MVC415", "note", "a", "MVC202 is waived")
    left = Finding("MVC221", "error", "a", "worse")
    assert [item.verdict for item in rows([model], [note])] == ["waived"]
    assert [item.verdict for item in rows([model], [note, left])] == ["failed"]
    assert [item.verdict for item in rows([model], [note, left._replace(path="b")])] == ["waived"]
    unknown = model._replace(comparisons=(row._replace(codes=()),))
    assert [item.verdict for item in rows([unknown], [note])] == ["failed"]


def test_models_without_a_comparison() -> None:
    models = [Judged("a", "added", tag="v1.0.0"), Judged("b", "deleted", old_tag="v1.0.0"), Judged("c", "renamed", "d")]
    found = [finding("a")]
    assert [(row.model, row.tag, row.verdict) for row in rows(models, found)] == [
        ("a (added)", "v1.0.0", "failed"), ("b (deleted)", "v1.0.0 → -", "ok"), ("c (renamed from d)", "-", "unjudged"),
    ]


def test_only_what_keeps_a_rule_is_ok() -> None:
    good, free = Comparison("auc", 0.9, 0.91, "≥ 0.9", passed=True), Comparison("f1", 0.9, 0.1, "", passed=True)
    model = Judged("a", "changed", comparisons=(good, free))
    assert [row.verdict for row in rows([model], [])] == ["ok", "unjudged"]
    assert [row.verdict for row in rows([model], [finding("a")])] == ["refused", "unjudged"]
    others = [finding("a")._replace(severity="warning"), finding("b")]
    assert [row.verdict for row in rows([model], others)] == ["ok", "unjudged"]


@pytest.mark.parametrize(
    ("change", "old", "new", "shown"),
    [
        ("changed", "", "", "a"), ("changed", "ranker", "ranker", "a (name ranker)"),
        ("added", "", "ranker", "a (name ranker, added)"), ("changed", "spam", "ranker", "a (name spam → ranker)"),
        ("changed", "spam", "", "a (name spam → -)"), ("deleted", "spam", "", "a (name spam, deleted)"),
        ("renamed", "spam", "spam", "a (name spam, renamed from b)"),
    ],
)
def test_names_stand_in_the_table(change: Any, old: str, new: str, shown: str) -> None:
    model = Judged("a", change, "b" if change == "renamed" else "", old_name=old, name=new)
    assert [row.model for row in rows([model], [])] == [shown]
