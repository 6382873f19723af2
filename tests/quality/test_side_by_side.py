"""Which values stand side by side, which of them are comparable, and which is the best."""

from __future__ import annotations

import pytest

from mvc.quality.judge.rules.figures import ModelReport
from mvc.quality.reports.report import Dataset, Metric, Model, Report
from mvc.quality.side_by_side import MetricRow, side_by_side


def report(*values: float, data: str = "a", dataset: str = "holdout", better: bool | None = True) -> ModelReport:
    """Return a report with these values of auc, loss, …, on one data set; no digest means none."""
    names = ("auc", "loss", "f1")
    datasets = [Dataset(dataset, data * 64)] if data else []
    metrics = [Metric(name, value, better) for name, value in zip(names, values, strict=False)]
    return ModelReport("m", Report(1, Model("0" * 64), datasets=datasets, metrics=metrics))


def rows(*reports: ModelReport | None, **directions: str) -> list[MetricRow]:
    return list(side_by_side(reports, directions))  # type: ignore[arg-type]


def comparable(row: MetricRow) -> list[bool | None]:
    return [item and item.comparable for item in row.values]


def test_all_metrics_in_the_order_in_which_they_appear() -> None:
    found = rows(report(0.9), None, report(0.8, 0.3))
    assert [row.name for row in found] == ["auc", "loss"]
    assert [[item and item.value for item in row.values] for row in found] == [[0.9, None, 0.8], [None, None, 0.3]]
    assert (found[0].best, found[0].missing, found[1].missing) == ((0,), (1,), (0, 1))


def test_values_on_other_data_than_most_are_not_compared() -> None:
    (row,) = rows(report(0.99, data="b"), report(0.7), report(0.8))
    assert comparable(row) == [False, True, True]
    assert (row.best, row.incomparable) == ((2,), (0,))


def test_of_two_data_with_as_many_values_the_last_counts() -> None:
    (row,) = rows(report(0.99, data="b"), report(0.7))
    assert comparable(row) == [False, True]
    assert row.best == (1,)


def test_the_same_data_under_another_id_are_compared() -> None:
    (row,) = rows(report(0.9, dataset="test"), report(0.8))
    assert comparable(row) == [True, True]


def test_reports_that_name_no_data_are_compared_with_each_other_only() -> None:
    assert [row.best for row in rows(report(0.9, data=""), report(0.8, data=""))] == [(0,)]
    assert [comparable(row) for row in rows(report(0.9, data=""), report(0.8))] == [[True, None], [None, True]]


def test_a_metric_on_two_data_sets_has_two_rows() -> None:
    two = ModelReport("m", Report(1, Model("0" * 64), datasets=[Dataset("x", "a" * 64), Dataset("y", "b" * 64)],
                                  metrics=[Metric("auc", 0.9, dataset="x"), Metric("auc", 0.8, dataset="y")]))
    assert [row.name for row in rows(two, two)] == ["auc@x", "auc@y"]


@pytest.mark.parametrize(
    ("reported", "policy", "best"),
    [
        ((True, True), {}, (1, 2)),
        ((False, False), {}, (0,)),
        ((None, False), {}, (0,)),
        ((True, False), {}, ()),
        ((None, None), {}, ()),
        ((True, True), {"auc": "lower"}, (0,)),
    ],
)
def test_the_best_by_the_policy_s_direction_else_the_reports(
    reported: tuple[bool | None, bool | None], policy: dict[str, str], best: tuple[int, ...],
) -> None:
    first, last = reported
    (row,) = rows(report(0.7, better=first), report(0.9, better=first), report(0.9, better=last), **policy)
    assert row.best == best
