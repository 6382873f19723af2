"""Recording a report: its options, its metrics, and what it keeps of the earlier one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mvc.errors import UsageError
from mvc.objects.digest import Digest
from mvc.ops.reports.evaluated import Evaluated
from mvc.ops.reports.given_metrics import given_metrics, with_directions
from mvc.ops.reports.options import RecordOptions
from mvc.ops.reports.record import build
from mvc.quality.reports.readers.found import FoundMetrics
from mvc.quality.reports.report import Dataset, Metric, Model, Report, Train, Used, label

MODEL = Digest("a" * 64, "b" * 32, 5)
EARLIER = Report(
    1,
    Model(MODEL.blake3, name="ranker"),
    tag="v1.2.3",
    task="ranking",
    desc="by hand",
    params={"lr": 1},
    train=Train([Used("train.csv", "c" * 64)]),
    datasets=[Dataset("holdout", "d" * 64, "old.csv", split="test", n=10)],
    metrics=[Metric("score", 0.5, higher_is_better=False)],
    limitations="none",
    extra={"x-note": "kept"},
)


def evaluated(digest: Digest = MODEL, *datasets: Dataset) -> Evaluated:
    """Return what an evaluation of an untracked model found."""
    return Evaluated("m.bin", None, digest, datasets, (), (), (), ())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "a report needs a tag"),
        ({"tag": "v1", "bump": "minor"}, "--tag and --bump exclude each other"),
        ({"tag": "v1", "datasets": (("", "a"),)}, "invalid data set id ''"),
        ({"tag": "v1", "datasets": (("a b", "a"),)}, "invalid data set id 'a b'"),
        ({"tag": "v1", "datasets": (("a", "a"), ("a", "b"))}, "duplicate data set id 'a'"),
        ({"tag": "v1", "params": (("lr", 1), ("lr", 2))}, "duplicate parameter 'lr'"),
        ({"tag": "v1", "params": (("lr", float("nan")),)}, "parameter 'lr' is nan, expected a finite number"),
        ({"tag": "v1", "higher": ("auc",), "lower": ("auc",)}, "exclude each other: auc"),
    ],
)
def test_options_that_contradict_each_other(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        RecordOptions(**options).check()


def test_the_new_report_keeps_what_people_wrote() -> None:
    report = build(evaluated(), RecordOptions(tag="v1.3.0"), FoundMetrics(()), EARLIER)
    assert (report.tag, report.task, report.desc, report.model.name) == ("v1.3.0", "ranking", "by hand", "ranker")
    assert (report.limitations, report.extra, report.train) == ("none", {"x-note": "kept"}, EARLIER.train)
    assert (report.params, report.datasets, report.metrics) == ({}, [], [])


def test_what_another_model_was_trained_on_is_not_kept() -> None:
    other = evaluated(Digest("e" * 64, "f" * 32, 5))
    assert build(other, RecordOptions(tag="v2.0.0"), FoundMetrics(()), EARLIER).train is None


def test_the_notes_of_a_data_set_are_kept_for_the_same_content() -> None:
    same, other = Dataset("holdout", "d" * 64, "new.csv"), Dataset("holdout", "0" * 64, "new.csv")
    for given, notes in ((same, ("test", 10)), (other, ("", None))):
        (found,) = build(evaluated(MODEL, given), RecordOptions(tag="v2.0.0"), FoundMetrics(()), EARLIER).datasets
        assert (found.path, found.split, found.n) == ("new.csv", *notes)


def test_metrics_of_the_command_line_replace_those_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "metrics.json").write_text('{"auc": 0.5, "f1": 0.4, "host": "a"}')
    options = RecordOptions(file="metrics.json", metrics=("auc=0.9",))
    found = given_metrics(str(tmp_path), options, ["holdout"])
    assert {label(metric): metric.value for metric in found.metrics} == {"auc@holdout": 0.9, "f1@holdout": 0.4}
    assert found.skipped == ("host",)


def test_a_metric_given_twice() -> None:
    with pytest.raises(UsageError, match="duplicate metric auc@h"):
        given_metrics("", RecordOptions(metrics=("auc=1", "auc@h=2")), ["h"])


def test_the_direction_is_that_of_options_file_earlier_report_or_name() -> None:
    metrics = [Metric("auc", 1, higher_is_better=True), Metric("loss", 1), Metric("score", 1), Metric("own", 1)]
    found = with_directions(metrics, RecordOptions(lower=("auc",)), EARLIER.metrics)
    assert [metric.higher_is_better for metric in found] == [False, False, False, None]
    with pytest.raises(UsageError, match="no metric 'f1' is given"):
        with_directions(metrics, RecordOptions(higher=("f1",)), [])
