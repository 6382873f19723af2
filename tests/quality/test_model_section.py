"""The section of a model: its metrics with errors and history, slices, size, files and data, from its versions."""

from __future__ import annotations

from typing import Any

import pytest
from quality.cases import DATA, FILE, MODEL, OTHER, at, directory

from mvc.objects.pointer_reader import parse
from mvc.quality.files import FileAt, ModelFiles
from mvc.quality.finding import Comparison, Finding, Judged
from mvc.quality.render.model_section import section
from mvc.quality.render.table import Found
from mvc.quality.reports.report import Dataset, Metric, Model, Report, Train, Used, label
from mvc.quality.reports.report_document import emit

ROOM = 4000


def version(*metrics: Metric, pointer: bytes = FILE, **said: Any) -> ModelFiles:
    said = {"model": Model(parse(pointer).digest.blake3), **said}
    return ModelFiles(at(pointer), at(emit(Report(1, metrics=list(metrics), **said))))


def of(values: tuple[float | None, ...], errors: tuple[float | None, ...] = (), **said: Any) -> list[ModelFiles]:
    """Return versions with a metric, the newest first."""
    errors = errors or (None,) * len(values)
    return [
        version(*([] if value is None else [Metric("auc", value, stderr=error, **said)]))
        for value, error in zip(values, errors, strict=True)
    ]


def told(files: list[ModelFiles], *rows: Comparison, findings: tuple[Finding, ...] = ()) -> list[str]:
    model = Judged("m", "changed", "", "v1.0.0", "v1.1.0", rows)
    head, *parts = section(model, files, Found.of(findings), ROOM).split("\n\n")
    assert head == "#### `m` `v1.0.0 → v1.1.0`"
    return parts


def row(old: float | None, new: float | None, metric: str = "auc") -> Comparison:
    return Comparison(metric, old, new, "≥ 0.9", passed=True)


def cells(files: list[ModelFiles], item: Comparison) -> dict[str, str]:
    """Return the cells of one metric by heading."""
    head, _, line = told(files, item)[0].splitlines()
    return dict(zip(head.strip("| ").split(" | "), line.strip("| ").split(" | "), strict=True))


# Metrics.


@pytest.mark.parametrize(("values", "errors", "old", "change"), [
    ((0.9, 0.92), (0.03, 0.04), 0.92, "-0.02\u00a0±\u00a00.05"),
    ((0.9, 0.92), (0.0, 0.0), 0.92, "-0.02\u00a0±\u00a00"),
    ((0.9, 0.92), (0.03, None), 0.92, "-0.02"), ((0.9, 0.92), (None, 0.04), 0.92, "-0.02"),
    ((0.9, 0.92), (None, None), 0.92, "-0.02"), ((0.9, None), (0.03, None), None, "-"),
    ((0.9, 0.92, 0.95), (0.03, 9, 0.04), 0.95, "-0.05\u00a0±\u00a00.05"),
    ((0.9, 0.92, 0.92), (0.03, 0.04, 0.4), 0.92, "-0.02"), ((0.9, 0.92), (0.03, 0.04), 0.94, "-0.04"),
])
def test_a_change_has_an_error_where_both_reports_have_one(
    values: tuple[float | None, ...], errors: tuple[float | None, ...], old: float | None, change: str,
) -> None:
    """The value before may be the best of all, or a registered one."""
    assert cells(of(values, errors), row(old, 0.9))["Δ"] == change


@pytest.mark.parametrize(("values", "drawn"), [
    ((3, 2, 1), "▁▅█"), ((3, None, 1, 2), "▅▁·█"), ((2, 2, 2), "▄▄▄"), ((3, 2), None), ((3, None, 1), None),
    ((None, 2, 1, 3), None),
])
def test_the_history_is_drawn_from_the_oldest_version_to_the_judged_one(
    values: tuple[float | None, ...], drawn: str | None,
) -> None:
    assert cells(of(values), row(values[1], values[0])).get("history") == drawn


def test_what_was_measured_on_other_data_is_a_gap() -> None:
    files = [
        version(Metric("auc", value, dataset="holdout"), datasets=[Dataset("holdout", data)])
        for value, data in ((4, DATA), (3, OTHER), (2, DATA), (1, DATA))
    ]
    assert cells(files, row(3, 4, "auc@holdout"))["history"] == "▁▃·█"


def test_a_report_of_other_content_counts_for_nothing() -> None:
    stale = of((2,))[0]._replace(pointer=at(FILE.replace(MODEL.blake3.encode(), OTHER.encode())))
    assert "history" not in cells([*of((3,)), stale, *of((1,))], row(2, 3))


