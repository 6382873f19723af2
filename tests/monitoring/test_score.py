"""`mvc monitor score`: labels that arrive later, joined to the log; the metrics are those of `eval score`."""

from __future__ import annotations

import io
import json
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from harness import PROJECT, Repo
from hypothesis import given, settings
from hypothesis import strategies as st
from prediction_logs import classified, log
from prometheus_client.parser import text_string_to_metric_families

from mvc.errors import InvalidFormat
from mvc.evaluation.columns import Labelled
from mvc.evaluation.live.join import Joined, Served, join
from mvc.evaluation.live.labels import read_labels
from mvc.evaluation.live.prediction_log import find_parts
from mvc.evaluation.predictions import PredictionsFile
from mvc.evaluation.roles import Roles
from mvc.ops.lifecycle.watching.live_output import reports
from mvc.ops.lifecycle.watching.score import LiveMetric, LiveScore, LiveVersion
from mvc.quality.render.exposition import gauge
from mvc.quality.reports.report import Metric
from mvc.quality.reports.report_document import parse_report
from mvc.runtime.predictor import Prediction
from mvc.serving.answered import Answered
from mvc.serving.loaded import Identity

MODEL = "models/ranker.onnx"
ROLES = Roles("classification")


def reported(repo: Repo) -> None:
    """Two versions that were evaluated on predictions; both are registered."""
    for version, wrong in (("v1.0.0", 4), ("v1.1.0", 2)):
        repo.write(MODEL, version)
        two = ("no", "yes")
        rows = (f"{two[i % 2]},{two[(i % 2) ^ (i < wrong)]},{(0.2, 0.9)[i % 2]},DE" for i in range(40))
        repo.write(f"evals/{version}.csv", "\n".join(["label,predicted,p,country", *rows]) + "\n")
        repo.ok("add", MODEL, "--name", "ranker")
        repo.ok(
            "eval", "score", MODEL, "--predictions", f"evals/{version}.csv", "--tag", version, "--positive", "yes",
            "--score", "p", "--truth", "label", "--slice", "country", "--add",
        )
        repo.commit(version)
        repo.ok("register", "ranker")


LABELS = ["mvc_request_id,mvc_row,label"]
"""Of 20 requests with two rows, by version: every fifth request of the first has a wrong prediction, every tenth."""
for version, step in (("v1.0.0", 5), ("v1.1.0", 10)):
    for place in range(18):
        LABELS += [f"{version}/{place},0,{'yes' if place % step == 0 else 'no'}", f"{version}/{place},1,yes"]
LABELS += ["unknown,0,yes", "v1.1.0/0,1,no", "v1.1.0/0,1,yes", "v1.1.0/19,0,"]


def served(repo: Repo) -> None:
    """What both versions predicted for 20 requests, in two runs of the server."""
    for version in ("v1.0.0", "v1.1.0"):
        repo.git("checkout", "-q", f"ranker@{version}")
        digest = repo.digest(MODEL)
        repo.git("checkout", "-q", "main")
        with log(repo.root / "log") as opened:
            for place in range(20):
                opened.put(classified(
                    f"{version}/{place}", ["no", "yes"], [0.2, 0.8], version, digest, country=["DE", "FR"],
                ))
    repo.write("labels.csv", "\n".join(LABELS) + "\n")


def scene(repo: Repo) -> None:
    reported(repo)
    served(repo)
    repo.ok("retire", "ranker@v1.0.0")


def test_by_version_with_its_report(begin: Callable[..., Repo]) -> None:
    repo = begin(scene)
    found = repo.ok(
        "monitor", "score", "ranker", "--log", "log", "--truth", "labels.csv", "--json", "--prom", "live.prom",
        "-o", "live",
    ).json
    assert {key: found[key] for key in ("model", "task", "labels", "unknown", "repeated", "empty")} == {
        "model": "ranker", "task": "classification", "labels": 76, "unknown": 1, "repeated": 2, "empty": 1}
    first, second = found["versions"]
    assert (first["version"], first["retired"], first["rows"], first["labelled"], first["unlabelled"]) == (
        "v1.0.0", True, 40, 36, 4)
    assert (second["version"], second["retired"], second["labelled"]) == ("v1.1.0", False, 36)
    accuracy = metric(second, "accuracy")
    assert accuracy["value"] == pytest.approx(34 / 36)
    assert accuracy["reference"] == 0.95
    assert accuracy["difference_stderr"] == pytest.approx(np.hypot(accuracy["stderr"], accuracy["reference_stderr"]))
    assert metric(second, "accuracy", country="DE")["reference"] == 0.95
    assert metric(second, "accuracy", country="FR")["reference"] is None
    check_series(repo, found)
    check_reports(repo, found)


