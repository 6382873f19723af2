"""Regressions: nothing worse than the tolerance passes, for any numbers; and the rows of the gate's table."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from quality.cases import (
    DIGEST,
    HOLDOUT,
    OTHER,
    PATH,
    TEST,
    after,
    auc,
    by_country,
    earlier,
    report,
    rule,
    step,
    version,
)

from mvc.quality.judge.facts import Facts, Past
from mvc.quality.judge.judge import judge
from mvc.quality.judge.rules.past.regressions import compare
from mvc.quality.policy.demands import Demands, demands
from mvc.quality.policy.policy import parse_policy
from mvc.quality.reports.report import Dataset, Metric, Model, Report
from mvc.quality.reports.report_document import emit, parse_report

FINITE = st.floats(allow_nan=False, allow_infinity=False)
DIRECTIONS: list[Literal["higher", "lower"]] = ["higher", "lower"]


def wanted(text: str, more: str = "") -> Demands:
    return demands(parse_policy(rule(text, more=more).encode()), PATH)


def findings(
    old: Metric, new: float, change: str, direction: str, more: str = "",
) -> list[str]:
    """Return the codes of findings about a metric that was `old` before."""
    text = f"metrics: {{auc: {{direction: {direction}, max_regression: {change}{more}}}}}"
    now = Report(1, Model("0" * 64), "v2.0.0", metrics=[Metric("auc", new)])
    _, found = compare(PATH, now, wanted(text), Past(before=version(earlier(old)), found="path"))
    return [item.code for item in found]


def exact(value: float) -> Fraction:
    return Fraction(Decimal(repr(value)))


def worse(old: float, new: float, direction: str) -> Fraction:
    return (exact(old) - exact(new)) * (1 if direction == "higher" else -1)


# No number slips through.


@settings(deadline=None)
@given(FINITE, FINITE, st.floats(0, 1e300), st.sampled_from(DIRECTIONS))
def test_a_number_is_the_most_that_may_be_lost(old: float, new: float, change: float, direction: str) -> None:
    found = findings(Metric("auc", old), new, repr(change).replace("e+", "e"), direction)
    assert found == (["MVC221"] if worse(old, new, direction) > exact(change) else [])


@settings(deadline=None)
@given(FINITE, FINITE, st.decimals(0, 500, places=3), st.sampled_from(DIRECTIONS))
def test_a_percentage_is_of_the_old_amount(old: float, new: float, percent: Decimal, direction: str) -> None:
    found = findings(Metric("auc", old), new, f"'{percent}%'", direction)
    allowed = Fraction(percent) / 100 * abs(exact(old))
    assert found == (["MVC221"] if worse(old, new, direction) > allowed else [])


@settings(deadline=None)
@given(FINITE, FINITE, st.none() | st.floats(0, 1e9), st.integers(0, 9), st.sampled_from(DIRECTIONS))
def test_standard_errors_are_of_the_old_report(
    old: float, new: float, stderr: float | None, times: int, direction: str,
) -> None:
    found = findings(Metric("auc", old, stderr=stderr), new, f"{times}se", direction)
    loss = worse(old, new, direction)
    if stderr is None:
        assert found == (["MVC223"] if loss > 0 else [])
    else:
        assert found == (["MVC221"] if loss > times * exact(stderr) else [])


@settings(deadline=None)
@given(st.integers(-1000, 1000), st.integers(0, 100), st.sampled_from(DIRECTIONS))
def test_just_what_may_be_lost_may_be_lost(thousandths: int, change: int, direction: str) -> None:
    """In decimals as people write them, unlike floats: 0.93 - 0.005 is 0.925."""
    sign = -1 if direction == "higher" else 1
    old, last, beyond = (
        float(Decimal(number) / 1000)
        for number in (thousandths, thousandths + sign * change, thousandths + sign * (change + 1))
    )
    tolerance = str(Decimal(change) / 1000)
    assert findings(Metric("auc", old), last, tolerance, direction) == []
    assert findings(Metric("auc", old), beyond, tolerance, direction) == ["MVC221"]


@settings(deadline=None)
@given(FINITE, FINITE, st.lists(FINITE, max_size=4), st.sampled_from(DIRECTIONS))
def test_the_best_is_the_best_of_all(new: float, base: float, others: list[float], direction: str) -> None:
    past = [version(earlier(Metric("auc", value))) for value in (base, *others)]
    text = f"metrics: {{auc: {{direction: {direction}, max_regression: 0, against: best}}}}"
    now = Report(1, Model("0" * 64), "v2.0.0", metrics=[Metric("auc", new)])
    _, found = compare(PATH, now, wanted(text), Past(past[0], "path", tuple(past)))
    best = max(base, *others, base) if direction == "higher" else min(base, *others, base)
    assert bool(found) == (worse(best, new, direction) > 0)


METRIC = st.builds(
    Metric, st.sampled_from(["auc", "f1"]), st.sampled_from([0.1, 0.5, 0.9]), st.none() | st.booleans(),
    st.sampled_from(["", "a", "b"]), st.none() | st.just(0.1),
    st.sampled_from([{}, {"country": "DE"}, {"country": "FR"}]),
)
REPORT = st.builds(
    lambda metrics, contents: Report(
        1, Model("0" * 64), "v1.0.0",
        datasets=[Dataset(name, digest) for name, digest in zip("ab", contents, strict=False)],
        metrics=[item for item in metrics if not item.dataset or item.dataset in "ab"[: len(contents)]],
    ),
    st.lists(METRIC, max_size=6, unique_by=lambda item: (item.name, item.dataset, *item.slice.values())),
    st.lists(st.sampled_from([HOLDOUT.blake3, OTHER]), max_size=2),
)
RULES = st.sampled_from([
    "metrics: {auc: {max_regression: 0.1}}",
    "metrics: {auc: {min: 0.5, max_regression: 2se, against: best}}",
    'metrics: {"auc[country=*]": {direction: higher, max_regression: "1%", allow_dataset_change: true}}',
    "metrics: {f1: {max_regression: 0}}\n    datasets: [{id: a}]",
    "slices: {required: [country], max_gap: {auc: 0.2}}",
])


@settings(deadline=None)
@given(REPORT, REPORT, RULES)
def test_what_is_the_same_is_never_worse(old: Report, new: Report, text: str) -> None:
    """A report compared with itself has no finding but an unknown direction; any two reports have their rows."""
    past = Past(version(earlier()), "path")
    for one, other in ((old, old), (old, new)):
        raw = emit(other)
        held = past._replace(before=version(earlier()._replace(raw=emit(_of_earlier(one)))))
        rows, found = compare(PATH, parse_report(raw, ""), wanted(text), held)
        assert {row.metric for row in rows} >= {name(item) for item in other.metrics}
        if one is other:
            # The best of two values for the same slice on the same data is better than the other.
            assert {item.code for item in found} <= {"MVC204", *(("MVC221", "MVC223") if "best" in text else ())}


def _of_earlier(found: Report) -> Report:
    bound = parse_report(earlier().raw, "")
    return Report(1, bound.model, found.tag, datasets=found.datasets, metrics=found.metrics)


def name(metric: Metric) -> str:
    part = "".join(f"[{key}={value}]" for key, value in metric.slice.items())
    return f"{metric.name}{part}{'@' + metric.dataset if metric.dataset else ''}"


# Rows.


def rows(facts: Facts) -> list[tuple[str, float | None, float | None, str, bool]]:
    (judged,) = judge(facts, 0).models
    return [row[:5] for row in judged.comparisons]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("min: 0.9", "≥ 0.9"),
        ("max: 0.99", "≤ 0.99"),
        ("min: 0.9, max: 1, direction: higher, max_regression: 0.5", "≥ 0.9, ≤ 1, -0.5 from base"),
        ("max_regression: '1%', direction: lower", "+1% of base"),
        ("max_regression: 2se", "-2se of base"),
        ("max_regression: 0, against: best", "no worse than best"),
        ("max_regression: '5.5%', against: registered, severity: warn", "-5.5% of registered (warning)"),
        ("severity: warn", "required (warning)"),
    ],
)
def test_rules_are_said_in_short(text: str, said: str) -> None:
    assert rows(step(text, auc(0.93, stderr=0.1), auc(0.93))) == [("auc", 0.93, 0.93, said, True)]


def test_a_direction_that_nobody_knows() -> None:
    found = rows(step("max_regression: 0.1", Metric("auc", 0.9), Metric("auc", 0.9)))
    assert found == [("auc", 0.9, 0.9, "±0.1 from base", False)]


def test_every_metric_has_a_row_those_with_rules_first() -> None:
    old = [Metric("f1", 0.5), auc(0.93), Metric("gone", 1)]
    new = [Metric("f1", 0.4), Metric("mrr", 0.7), auc(0.92)]
    assert rows(step("max_regression: 0.005", old, new)) == [
        ("auc", 0.93, 0.92, "-0.005 from base", False),
        ("f1", 0.5, 0.4, "", True),
        ("mrr", None, 0.7, "", True),
    ]


def test_limits_stand_with_the_first_that_a_metric_is_held_against() -> None:
    facts = step(
        "min: 0.95, max_regression: 0.05", auc(0.93), auc(0.92), "metrics: {auc: {max_regression: 0, against: best}}",
    )
    assert rows(facts) == [
        ("auc", 0.93, 0.92, "≥ 0.95, -0.05 from base", False), ("auc", 0.93, 0.92, "no worse than best", False),
    ]


def test_what_is_missing_has_a_row() -> None:
    assert rows(step("min: 0.9", auc(0.93), Metric("f1", 1))) == [
        ("auc", None, None, "≥ 0.9", False), ("f1", None, 1, "", True),
    ]
    sliced = step('metrics: {"auc[country=*]": {min: 0.5}}', by_country(DE=0.9, FR=0.8), by_country(DE=0.9))
    assert rows(sliced) == [
        ("auc[country=DE]", 0.9, 0.9, "≥ 0.5", True), ("auc[country=FR]", 0.8, None, "≥ 0.5", False),
    ]


def test_a_new_model_has_rows_without_old_values() -> None:
    text = "metrics: {auc: {min: 0.9, max_regression: 0.1}}"
    assert rows(after(text=text, new=report(auc(0.93)))) == [("auc", None, 0.93, "≥ 0.9, -0.1 from base", True)]


def test_an_earlier_version_that_comes_back_has_rows_of_its_limits() -> None:
    now, back = version(earlier(auc(1), tag="v9.0.0")), version(report(auc(0.8)), of=DIGEST)
    facts = after(now, back, new=back.report, text="metrics: {auc: {min: 0.5, max_regression: 0}}")
    assert rows(facts) == [("auc", 1, 0.8, "≥ 0.5", True)]


def test_each_data_set_has_a_row() -> None:
    both = [HOLDOUT, TEST]
    old = version(earlier(auc(0.9, dataset="holdout"), auc(0.8, dataset="test"), datasets=both))
    new = report(auc(0.9, dataset="holdout"), auc(0.7, dataset="test"), datasets=both)
    assert rows(after(old, new=new, text="metrics: {auc: {max_regression: 0.05}}")) == [
        ("auc@holdout", 0.9, 0.9, "-0.05 from base", True), ("auc@test", 0.8, 0.7, "-0.05 from base", False),
    ]
    assert rows(after(old, new=new)) == [("auc@holdout", 0.9, 0.9, "", True), ("auc@test", 0.8, 0.7, "", True)]


def test_data_under_new_ids_is_told_by_its_content() -> None:
    """Exchanging the ids of two data sets changes nothing."""
    old = version(earlier(auc(0.9, dataset="holdout"), auc(0.5, dataset="test"), datasets=[HOLDOUT, TEST]))
    swapped = [Dataset("holdout", TEST.blake3), Dataset("test", HOLDOUT.blake3)]
    new = report(auc(0.9, dataset="holdout"), auc(0.5, dataset="test"), datasets=swapped)
    verdict = judge(after(old, new=new, text="metrics: {auc: {max_regression: 0.05}}"), 0)
    assert [item.code for item in verdict.findings] == ["MVC221"]


def test_a_metric_that_stands_twice_for_one_data_set_is_held_against_itself() -> None:
    both = [auc(0.5), auc(0.1, dataset="holdout")]
    old, new = version(earlier(*both, datasets=[HOLDOUT])), report(*both, datasets=[HOLDOUT])
    assert judge(after(old, new=new, text="metrics: {auc: {max_regression: 0}}"), 0).findings == ()


def test_thousands_of_slices_are_compared_in_time() -> None:
    """One after the other, not each with each."""
    metrics = [auc(0.9, slice={"user": str(number)}) for number in range(2_000)]
    text = 'metrics: {"auc[user=*]": {max_regression: 0}}'
    verdict = judge(after(version(earlier(*metrics)), new=report(*metrics), text=text), 0)
    assert verdict.passed
    assert len(verdict.models[0].comparisons) == len(metrics)