@pytest.mark.parametrize(("passed", "codes", "found", "verdict"), [
    (True, (), (), "ok"), (True, (), ("MVC101",), "**refused**"),
    (False, ("MVC202", "MVC221"), ("MVC221",), "**failed**\u00a0MVC221"),
    (False, ("MVC202", "MVC221"), ("MVC202", "MVC221"), "**failed**\u00a0MVC202\u00a0MVC221"),
    (False, ("MVC202",), (), "waived"),
])
def test_the_verdict_names_the_rule_that_is_broken(
    passed: bool, codes: tuple[str, ...], found: tuple[str, ...], verdict: str,
) -> None:
    item = Comparison("auc", 0.9, 0.8, "≥ 0.85, -0.01 from base", passed, codes)
    findings = tuple(Finding(code, "error", "m", "wrong") for code in found)
    line = told([], item, findings=findings)[0].splitlines()[-1]
    assert line == f"| `auc` | 0.9 | 0.8 | -0.1 | `≥ 0.85, -0.01 from base` | {verdict} |"


def test_without_metrics_the_verdict_is_there() -> None:
    assert told([]) == ["unjudged"]
    assert told([], findings=(Finding("MVC101", "error", "m", "wrong"),)) == ["**failed**"]


def test_slices_that_moved_are_there_to_open_and_failed_ones_always() -> None:
    slices = [
        label(Metric("auc", 0, slice={"country": name})) for name in ("DE", "ES", "FR", "IT", "PL")
    ]
    rows = [row(0.9, new, name) for new, name in zip((0.91, 0.9, 0.85, 0.9, 0.7), slices, strict=True)]
    failed = rows[-1]._replace(passed=False, codes=("MVC221",))
    found = (Finding("MVC221", "note", "m", "x"),)
    main, summary, moved, _ = told([], row(0.9, 0.9), *rows[:-1], failed, findings=found)
    assert [line.split("`")[1] for line in main.splitlines()[2:]] == ["auc", "auc[country=PL]"]
    assert summary == "<details><summary>2 slices moved, 2 did not</summary>"
    assert [line.split("`")[1] for line in moved.splitlines()[2:]] == ["auc[country=FR]", "auc[country=DE]"]
    assert told([], *rows[1:2]) == ["1 slice as before"]


def test_the_tag_of_a_deleted_model_is_there() -> None:
    assert section(Judged("m", "deleted", old_tag="v1"), [], Found.of([]), ROOM) == "#### `m (deleted)` `v1 → -`\n\nok"
    assert section(Judged("m", "added"), [], Found.of([]), ROOM) == "#### `m (added)`\n\nunjudged"


# Content and data.


@pytest.mark.parametrize(("old", "new", "lines"), [
    (FILE, FILE, ["- size: 7 B"]),
    (FILE, FILE.replace(b"size: 7", b"size: 2000"), ["- size: 7 B → 2.0 kB"]),
    (directory("a", "b").raw, directory("a", "c").raw,
     ["- size: 2 B", "- files: 2: `b` deleted, 1 B; `c` added, 1 B"]),
    (directory("a").raw, directory("a", *"bcdefgh").raw,
     ["- size: 1 B → 8 B",
      "- files: 1 → 8: `b` added, 1 B; `c` added, 1 B; `d` added, 1 B; `e` added, 1 B; `f` added, 1 B; 2 more"]),
    (FILE, directory("a").raw, ["- size: 7 B → 1 B", "- files: 1"]),
    (b"junk", FILE, ["- size: 7 B"]), (FILE, b"junk", []), (None, FILE, ["- size: 7 B"]), (FILE, None, []),
])
def test_sizes_and_files(old: bytes | None, new: bytes | None, lines: list[str]) -> None:
    files = [ModelFiles(raw and FileAt("100644", raw), None) for raw in (new, old)]
    assert "\n".join(told(files)[1:]).splitlines() == lines


def test_data() -> None:
    new = version(datasets=[Dataset("a", DATA, n=5000), Dataset("b", DATA), Dataset("d", DATA)], train=trained(DATA))
    old = version(datasets=[Dataset("a", DATA), Dataset("b", OTHER), Dataset("c", OTHER)], train=trained(OTHER))
    assert told([new, old])[-1].splitlines()[1:] == [
        "- data: `a` 5,000 examples, the same; `b` changed; `d` new; `c` removed", "- trained on: `t` changed",
    ]
    assert told([new])[-1].splitlines()[1:] == ["- data: `a` 5,000 examples; `b`; `d`", "- trained on: `t`"]


def trained(data: str) -> Train:
    return Train([Used("t", data)])