def test_one_part_is_a_log(begin: Callable[..., Repo]) -> None:
    repo = begin(scene)
    part = find_parts(f"{repo.root}/log", lambda *_: None)[0].path
    found = repo.ok("monitor", "score", "ranker", "--log", part, "--truth", "labels.csv", "--json").json
    assert [version["version"] for version in found["versions"]] == ["v1.0.0"]
    told = repo.mvc("monitor", "score", "ranker", "--log", "labels.csv", "--truth", "labels.csv")
    assert (told.code, "has no part of a prediction log" in told.err) == (2, True)


def test_what_to_do_is_said_of_bad_labels_and_outputs(begin: Callable[..., Repo]) -> None:
    repo = begin(scene)
    repo.write("none.csv", "mvc_request_id,other,more\n1,2,3\n")
    pq.write_table(pa.table({"mvc_request_id": ["a"], "label": pa.array([[1]])}), repo.root / "list.parquet")
    repo.write("long.csv", f"mvc_request_id,label\na,{'x' * 300}\n")
    for code, truth, words in (
        (2, "none.csv", ()), (2, "list.parquet", ()), (2, "long.csv", ()), (3, "gone.csv", ()),
        (2, "labels.csv", ("-o", "labels.csv")), (3, "labels.csv", ("--prom", "log")),
        (3, "labels.csv", ("-o", "labels.csv/x")),
    ):
        told = repo.mvc("monitor", "score", "ranker", "--log", "log", "--truth", truth, *words)
        assert told.code == code, told
        assert "\n  try: " in told.err, told
    told = repo.mvc("monitor", "rules", "ranker", "-o", "log")
    assert (told.code, told.err.splitlines()[1]) == (3, "  try: name a file, not a directory")


def metric(version: dict[str, Any], name: str, **part: str) -> dict[str, Any]:
    one, = (item for item in version["metrics"] if (item["name"], item["slice"]) == (name, part))
    return dict(one)


def check_series(repo: Repo, found: Any) -> None:
    text = repo.read("live.prom").decode()
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    values = {
        (sample.name, sample.labels["version"], sample.labels.get("metric"), sample.labels.get("slice")): sample.value
        for family in text_string_to_metric_families(text) for sample in family.samples
    }
    second = found["versions"][1]
    assert values["mvc_live_metric", "v1.1.0", "auc", ""] == metric(second, "auc")["value"]
    assert values["mvc_live_metric_reference", "v1.1.0", "accuracy", "country=DE"] == 0.95
    assert values["mvc_live_rows", "v1.1.0", None, None] == 36
    assert values["mvc_live_unmatched_rows", "v1.0.0", None, None] == 4


