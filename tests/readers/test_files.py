"""What mvc reads in the files that real programs wrote: tests/readers/make writes them again."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from mvc.errors import InvalidFormat, UsageError
from mvc.packages import UPGRADE
from mvc.quality.reports.metric_files import find_metrics, read_file, read_metrics
from mvc.quality.reports.readers.found import FoundMetrics, StatedData
from mvc.quality.reports.report import Metric, Run, label

FILES = Path(__file__).parent / "files"


def read(name: str, *datasets: str) -> FoundMetrics:
    """Return what mvc finds in a file of a real program."""
    with open(FILES / name, "rb") as file:
        return read_metrics(read_file(file, name), name, datasets)


def document(name: str) -> Any:
    """Return the JSON of a real program, to be changed."""
    with open(FILES / name, "rb") as file:
        return json.loads(read_file(file, name))


def told(metric: Metric) -> str:
    """Return a metric in one line."""
    direction = {True: " up", False: " down", None: ""}[metric.higher_is_better]
    error = f" ±{metric.stderr:.3g}" if metric.stderr is not None else ""
    interval = f" {list(metric.ci)}" if metric.ci else ""
    n = f" n={metric.n}" if metric.n is not None else ""
    return f"{label(metric)} {metric.value:.3g}{error}{interval}{n}{direction} {metric.method}".rstrip()


INSPECT = [
    "addition/match/accuracy 0.7 ±0.153 n=10 up",
    "addition/match/std 0.483 n=10",
    "addition/match/accuracy[parity=odd] 0.8 ±0.2 up",
    "addition/match/accuracy[parity=even] 0.6 ±0.245 up",
]
LM_EVAL = [
    "sums/acc 0.333 ±0.333 n=3 up", "sums/acc_norm 0 ±0 n=3 up",
    "words/exact_match/strict 0 ±0 n=3 up", "words/exact_match/flexible 0 ±0 n=3 up",
    "arithmetic/acc 0.333 ±0.333 n=3 up",
]
DEEPEVAL = [
    "pass_rate 0.167 n=6 up", "Length 0.45 n=6", "Length/pass_rate 0.5 n=6 up",
    "Same (GEval) 0.2 n=5", "Same (GEval)/pass_rate 0.167 n=6 up",
]


@pytest.mark.parametrize(("name", "metrics"), [
    ("inspect.eval", [*INSPECT, *(line.replace("match", "includes") for line in INSPECT)]),
    ("lm-eval-limited.json", LM_EVAL),
    ("every-eval-ever.json", [
        "quiz/Accuracy 0.75 ±0.02 [0.71, 0.79] n=400 up bootstrap", "quiz/latency 12.5 n=400 down",
        "other/acme.score 20.5 up",
    ]),
    ("every-eval-ever-converted.json", [
        "words/strict/exact_match 0 ±0 n=3 up analytic", "words/flexible/exact_match 0 ±0 n=3 up analytic",
    ]),
    ("deepeval.json", DEEPEVAL),
    ("deepeval-latest.json", DEEPEVAL),
    ("promptfoo.json", [
        "pass_rate[prompt=plain] 0.667 n=3 up", "score[prompt=plain] 0.667 n=3 up", "words[prompt=plain] 1 n=2",
        "order (strict)[prompt=plain] 1 n=1",
        "pass_rate[prompt=polite] 0.333 n=3 up", "score[prompt=polite] 0.333 n=3 up", "words[prompt=polite] 1 n=2",
        "order (strict)[prompt=polite] 0 n=1",
    ]),
    ("promptfoo.junit.xml", [
        "pass_rate 0.5 n=6 up", "pass_rate[suite=(echo) prompt 1] 0.667 n=3 up",
        "pass_rate[suite=(echo) prompt 2] 0.333 n=3 up",
    ]),
    ("mlflow-classifier.json", [
        "true_negatives 8 n=20", "false_positives 2 n=20", "false_negatives 0 n=20", "true_positives 10 n=20",
        "accuracy_score 0.9 n=20", "recall_score 1 n=20", "precision_score 0.833 n=20", "f1_score 0.909 n=20",
    ]),
    ("mlflow-genai-run.json", ["same/mean 0.25"]),
    ("README.md", ["accuracy[config=plain,dataset=imdb,split=test] 0.93", "accuracy[dataset=sst2] 0.91"]),
    ("eval-results.yaml", ["cais/hle[notes=no-tools,task=default] 20.9", "Idavidrein/gpqa[task=gpqa_diamond] 0.412"]),
])
def test_the_metrics_of_a_file(name: str, metrics: list[str]) -> None:
    assert [told(metric) for metric in read(name).metrics] == metrics


@pytest.mark.parametrize(("name", "datasets", "metrics"), [
    ("lm-eval-limited.json", ["words"], ["exact_match/strict@words 0 ±0 n=3 up"]),
    ("inspect.json", ["addition"], ["match/accuracy@addition 0.583 ±0.149 n=12 up"]),
    ("inspect.json", ["sums"], ["match/accuracy@sums 0.583 ±0.149 n=12 up"]),
    ("every-eval-ever.json", ["quiz"], ["Accuracy@quiz 0.75 ±0.02 [0.71, 0.79] n=400 up bootstrap"]),
    ("README.md", ["imdb"], ["accuracy@imdb 0.93", "accuracy[dataset=sst2] 0.91"]),
])
def test_a_task_or_a_data_set_that_is_given_is_that_of_the_metric(
    name: str, datasets: list[str], metrics: list[str],
) -> None:
    found = {told(metric) for metric in read(name, *datasets).metrics}
    assert found >= {*metrics}


def test_what_the_files_say_about_their_data() -> None:
    assert read("inspect.eval").data == (StatedData("addition", 12, 10),)
    assert read("inspect.json", "sums").data == (StatedData("sums", 12, 12),)
    assert read("inspect-epochs.json").data == (StatedData("addition", 12, 4),)
    assert read("lm-eval-limited.json").data == (StatedData("sums", 5, 3), StatedData("words", 5, 3))
    assert read("every-eval-ever.json").data == (StatedData("quiz", 1000, 400), StatedData("other"))
    assert read("mlflow-classifier.json").data == ()


def test_what_has_no_place_in_a_report_is_named() -> None:
    assert read("README.md").left_out == ("model-index: f1 is '0.9 ± 0.1', expected a number",)
    assert read("every-eval-ever.json").left_out == (
        "the confidence interval of quiz/latency: its level is 0.9, expected 0.95",
    )


def test_runs_and_settings() -> None:
    inspect, run = read("inspect-epochs.json"), read("mlflow-genai-run.json")
    assert inspect.run == Run("inspect", document("inspect-epochs.json")["eval"]["run_id"])
    assert inspect.params == {
        "model": "mockllm/tiny", "packages/inspect_ai": "0.3.285", "task_version": 0, "generate/temperature": 0.5,
        "config/limit": 4, "config/epochs": 2, "config/epochs_reducer": ["mean", "max"],
    }
    assert run.run == Run("mlflow", document("mlflow-genai-run.json")["info"]["run_id"])
    assert run.params == {"temperature": "0.5"}
    lm_eval = read("lm-eval-limited.json").params
    assert (lm_eval["limit"], lm_eval["model_args/pretrained"], lm_eval["versions/sums"]) == (3.0, "acme/tiny", 1.0)
    assert read("every-eval-ever.json").params["source/source_type"] == "documentation"
    assert read("promptfoo.json").params == {"model": "echo", "packages/promptfoo": "0.123.1"}
    assert read("promptfoo.junit.xml").params["failed"] == [
        "[echo] prompt 1.test 3: five", "[echo] prompt 2.test 2: order", "[echo] prompt 2.test 3: five",
    ]
    assert read("README.md").task == "text-classification"


def test_identities_of_the_model_are_kept() -> None:
    data = document("lm-eval.json")
    data["config"] |= {"model_sha": "1" * 40, "token": "hf_not_for_a_report"}
    data |= {"chat_template_sha": "2" * 64, "task_hashes": {"sums": "3" * 64}}
    params = find_metrics(data, "m").params
    assert [params[key] for key in ("model_sha", "chat_template_sha", "task_hashes/sums")] == [
        "1" * 40, "2" * 64, "3" * 64,
    ]
    assert "token" not in params


# Inspect.


def test_reducers_of_epochs_follow_the_name() -> None:
    names = [label(metric) for metric in read("inspect-epochs.json").metrics if "includes" not in metric.name]
    assert [name for name in names if "accuracy" in name and "[" not in name] == [
        "addition/match/accuracy", "addition/match/accuracy/max",
    ]


def test_a_grouped_metric_alone_has_its_whole() -> None:
    data = document("inspect.json")
    (score, _) = data["results"]["scores"]
    metrics = score["metrics"] = {key: score["metrics"][key] for key in ("odd", "even", "all")}
    data["results"]["scores"] = [score]
    names = [label(metric) for metric in find_metrics(data, "m").metrics]
    assert names == [f"addition/match/accuracy{part}" for part in ("[parity=odd]", "[parity=even]", "")]
    metrics["all"]["params"]["all"] = "groups"
    assert label(find_metrics(data, "m").metrics[2]) == "addition/match/accuracy/mean_of_groups"


def test_the_name_of_a_task_is_no_direction() -> None:
    data = changed("inspect.json", "eval", "task", to="error_detection")
    assert told(find_metrics(data, "m").metrics[0]) == "error_detection/match/accuracy 0.583 ±0.149 n=12 up"


def test_how_a_standard_error_was_computed() -> None:
    data = document("inspect.json")
    metrics = data["results"]["scores"][0]["metrics"]
    metrics["stderr"]["params"] = {"cluster": "topic"}
    assert find_metrics(data, "m").metrics[0].method == "clustered by topic"
    metrics["stderr"] |= {"name": "bootstrap_stderr", "params": {}}
    assert find_metrics(data, "m").metrics[0].method == "bootstrap"
    metrics["stderr"]["value"] = float("nan")
    found = find_metrics(data, "m")
    assert (found.metrics[0].stderr, found.metrics[0].method) == (None, "")
    assert found.no_errors == ("stderr of addition/match/accuracy is NaN",)


# What is refused.


def changed(name: str, *path: str | int, to: object) -> Any:
    """Return the JSON of a real program with another value."""
    data = inner = document(name)
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = to
    return data


@pytest.mark.parametrize(("data", "reason"), [
    (changed("inspect.json", "status", to="error"), "the evaluation has the status 'error', expected 'success'"),
    (changed("inspect.json", "invalidated", to=True), "samples of the log were invalidated"),
    (changed("inspect.json", "version", to=1), "an Inspect log of version 1, expected 2"),
    (changed("inspect.json", "results", to=None), "invalid scores: expected a list of objects"),
    (changed("inspect.json", "results", "scores", 0, "metrics", "std", "value", to=float("nan")),
     "addition/match/std is nan, expected a finite number"),
    (changed("every-eval-ever.json", "schema_version", to="0.2.2"), "Every Eval Ever of version '0.2', expected 0.3"),
    (changed("every-eval-ever.json", "evaluation_results", 0, "score_details", "score", to=None),
     "quiz/Accuracy is null, expected a number"),
    (changed("promptfoo.json", "results", "version", to=2), "promptfoo's results of version 2, expected 3"),
    (changed("promptfoo.json", "results", "prompts", 0, "provider", to="openai:x"),
     "results of several models: echo, openai:x"),
    (changed("deepeval.json", "metricsScores", 0, "scores", to=["much"]), "Length is 'much', expected a number"),
    ({"columns": ["inputs"], "data": [["a"]]}, "a table with a row for each example, expected the metrics.json"),
    ([{"dataset": {"id": "a/b", "task_id": "t"}, "value": "much"}], "no metrics found in a list of 1 items"),
    ({"model-index": [{"name": "a", "results": []}, {"name": "b", "results": []}]}, "results of several models: a, b"),
    ({"model-index": 1}, "model-index: not a model-index of Hugging Face"),
])
def test_what_is_refused(data: Any, reason: str) -> None:
    with pytest.raises(InvalidFormat) as caught:
        find_metrics(data, "m")
    assert caught.value.message.startswith(f"m: {reason}")


def test_a_long_prompt_is_named_by_its_id() -> None:
    data = changed("promptfoo.json", "results", "prompts", 0, "label", to="You are\na helpful one.")
    assert find_metrics(data, "m").metrics[0].slice == {"prompt": data["results"]["prompts"][0]["id"][:12]}


def test_a_level_that_is_unknown() -> None:
    data = changed("every-eval-ever.json", "evaluation_results", 0, "score_details", "score", to=-1)
    assert find_metrics(data, "m").metrics[0].value == -1
    data["evaluation_results"][0]["metric_config"]["has_unknown_level"] = True
    with pytest.raises(InvalidFormat, match="quiz/Accuracy is unknown, expected a number"):
        find_metrics(data, "m")


@pytest.mark.parametrize("data", [
    changed("inspect.json", "version", to=3), changed("every-eval-ever.json", "schema_version", to="0.10.0"),
    changed("promptfoo.json", "results", "version", to=4),
])
def test_a_newer_version_needs_a_newer_mvc(data: Any) -> None:
    with pytest.raises(InvalidFormat) as caught:
        find_metrics(data, "m")
    assert caught.value.fix == UPGRADE


def test_the_digest_in_a_card_needs_its_data_set() -> None:
    args = {"blake3": "a" * 64, "n": 9}
    result = {"dataset": {"type": "hold", "args": args}, "metrics": [{"type": "acc", "value": 1}]}
    card = {"model-index": [{"name": "m", "results": [result]}]}
    with pytest.raises(UsageError, match="data set 'hold' is not given"):
        find_metrics(card, "m")
    found = find_metrics(card, "m", ["hold"])
    assert (found.data, told(found.metrics[0])) == ((StatedData("hold", 9, blake3="a" * 64),), "acc@hold 1")


# JUnit, by the pytest that runs this test.

TESTS = """
import pytest
def test_good(): pass
@pytest.mark.parametrize("n", [1, 2])
def test_bad(n): assert n == 1, "]]> <&"
@pytest.fixture
def broken(): raise OSError
def test_error(broken): pass
@pytest.mark.skip
def test_skipped(): assert False
@pytest.mark.xfail
def test_expected(): assert False
"""


def test_junit_of_pytest(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", "--junit-xml=out.xml", "--rootdir=."]
    subprocess.run([*command, "test_it.py"], cwd=tmp_path, capture_output=True, check=False)
    found = read_metrics((tmp_path / "out.xml").read_bytes(), "out.xml")
    assert [told(metric) for metric in found.metrics] == ["pass_rate 0.5 n=4 up"]
    assert found.params == {"failed": ["test_it.test_bad[2]", "test_it.test_error"]}


# A list of metrics, as in a report of format 2.


def test_the_keys_of_a_report() -> None:
    item = {"name": "auc", "value": 0.5, "stderr": 0.1, "ci": [0.4, 0.6], "method": "DeLong"}
    (metric,) = find_metrics([item], "m").metrics
    assert metric == replace(Metric("auc", 0.5, stderr=0.1), ci=(0.4, 0.6), method="DeLong")
    for ci in (1, [1], [0, float("inf")], ["a", "b"]):
        with pytest.raises(InvalidFormat, match="ci of auc is"):
            find_metrics([{**item, "ci": ci}], "m")
