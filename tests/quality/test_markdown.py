"""The gate's verdict as Markdown: names from a pull request cannot break out of it or mention anybody."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from quality.hostile import HOSTILE

from mvc.quality.finding import Comparison, Finding, Judged
from mvc.quality.render.markdown import MAX_BYTES, code, render
from mvc.quality.render.table import rows

SPAN = re.compile(r"`[^`|\n]*`")


def judged(text: str) -> Judged:
    row = Comparison(text, 0.931, 0.902, text, passed=False)
    return Judged(text, "renamed", text, text, text, (row, row._replace(metric=f"{text}[a=b]")), text, text)


def finding(text: str) -> Finding:
    return Finding("MVC221", "error", text, text, text)


@pytest.mark.parametrize("text", HOSTILE)
def test_what_is_hostile_stays_in_its_span(text: str) -> None:
    check(text)


@given(st.text(alphabet=st.one_of(st.characters(), st.sampled_from("`|\\@<>#:~[]()\n\r *_"))))
def test_so_does_anything(text: str) -> None:
    check(text)


def check(text: str) -> None:
    told = render("Gate failed", [judged(text)], [finding(text)])
    assert all(char.isprintable() or char == "\n" for char in told)
    prose, _, block = told.partition("To type:")
    for line in prose.splitlines():
        bare = SPAN.sub("", line)
        assert re.fullmatch(r"[\w .,:|+→Δ#-]*", bare), line
        if line.startswith("| "):
            assert bare.count("|") in (5, 9), line
        assert not line.lstrip().startswith("::")
    if block:
        fence, *lines = block.strip().splitlines()
        fence = fence.removesuffix("sh")
        assert lines[-1] == fence
        assert not any(line.strip().startswith(fence) for line in lines[:-1])
        assert not any(line.lstrip().startswith("::") for line in lines)


def test_a_span_is_what_it_was_of() -> None:
    assert code("models/ranker.onnx") == "`models/ranker.onnx`"
    assert code("a`b|c\nd") == "`a\\x60b\\x7cc\\nd`"
    assert code("  ") == ""


def test_the_table() -> None:
    model = Judged("m.bin", "changed", "", "v1.0.0", "v1.1.0", (
        Comparison("auc", 0.931, 0.902, "-0.01 from base", passed=False),
        Comparison("auc[country=DE]", None, 0.9, "", passed=True),
        Comparison("loss", 1e-20, 3e-20, "≤ 1", passed=True),
    ))
    text = render("Gate failed", [model], [Finding("MVC221", "error", "m.bin", "worse", "mvc eval record m.bin")])
    head, table, slices, findings, *to_type = text.rstrip("\n").split("\n\n| ")
    assert head == "### Gate failed"
    assert table.splitlines()[2:] == [
        "| `m.bin` | `v1.0.0 → v1.1.0` | `auc` | 0.931 | 0.902 | -0.029 | `-0.01 from base` | failed |",
        "| `m.bin` | `v1.0.0 → v1.1.0` | `loss` | 1e-20 | 3e-20 | +2e-20 | `≤ 1` | refused |",
        "",
        "Slices:",
    ]
    assert slices.splitlines()[2:] == [
        "| `m.bin` | `v1.0.0 → v1.1.0` | `auc[country=DE]` | - | 0.9 | - | - | unjudged |",
    ]
    assert findings.endswith("| error | MVC221 | `m.bin` | `worse` |\n\nTo type:\n\n```sh\nmvc eval record m.bin\n```")
    assert to_type == []


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
    assert "| waived |" in render("Gate passed", [model], [note])


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
    assert "| refused |" in render("Gate failed", [model], [finding("a")])


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


def test_long_tables_are_cut() -> None:
    text = render("Gate failed", [Judged(f"m{number}", "added") for number in range(5000)], [])
    assert "| ... and 4,900 more |" in text
    assert len(text) < 20_000


def test_errors_are_not_cut_for_the_sake_of_remarks() -> None:
    notes = [Finding("MVC220", "note", f"a{number}", "new") for number in range(100)]
    told = render("Gate failed", [], [*notes, finding("z")])
    assert "| error | MVC221 | `z` | `z` |" in told
    assert "| ... and 1 more |" in told


@pytest.mark.parametrize(("text", "limit"), [
    ("`" * 3000, MAX_BYTES), ("`" * 3000, 65_536), ("\U0001f600" * 400, MAX_BYTES), ("\x1b" * 40, 10_000),
    ("a", MAX_BYTES),
])
def test_it_fits_and_counts_what_is_left_out(text: str, limit: int) -> None:
    """Each model has a row, a slice, a finding and a line to type."""
    models = [judged(f"{number}{text}") for number in range(150)]
    findings = [finding(f"{number}{text}") for number in range(150)]
    told = render("Gate failed", models, findings, limit)
    assert len(told.encode()) <= limit
    head, _, commands = told.partition("To type:\n\n")
    for block in [*head.split("\n\n| ")[1:], commands]:
        lines = [line for line in block.splitlines()[1:] if re.match(r"\| .*\d|\d|# \.\.\.|\| \.\.\.", line)]
        (more,) = (int(found[1]) for line in lines if (found := re.search(r"\.\.\. and (\d+) more", line)))
        assert len(lines) - 1 + more == 150
        assert len(lines) - 1 <= 100


def test_a_limit_below_the_least_leaves_the_counts() -> None:
    told = render("Gate failed", [judged("m")], [finding("m")], -5)
    assert told.count("and 1 more") == 4
    assert len(told) < 1000


def test_nothing_but_the_title() -> None:
    assert render("Gate passed", [], []) == "### Gate passed\n"