def check_reports(repo: Repo, found: Any) -> None:
    raw = repo.read("live/ranker@v1.1.0.live.yaml")
    data = yaml.safe_load(raw)
    schema = json.loads((PROJECT / "docs/schemas/live-report.schema.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(data)
    assert data["model"]["blake3"] == found["versions"][1]["blake3"]
    assert data["datasets"][0]["used"] == 36
    auc = next(item["value"] for item in data["metrics"] if item["name"] == "auc")
    assert auc == metric(found["versions"][1], "auc")["value"]
    with pytest.raises(InvalidFormat, match="not an evaluation report"):
        parse_report(raw, "x.eval.yaml")
    repo.write(f"{MODEL}.eval.yaml", raw)
    repo.git("add", f"{MODEL}.eval.yaml")
    refused = repo.mvc("eval", "check")
    assert refused.code == 1, "a live report never counts as an evaluation"


def test_the_table(begin: Callable[..., Repo]) -> None:
    repo = begin(scene)
    shown = repo.ok("monitor", "score", "ranker", "--log", "log", "--truth", "labels.csv")
    assert "v1.0.0 (retired)" in shown.out
    row = next(line for line in shown.out.splitlines() if line.startswith("v1.1.0"))
    assert row.split()[:5] == ["v1.1.0", "36", "accuracy", "0.9444", "0.95"]
    assert "warning: v1.0.0 is retired, but in the log" in shown.err
    assert "v1.1.0: 4 predictions without a label" in shown.err


# The join.


def labels(lines: list[str], header: str = "mvc_request_id,mvc_row,truth") -> PredictionsFile:
    return PredictionsFile(io.BytesIO("\n".join([header, *lines, ""]).encode()), "labels.csv")


KEYS = st.tuples(st.sampled_from("abcde"), st.integers(0, 2))
REQUESTS = st.tuples(st.sampled_from("abcdef"), st.integers(1, 3), st.sampled_from(["v1.0.0", "v2.0.0"]))


@settings(deadline=None, max_examples=30)
@given(
    st.lists(st.tuples(KEYS, st.sampled_from(["no", "yes", ""])), max_size=25),
    st.lists(REQUESTS, min_size=1, max_size=12),
)
def test_the_join_is_that_of_a_dictionary(
    tmp_path_factory: pytest.TempPathFactory, given_labels: list[Any], requests: list[Any],
) -> None:
    folder = tmp_path_factory.mktemp("log")
    with log(folder) as opened:
        for place, (name, count, version) in enumerate(requests):
            predicted = ["no", "yes", "no"][:count]
            opened.put(classified(name, predicted, [place / 100] * count, version)._replace(time=1.79e9 + place))
    truth = {key: label for key, label in given_labels if label}
    expected: dict[str, list[tuple[str, str, float]]] = {}
    left, repeated = dict(truth), 0
    for place, (name, count, version) in enumerate(requests):
        for row in range(count):
            if (name, row) in left:
                expected.setdefault(version, []).append((left.pop((name, row)), ["no", "yes", "no"][row], place / 100))
            elif (name, row) in truth:
                repeated += 1
    lines = [f"{name},{row},{label}" for (name, row), label in given_labels]
    joined = joined_with(folder, lines or ["z,0,no"])
    found = {served.version: rows_of(item.loaded.examples) for served, item in joined.versions.items() if item.loaded}
    assert found == expected
    assert sum(item.repeated for item in joined.versions.values()) == repeated
    assert sum(item.rows for item in joined.versions.values()) == sum(count for _, count, _ in requests)
    assert joined.unknown == len(left) + (not given_labels)


def joined_with(folder: Path, lines: list[str]) -> Joined:
    return join(find_parts(str(folder), fail), "ranker", read_labels(labels(lines), "classification", ""), ROLES, fail)


def rows_of(examples: Any) -> list[tuple[str, str, float]]:
    assert isinstance(examples, Labelled)
    names = examples.truth.labels
    return [
        (names[true], names[predicted], float(score)) for true, predicted, score
        in zip(examples.truth.codes, examples.predicted.codes, examples.scores, strict=True)
    ]


def fail(message: str, fix: str) -> None:
    raise AssertionError(message)


@pytest.mark.parametrize(("version", "blake3"), [
    ("../../v1.0.0", "ab" * 32), ("v1.0.0", "ab"), ("v1.0.0\n", "ab" * 32),
])
def test_a_log_with_versions_that_are_none(tmp_path: Path, version: str, blake3: str) -> None:
    with log(tmp_path) as opened:
        opened.put(classified("a", ["no"], [0.1], version, blake3))
    with pytest.raises(InvalidFormat, match=r"part-.*invalid version"):
        joined_with(tmp_path, ["a,0,no"])


def test_files_of_live_reports() -> None:
    metrics = (LiveMetric(Metric("a", 1), None),)
    versions = tuple(
        LiveVersion(version, digits * 32, retired=False, rows=1, labelled=1, repeated=0, metrics=metrics)
        for version, digits in (("v1.0.0", "ab"), ("v1.0.0", "cd"), ("", "ef"), ("v1.1.0", "01"))
    )
    found = LiveScore("team/ranker", "classification", "ab" * 32, 4, 0, 0, 0, versions)
    assert [name for name, _ in reports(found, "labels.csv", 0)] == [
        f"team=ranker@{name}.live.yaml" for name in (f"v1.0.0-{'ab' * 6}", f"v1.0.0-{'cd' * 6}", "ef" * 6, "v1.1.0")
    ]


def parquet(**columns: Any) -> PredictionsFile:
    file = io.BytesIO()
    pq.write_table(pa.table(columns), file)
    return PredictionsFile(file, "labels.parquet")


NOT_UTF8 = pa.Array.from_buffers(pa.string(), 1, [None, pa.array(["ab"]).buffers()[1], pa.py_buffer(b"\xff\xfe")])


@pytest.mark.parametrize(("columns", "message"), [
    ({"mvc_request_id": [["a"]], "truth": ["no"]}, "'mvc_request_id' is of type list"),
    ({"mvc_request_id": [b"a"], "truth": ["no"]}, "'mvc_request_id' is of type binary"),
    ({"mvc_request_id": NOT_UTF8, "truth": ["no"]}, "Invalid UTF8"),
    ({"mvc_request_id": ["a"], "mvc_row": ["0"], "truth": ["no"]}, "'mvc_row' is text, expected numbers"),
    ({"mvc_request_id": ["a"], "truth": [datetime(2026, 1, 1, tzinfo=UTC)]}, "'truth' is of type timestamp"),
    ({"mvc_request_id": ["a"], "truth": NOT_UTF8}, "Invalid UTF8"),
])
def test_labels_of_wrong_types(columns: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidFormat, match=message):
        read_labels(parquet(**columns), "classification", "")


@pytest.mark.parametrize(("row", "empty", "unknown"), [
    (0.0, 0, 0), (0.5, 0, 1), (float("nan"), 0, 1), (float("inf"), 0, 1), (None, 1, 0),
])
def test_places_of_labels(tmp_path: Path, row: float | None, empty: int, unknown: int) -> None:
    with log(tmp_path) as opened:
        opened.put(classified("a", ["no"], [0.1]))
    read = read_labels(
        parquet(mvc_request_id=["a"], mvc_row=pa.array([row], pa.float64()), truth=["no"]), "classification", "",
    )
    assert read.empty == empty
    assert join(find_parts(str(tmp_path), fail), "ranker", read, ROLES, fail).unknown == unknown


def test_one_label_so_far(tmp_path: Path) -> None:
    with log(tmp_path) as opened:
        opened.put(classified("a", ["no"], [0.1]))
    loaded = joined_with(tmp_path, ["a,0,no"]).versions[Served("v1.0.0", "ab" * 32)].loaded
    assert loaded is not None
    assert rows_of(loaded.examples) == [("no", "no", 0.1)]


def test_a_regression(tmp_path: Path) -> None:
    with log(tmp_path) as opened:
        prediction = Prediction(np.array([1.5, 2.5]), {})
        opened.put(Answered("a", 0.0, Identity("ranker", "", "00" * 32), 0.0, {"x": np.ones(2)}, 2, prediction))
    read = read_labels(labels(["a,1", "b,2"], "mvc_request_id,amount"), "regression", "")
    joined = join(find_parts(str(tmp_path), fail), "ranker", read, Roles("regression"), fail)
    loaded = joined.versions[Served("", "00" * 32)].loaded
    assert loaded is not None
    assert (loaded.examples.truth.tolist(), loaded.examples.predicted.tolist()) == ([1.0], [1.5])


@pytest.mark.parametrize(("header", "message"), [
    ("id,truth", "no column 'mvc_request_id'"), ("mvc_request_id,a,b", "no column 'truth'; other columns: a, b"),
    ("mvc_request_id", "no column 'truth'; other columns: none"),
])
def test_columns_of_labels(header: str, message: str) -> None:
    with pytest.raises(InvalidFormat, match=message):
        read_labels(labels([",".join("1" for _ in header.split(","))], header), "classification", "")


@pytest.mark.parametrize(("options", "message"), [
    (("--log", "log"), "no labels are given"), (("--truth", "labels.csv"), "no log is given"),
    (("--log", "evals", "--truth", "labels.csv"), "no part of a prediction log"),
    (("--log", "log", "--truth", "none.csv"), "No such file"),
])
def test_what_is_missing(begin: Callable[..., Repo], options: tuple[str, ...], message: str) -> None:
    repo = begin(scene)
    result = repo.mvc("monitor", "score", "ranker", *options)
    assert message in result.err
    for line in result.fixes:
        if line.startswith("mvc monitor"):
            repo.ok(*line.replace("NAME", "ranker").replace("DIR", "log").replace("FILE", "labels.csv").split()[1:])
    assert "has no rows of other" in repo.mvc("monitor", "score", "other", "--log", "log", "--truth", "labels.csv").err


def test_rules_and_board_of_a_version(begin: Callable[..., Repo]) -> None:
    repo = begin(scene)
    repo.ok("promote", "ranker@v1.1.0", "prod")
    rules = repo.ok("monitor", "rules", "ranker", "--stage", "prod", "--latency", "0.1", "-o", "rules.yml")
    assert "wrote rules.yml" in rules.out
    text = repo.read("rules.yml").decode()
    assert repo.digest(MODEL) in text
    assert "> 0.1" in text
    assert 'metric=~"accuracy|auc' in text
    assert json.loads(repo.ok("monitor", "dashboard", "ranker").out)["title"] == "mvc: ranker"
    assert "--stage" not in repo.ok("monitor", "rules", "ranker").out
    repo.fails(1, "monitor", "rules", "ranker", "--stage", "dev")
    repo.fails(2, "monitor", "rules", "ranker", "--errors", "2")
    repo.fails(2, "monitor", "rules", "ranker", "--latency", "inf")
    repo.ok("retire", "ranker@v1.1.0", "--force", "-m", "wrong")
    line, = repo.fails(1, "monitor", "rules", "ranker").fixes
    repo.ok(*line.split()[1:])
    repo.fails(2, "monitor", "dashboard", "other")


def test_labels_of_series_come_back_as_they_were() -> None:
    names = ["a\n", "a\\n", 'a"b', "\x85", "##[group]"]
    text = "".join(gauge("mvc_x", "A test.", [({"column": name}, 1) for name in names]))
    family, = text_string_to_metric_families(text)
    assert [sample.labels["column"] for sample in family.samples] == names
