"""Metrics in Hugging Face's formats."""

from __future__ import annotations

import pytest

from mvc.errors import InvalidFormat
from mvc.quality.reports.model_index import UNSPECIFIED, front_matter, joined, read_eval_results, read_model_index
from mvc.quality.reports.report import Dataset, Metric

DIGEST = "a" * 64


def index(dataset: object, *metrics: object, **more: object) -> object:
    return [{"name": "m", "results": [{"dataset": dataset, "metrics": [*metrics], **more}]}]


@pytest.mark.parametrize(("dataset", "metric", "expected"), [
    ({"type": "imdb", "name": "IMDB"}, {"type": "acc", "value": 1}, Metric("acc", 1, slice={"dataset": "imdb"})),
    ({"name": "IMDB"}, {"name": "Accuracy", "value": 0.5}, Metric("Accuracy", 0.5, slice={"dataset": "IMDB"})),
    (
        {"type": "a", "config": 2, "split": "test"}, {"type": "bleu", "value": 1, "config": "four"},
        Metric("bleu", 1, slice={"dataset": "a", "config": "2", "split": "test", "metric_config": "four"}),
    ),
    ({"type": UNSPECIFIED, "name": UNSPECIFIED}, {"type": "acc", "value": 1}, Metric("acc", 1)),
    (None, {"type": "acc", "value": 1}, Metric("acc", 1)),
    (
        {"type": "hold", "split": "test", "args": {"blake3": DIGEST, "n": 9}},
        {"type": "acc", "value": 1, "args": {"slice": {"c": "DE"}, "stderr": 0.5, "n": 3, "higher_is_better": False}},
        Metric("acc", 1, higher_is_better=False, dataset="hold", stderr=0.5, slice={"c": "DE"}, n=3),
    ),
    (
        {"type": "a", "args": ["other"]}, {"type": "acc", "value": 1, "args": {"slice": 3, "stderr": "x", "n": True}},
        Metric("acc", 1, slice={"dataset": "a"}),
    ),
])
def test_a_metric(dataset: object, metric: object, expected: Metric) -> None:
    found = read_model_index(index(dataset, metric), "README.md")
    assert found.metrics == (expected,)
    assert found.datasets == ((Dataset("hold", DIGEST, split="test", n=9),) if expected.dataset else ())


@pytest.mark.parametrize("value", ["0.9", "20 ± 1", None, True, [1], {"a": 1}])
def test_what_is_no_number_is_named(value: object) -> None:
    found = read_model_index(index({}, {"type": "acc", "value": value}, {"value": 1}), "README.md")
    assert found.metrics == ()
    assert len(found.left_out) == 2
    assert "acc is " in found.left_out[0]


@pytest.mark.parametrize("data", [{}, "x", [1], [{"results": 1}], index({}, 1), [{"name": "m"}]])
def test_what_is_no_model_index_is_an_error(data: object) -> None:
    with pytest.raises(InvalidFormat, match="not a model-index"):
        read_model_index(data, "README.md")


def test_of_two_values_the_first_is_kept() -> None:
    one, two = (read_model_index(index({}, {"type": "acc", "value": value}), "README.md") for value in (1, 2))
    found = joined([one, two, one])
    assert found.metrics == one.metrics
    assert found.left_out == ("another value of acc: 2.0",)


def test_a_task_is_that_of_all_results() -> None:
    same, other = (
        read_model_index(index({}, {"type": "a", "value": 1}, task={"type": name}), "x") for name in ("one", "two")
    )
    assert joined([same, same]).task == "one"
    assert joined([same, other]).task == ""


@pytest.mark.parametrize(("raw", "expected"), [
    (b"---\na: 1\n---\ntext", b"a: 1\n"), (b"---\r\na: 1\r\n---\r\n", b"a: 1\r\n"),
    (b"\xef\xbb\xbf---\na: 1\n---", b"a: 1\n"),
    (b"text\n---\na: 1\n---\n", b""), (b"---\na: 1\n", b""), (b"", b""), (b"---\n---\n", b""),
])
def test_the_front_matter_of_a_card(raw: bytes, expected: bytes) -> None:
    assert front_matter(raw) == expected


def test_scores_have_the_names_of_their_benchmarks() -> None:
    data = [
        {"dataset": {"id": "cais/hle", "task_id": "default"}, "value": 20.9, "notes": "no-tools", "verifyToken": "x"},
        {"dataset": {"id": "gpqa"}, "value": "much"}, {"value": 1},
    ]
    found = read_eval_results(data, "hle.yaml")
    assert found.metrics == (Metric("cais/hle", 20.9, slice={"task": "default", "notes": "no-tools"}),)
    assert found.left_out == (
        "hle.yaml: gpqa is 'much', expected a number", "hle.yaml: 1 has no name",
    )
    with pytest.raises(InvalidFormat, match="not evaluation results"):
        read_eval_results({"a": 1}, "hle.yaml")
