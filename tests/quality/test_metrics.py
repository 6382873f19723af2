"""Metrics from files of other tools and from the command line, and their directions."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvc.errors import InvalidFormat, UsageError
from mvc.quality.reports import metric_files as module
from mvc.quality.reports.directions import higher_is_better
from mvc.quality.reports.metric_files import find_metrics, read_metrics
from mvc.quality.reports.metrics import parse_metric
from mvc.quality.reports.readers.found import FoundMetrics
from mvc.quality.reports.report import Metric, Run, label


def read(data: Any, *datasets: str) -> dict[str, float]:
    """Return the metrics of a file by their labels."""
    found = read_metrics(json.dumps(data).encode(), "m.json", datasets)
    return {label(metric): metric.value for metric in found.metrics}


def refused(raw: bytes | str, *datasets: str) -> str:
    """Return why a file is refused."""
    with pytest.raises(InvalidFormat) as caught:
        read_metrics(raw.encode() if isinstance(raw, str) else raw, "m.json", datasets)
    assert caught.value.message.startswith("m.json: ")
    return caught.value.message.removeprefix("m.json: ")


# Shapes.


def test_flat() -> None:
    assert read({"auc": 0.93, "n_trees": 100}) == {"auc": 0.93, "n_trees": 100.0}
    assert read({"auc[country=DE]": 0.9, "ndcg@10": 0.5}) == {"auc[country=DE]": 0.9, "ndcg@10": 0.5}
    assert read({"auc@holdout": 0.9, "auc[country=DE]@holdout": 0.8}, "holdout") == {
        "auc@holdout": 0.9, "auc[country=DE]@holdout": 0.8,
    }
    assert read_metrics(b'\xef\xbb\xbf{"auc": 1}', "m").metrics == (Metric("auc", 1.0),)


def test_nested_by_data_set() -> None:
    data = {"holdout": {"auc": 0.93}, "drift": {"auc": 0.8, "per class": {"f1": 0.5}}}
    assert read(data, "holdout", "drift") == {"auc@holdout": 0.93, "auc@drift": 0.8, "per class/f1@drift": 0.5}


def test_nested_without_such_a_data_set_as_dvclive_writes_it() -> None:
    data = {"step": 7, "train": {"loss": 0.1}, "val": {"loss": 0.2}}
    found = read_metrics(json.dumps(data).encode(), "m")
    assert {label(item): item.value for item in found.metrics} == {"train/loss": 0.1, "val/loss": 0.2}
    assert found.skipped == ("step",)
    assert read({"step": 7}) == {"step": 7.0}  # the only entry, so it may be a metric


def test_dvc_metrics_show() -> None:
    data = {"workspace": {"data": {"dvclive/metrics.json": {"data": {"auc": 0.9, "val": {"f1": 0.8}}}}}}
    assert read(data) == {"auc": 0.9, "val/f1": 0.8}
    assert read({"data": {"data": {"auc": 0.5}}}) == {"data/data/auc": 0.5}


def test_a_list_as_in_a_report() -> None:
    data = [
        {"name": "auc", "value": 0.9, "higher_is_better": True, "dataset": "holdout", "stderr": 0.01, "n": 10},
        {"name": "auc", "value": 1, "slice": {"country": "DE"}},
    ]
    expected = (
        Metric("auc", 0.9, True, "holdout", 0.01, n=10),
        Metric("auc", 1.0, slice={"country": "DE"}),
    )
    assert read_metrics(json.dumps(data).encode(), "m", ["holdout"]).metrics == expected
    whole = {"mvc-eval": 1, "tag": "v1", "metrics": data}
    assert read_metrics(json.dumps(whole).encode(), "m", ["holdout"]).metrics == expected


def test_mlflow() -> None:
    point = {"key": "auc", "timestamp": 5, "step": 2}
    listed = [{**point, "value": 0.9}, {**point, "step": 1, "value": 0.1}, {"key": "loss", "value": 0.5}]
    expected = {"auc": 0.9, "loss": 0.5}
    assert read(listed) == expected
    server = {"run": {"info": {"run_id": "a1b2", "status": "FINISHED"}, "data": {"metrics": listed, "params": []}}}
    client = {"info": {"run_id": "a1b2"}, "data": {"metrics": expected, "params": {"lr": "0.1"}, "tags": {}}}
    assert read(server) == read(client) == expected
    for data in (server, client):
        assert read_metrics(json.dumps(data).encode(), "m").run == Run("mlflow", "a1b2")
    assert read_metrics(json.dumps(client).encode(), "m").params == {"lr": "0.1"}
    server["run"]["data"]["params"] = [{"key": "lr", "value": "0.1"}, {"value": "1"}]
    assert read_metrics(json.dumps(server).encode(), "m").params == {"lr": "0.1"}
    assert read({"accuracy_score": 0.9}) == {"accuracy_score": 0.9}  # its metrics.json


LM_EVAL = {
    "results": {
        "hellaswag": {
            "alias": "hellaswag", "acc,none": 0.5, "acc_stderr,none": 0.005, "acc_norm,none": 0.6,
            "acc_norm_stderr,none": "N/A",
        },
        "gsm8k": {"alias": "gsm8k", "exact_match,strict-match": 0.3, "exact_match_stderr,strict-match": 0.01},
        "wikitext": {"alias": "wikitext", "word_perplexity,none": 20.5, "word_perplexity_stderr,none": "N/A"},
    },
    "higher_is_better": {"hellaswag": {"acc": True}, "wikitext": {"word_perplexity": False}},
    "n-samples": {"hellaswag": {"original": 10042, "effective": 100}},
    "versions": {"hellaswag": 1.0},
    "config": {"model": "hf", "limit": None, "batch_sizes": [], "model_args": {"dtype": "auto"}, "bad": [{}]},
    "n-shot": {"gsm8k": 5},
}


def test_lm_eval() -> None:
    found = read_metrics(json.dumps(LM_EVAL).encode(), "m", ["hellaswag"])
    assert found.metrics == (
        Metric("acc", 0.5, True, "hellaswag", 0.005, n=100),
        Metric("acc_norm", 0.6, None, "hellaswag", n=100),
        Metric("gsm8k/exact_match/strict-match", 0.3, stderr=0.01),
        Metric("wikitext/word_perplexity", 20.5, False),
    )
    assert found.params == {"model": "hf", "model_args/dtype": "auto", "n-shot/gsm8k": 5, "versions/hellaswag": 1.0}
    old = {"results": {"arc": {"acc": 0.2, "acc_stderr": 0.01}}, "versions": {"arc": 0}, "config": {}}
    assert read_metrics(json.dumps(old).encode(), "m").metrics == (Metric("arc/acc", 0.2, stderr=0.01),)


def test_scikit_learn() -> None:
    from sklearn.metrics import classification_report

    report = classification_report(["cat", "dog", "dog"], ["cat", "dog", "cat"], output_dict=True)
    found = {label(item): item for item in find_metrics(report, "m").metrics}
    assert found["accuracy"].value == pytest.approx(2 / 3)
    assert found["f1[class=cat]"] == Metric("f1", pytest.approx(2 / 3), slice={"class": "cat"}, n=1)
    assert found["recall_macro"] == Metric("recall_macro", 0.75, n=3)
    assert set(found) == {"accuracy"} | {
        name for score in ("precision", "recall", "f1")
        for name in (f"{score}_macro", f"{score}_weighted", f"{score}[class=cat]", f"{score}[class=dog]")
    }


def test_what_is_no_number_is_left_out_and_named() -> None:
    found = find_metrics({"auc": 0.9, "model": "ranker", "confusion": [[1, 2]], "at": {"host": "x"}}, "m")
    assert found.metrics == (Metric("auc", 0.9),)
    assert (found.skipped, found.no_errors) == (("model", "confusion", "at/host"), ())


NO_ERRORS = {
    "NaN": "NaN", "Infinity": "Infinity", "-Infinity": "-Infinity", "1e999": "Infinity", "-0.5": "-0.5",
    "true": "true", '"n/a"': "'n/a'", '{"a": 1}': '{"a": 1}', "[1]": "[1]",
    "1" + "0" * 320: "an integer of more than 64 bits", "1" + "0" * 5000: "Infinity",
}
"""Values of a standard error that are none, and how a message shows them."""
WITH_ERRORS = {
    "lm-eval": ('{"results": {"arc": {"acc,none": 0.5, "acc_stderr,none": %s}}}', "arc/acc", "arc/acc_stderr,none"),
    "old lm-eval": (
        '{"results": {"arc": {"acc": 0.5, "acc_stderr": %s}}, "versions": {}}', "arc/acc", "arc/acc_stderr",
    ),
    "a report": ('[{"name": "auc", "value": 0.5, "stderr": %s}]', "auc", "stderr of auc"),
    "MLflow's list": ('[{"key": "auc", "value": 0.5}, {"key": "auc_stderr", "value": %s}]', "auc", "auc_stderr"),
}


@pytest.mark.parametrize(("form", "metric", "named"), WITH_ERRORS.values(), ids=WITH_ERRORS)
@pytest.mark.parametrize(("value", "shown"), NO_ERRORS.items(), ids=NO_ERRORS.values())
def test_a_standard_error_that_is_no_number_is_left_out_and_named(
    form: str, metric: str, named: str, value: str, shown: str,
) -> None:
    found = read_metrics((form % value).encode(), "m.json")
    assert [(label(item), item.value, item.stderr) for item in found.metrics] == [(metric, 0.5, None)]
    assert found.no_errors == (f"{named} is {shown}",)


@pytest.mark.parametrize("value", ["null", '"N/A"', '""', "[]"])
def test_an_error_that_lm_eval_did_not_estimate_is_left_out(value: str) -> None:
    found = read_metrics((WITH_ERRORS["lm-eval"][0] % value).encode(), "m.json")
    assert found == FoundMetrics((Metric("arc/acc", 0.5),))


@pytest.mark.parametrize("value", ["NaN", "null", "-Infinity"])
def test_a_flat_standard_error_that_is_no_number_is_left_out(value: str) -> None:
    for name in ("auc_stderr", "stderr", "acc_stderr,none", "val/auc std_err", "auc_stderror"):
        found = read_metrics(f'{{"auc": 0.5, "{name}": {value}, "n": {{"{name}": {value}}}}}'.encode(), "m.json")
        assert found.metrics == (Metric("auc", 0.5),)
        assert found.no_errors == (f"{name} is {value}", f"n/{name} is {value}")
    run = {"info": {}, "data": {"metrics": {"auc": 0.5, "auc_stderr": float(value.replace("null", "nan"))}}}
    assert find_metrics(run, "m").metrics == (Metric("auc", 0.5),)
    assert read({"auc": 0.5, "auc_stderr": 0.1}) == {"auc": 0.5, "auc_stderr": 0.1}
    assert refused(f'{{"auc_std": {value}}}')


def test_steps_and_counts_that_are_no_numbers_order_and_count_nothing() -> None:
    steps = ["NaN", "1" + "0" * 320, "Infinity", '"5"', "null", "1e999"]
    for step in steps:
        raw = f'[{{"key": "auc", "value": 1, "step": 3}}, {{"key": "auc", "value": 2, "step": {step}}}]'
        assert read_metrics(raw.encode(), "m").metrics == (Metric("auc", 1.0),)
        raw = f'[{{"name": "auc", "value": 1, "n": {step}}}]'
        assert read_metrics(raw.encode(), "m").metrics == (Metric("auc", 1.0),)


# Refused.


@pytest.mark.parametrize(("text", "reason"), [
    ("", "not JSON"),
    ("{", "not JSON"),
    (b"\xff\xfe\x00", "not JSON"),
    ("[" * 100_000, "not JSON: nested too deep"),
    ('{"a":' * 100 + "1" + "}" * 100, "nested deeper than 32"),
    ("{}", "no metrics found in an empty object"),
    ("[]", "no metrics found in an empty list"),
    ("0.93", "no metrics found in 0.93"),
    ('"auc"', 'no metrics found in "auc"'),
    ('{"model": "x", "lines": []}', "no metrics found in an object with 'model', 'lines'"),
    ("[0.93]", "invalid item 1 of the list: expected a metric with a name and a value"),
    ('[{"name": "auc"}]', "invalid item 1 of the list"),
    ('[{"name": "auc", "value": 1, "extra": 2}]', "metric 'auc': unknown key 'extra'"),
    ('[{"name": "auc", "value": 1}, {"name": "auc", "value": 2}]', "duplicate metric auc"),
    ('[{"name": "auc", "value": 1, "higher_is_better": "yes"}]', "expected true or false"),
    ('{"auc": 1, "auc": 2}', "duplicate key 'auc'"),
    ('{"auc": NaN}', "auc is nan, expected a finite number"),
    ('{"val": {"auc": Infinity}}', "val/auc is inf, expected a finite number"),
    ('{"auc": 1e999}', "auc is inf, expected a finite number"),
    ('{"auc": "NaN"}', "auc is 'NaN', expected a number"),
    ('{"auc": true}', "auc is true, expected a number"),
    ('{"auc": null}', "auc is null, expected a number"),
    ('{"auc": 1' + "0" * 400 + "}", "auc is too large"),
    ('{"auc": 1' + "0" * 5000 + "}", "auc is inf"),
    ('{"results": {"arc": {"acc,none": NaN, "acc_stderr,none": NaN}}}', "arc/acc is nan, expected a finite number"),
    ('{"results": {"arc": {"acc,none": []}}}', "arc/acc is [], expected a number"),
    ('{"results": {"arc": {"acc,none": {"a": 1}}}}', 'arc/acc is {"a": 1}, expected a number'),
    ('[{"key": "auc", "value": NaN, "step": 1}]', "auc is nan"),
    ('{"main": {"data": {"m.json": {"data": {"val": {"auc": -Infinity}}}}}}', "val/auc is -inf"),
    ('{"accuracy": NaN, "macro avg": {"precision": 1, "recall": 1, "f1-score": 1}}', "accuracy is nan"),
    ('{"macro avg": {"precision": NaN, "recall": 1, "f1-score": 1}}', "precision of macro avg is nan"),
    ('{"results": {"arc": {"acc,none": "N/A"}}}', "arc/acc is 'N/A', expected a number"),
    ('{"macro avg": {"precision": 1, "recall": null, "f1-score": 1}}', "recall of macro avg is null"),
])
def test_a_file_that_holds_no_metrics_says_what_it_holds(text: bytes | str, reason: str) -> None:
    assert reason in refused(text)


def test_a_file_is_capped() -> None:
    assert "more than 16,777,216 bytes" in refused(b" " * (module.MAX_BYTES + 1))


def test_a_data_set_that_is_not_given_is_asked_for() -> None:
    with pytest.raises(UsageError) as caught:
        read([{"name": "auc", "value": 1, "dataset": "holdout"}])
    assert caught.value.fix == "--dataset holdout=PATH"
    with pytest.raises(UsageError, match="'holdout' is not given"):
        read({"auc[a=b]@holdout": 1})


NAMES = ["results", "data", "metrics", "run", "name", "value", "key"]
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.text(max_size=5) | st.sampled_from(NAMES), inner, max_size=3),
)


@given(json_values)
def test_whatever_a_file_holds_it_is_read_or_refused(data: Any) -> None:
    try:
        found = read_metrics(json.dumps(data).encode(), "m", ["a"])
    except UsageError:
        return
    assert found.metrics


# The command line.


@pytest.mark.parametrize(("text", "metric"), [
    ("auc=0.93", Metric("auc", 0.93)),
    ("auc=-1e-3", Metric("auc", -0.001)),
    ("auc[country=DE]=.9", Metric("auc", 0.9, slice={"country": "DE"})),
    ("auc[country=DE,age=2-3]@holdout=0.9", Metric("auc", 0.9, None, "holdout", slice={"country": "DE", "age": "2-3"})),
    ("auc@holdout=0.9", Metric("auc", 0.9, None, "holdout")),
    ("ndcg@10=0.9", Metric("ndcg@10", 0.9)),
    ("ndcg@10@holdout=0.9", Metric("ndcg@10", 0.9, None, "holdout")),
    ("ndcg@10[a=b]@holdout=0.9", Metric("ndcg@10", 0.9, None, "holdout", slice={"a": "b"})),
    ("val/acc top 5=5", Metric("val/acc top 5", 5.0)),
])
def test_a_metric_of_the_command_line(text: str, metric: Metric) -> None:
    assert parse_metric(text, ["holdout"]) == metric


@pytest.mark.parametrize("text", [
    "", "auc", "=1", "auc=", "auc=nan", "auc=-inf", "auc=1e999", "auc=1_0", "auc=0,9", "auc=93%", "auc= 1", "auc=True",
    "auc[=1", "auc[a]=1", "auc[a=b=1", "a,b=1", "auc=٣", "auc[a=b]x=1", "auc@other=1", "auc[a=b]@other=1",
])
def test_what_is_no_metric_is_refused_with_the_line_to_type(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_metric(text, ["holdout"])
    assert caught.value.fix.startswith("--")


# Directions.


@pytest.mark.parametrize("name", [
    "accuracy", "acc_norm", "auc", "val_auc", "auc_macro", "ROC-AUC", "valAUC", "f1", "f1@5", "f1-score",
    "ndcg@10", "mAP50", "precision_weighted", "recall_at_5", "mean average precision", "rouge1", "rougeL",
    "ROUGE-L", "r2", "r2_score", "bleu", "mrr", "gsm8k/exact_match/strict-match", "pass@1", "top5_accuracy",
    "explained_variance", "neg_log_loss", "hits@10",
])
def test_higher_is_better(name: str) -> None:
    assert higher_is_better(name) is True


@pytest.mark.parametrize("name", [
    "loss", "val_loss", "train/loss", "log_loss", "error_rate", "max_error", "rmse", "testRMSE", "mae", "mse",
    "word_perplexity", "wer", "cer", "p95_ms", "latency_p99", "brier", "brier_score_loss", "ece",
    "neg_log_likelihood", "inference_seconds",
])
def test_lower_is_better(name: str) -> None:
    assert higher_is_better(name) is False


@pytest.mark.parametrize("name", [
    "", "score", "my_metric", "lossless", "accumulated", "auction", "terms", "auc_gap", "accuracy_std",
    "auc_stderr", "loss_ratio", "precision_loss", "n_errors", "variance", "mapping", "1e-5",
])
def test_what_its_words_do_not_tell_stays_unknown(name: str) -> None:
    assert higher_is_better(name) is None


def test_settings_that_a_report_cannot_hold_are_left_out() -> None:
    params = rb"""{"a": "\ud800", "b": 1e999, "c": 9223372036854775808, "d": true, "e": [1, null]}"""
    assert read_metrics(b'{"metrics": {"auc": 1}, "params": %s}' % params, "m").params == {"d": True}
    assert read_metrics(b'{"metrics": {"auc": 1}, "params": "none"}', "m").params == {}
