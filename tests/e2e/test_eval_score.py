"""`mvc eval score` and `recompute`, `gate --recompute`, `compare --paired`: from predictions to a verdict."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from harness import InProcess, Repo

from mvc.quality.reports.report import Report
from mvc.quality.reports.report_document import parse_report

MODEL = "models/ranker.onnx"
FILE = f"{MODEL}.eval.yaml"
PREDICTIONS = "evals/ranker.csv"
POLICY = """\
mvc-policy: 1
rules:
  - {match: "evals/**", report: optional}
  - match: "models/**"
"""
EVIDENCE = f"{POLICY}    evidence: predictions\n    metrics: {{auc: {{min: 0.5}}}}\n"
PAIRED = f"{POLICY}    metrics: {{accuracy: {{min: 0.5, max_regression: paired}}}}\n"
SCORE = ("eval", "score", MODEL, "--predictions", PREDICTIONS, "--score", "p1", "--slice", "country")


def rows(noise: float, seed: int = 1) -> str:
    """Return predictions for the same 400 examples, as good as the noise is small."""
    examples, other = random.Random(0), random.Random(seed)
    lines = ["truth,predicted,p1,country"]
    for _ in range(400):
        truth, country = examples.randint(0, 1), examples.choice(("DE", "FR"))
        score = min(1, max(0, 0.5 + 0.4 * (truth - 0.5) + examples.gauss(0, 0.2) + other.gauss(0, noise)))
        lines.append(f"{truth},{int(score >= 0.5)},{score},{country}")
    return "\n".join(lines) + "\n"


def right(text: str) -> int:
    """Return how many predictions are right."""
    return sum(row[0] == row[2] for row in text.splitlines()[1:])


def evaluate(repo: Repo, noise: float, seed: int = 1) -> Report:
    """Train and evaluate the model, and commit it."""
    repo.write(MODEL, f"model {noise} {seed}" * 99)
    repo.write(PREDICTIONS, rows(noise, seed))
    repo.ok(*SCORE, "--bump", "minor", "--add")
    repo.commit(f"noise {noise}")
    return report(repo)


def report(repo: Repo) -> Report:
    return parse_report(repo.read(FILE), FILE)


@pytest.fixture
def model(repo: Repo) -> Repo:
    repo.write(MODEL, b"model" * 99)
    repo.write(PREDICTIONS, rows(0.01))
    repo.ok("add", MODEL)
    repo.commit("a model")
    return repo


def test_a_predictions_file_becomes_a_report(model: Repo) -> None:
    out = model.ok(*SCORE, "--tag", "v1.0.0", "--dataset", f"holdout={PREDICTIONS}", "--sensitive", "country").out
    assert f"recorded {FILE} (v1.0.0, 32 metrics)" in out
    found = report(model)
    assert found.format == 2
    assert found.predictions
    assert found.predictions.blake3 == model.digest(PREDICTIONS)
    assert (found.predictions.n, found.predictions.dataset) == (400, "holdout")
    assert found.predictions.task == "classification"
    metrics = {(item.name, *item.slice.values()): item for item in found.metrics}
    assert metrics["auc",].method == "DeLong"
    assert metrics["accuracy", "DE"].n
    assert metrics["country/demographic_parity_difference",].higher_is_better is False
    assert found.environment
    assert "scikit-learn" in found.environment.packages
    assert model.git("status", "--short").split("\n") == [f"A  {name}" for name in (
        "evals/.gitignore", f"{PREDICTIONS}.mvc", FILE,
    )]
    assert model.debris() == []


def test_pictures_are_artifacts_of_the_report(model: Repo) -> None:
    model.ok(*SCORE, "--tag", "v1.0.0", "--plots", "evals/plots")
    names = ["roc", "precision-recall", "calibration", "confusion", "slices"]
    artifacts = report(model).artifacts
    assert [item.path for item in artifacts] == [f"evals/plots/{name}.svg" for name in names]
    texts = [model.read(item.path).decode() for item in artifacts]
    assert all(text.startswith("<svg") for text in texts)
    assert ["true positive rate" in texts[0], "country = FR" in texts[-1]] == [True, True]
    assert {f"A  {item.path}" for item in artifacts} <= set(model.git("status", "--porcelain").splitlines())
    assert ["Positive: 1. Dashed: chance." in texts[0], ">examples<" in texts[2]] == [True, True]


def test_a_picture_is_not_written_through_a_symlink(model: Repo, tmp_path: Path) -> None:
    (precious := tmp_path / "precious").write_text("keys")
    model.write("evals/plots/.keep", "")
    (model.root / "evals/plots/roc.svg").symlink_to(precious)
    failed = model.fails(2, *SCORE, "--tag", "v1.0.0", "--plots", "evals/plots")
    assert "evals/plots/roc.svg is a symlink" in failed.err
    assert precious.read_text() == "keys"
    assert not (model.root / FILE).exists()


def test_a_report_without_predictions_follows(model: Repo) -> None:
    model.ok(*SCORE, "--tag", "v1.0.0")
    model.ok("eval", "record", MODEL, "--tag", "v1.0.0", "--metric", "auc=0.9")
    assert report(model).predictions is None


REFUSED = {
    "no predictions": ("eval", "score", MODEL, "--tag", "v1"),
    "column": (*SCORE, "--tag", "v1", "--truth", "label"),
    "tag": SCORE,
    "data sets": (*SCORE, "--tag", "v1", "--dataset", f"a={MODEL}", "--dataset", f"b={PREDICTIONS}"),
    "metric": (*SCORE, "--tag", "v1", "--metric", "auc=0.99"),
    "file": ("eval", "score", MODEL, "--tag", "v1", "--predictions", "evals/none.csv"),
    "directory": ("eval", "score", MODEL, "--tag", "v1", "--predictions", "evals"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_nothing_is_written_where_something_is_wrong(model: Repo, name: str) -> None:
    found = model.fails(2, *REFUSED[name])
    assert len(found.errors) == 1
    assert model.git("status", "--short", "--untracked-files=all") == f"?? {PREDICTIONS}"
    assert model.debris() == []


def test_the_truth_may_be_called_class(model: Repo) -> None:
    lines = ["class,predicted", *(f"{'abc'[row % 3]},{'abc'[row % 7 % 3]}" for row in range(60))]
    model.write(PREDICTIONS, "\n".join(lines) + "\n")
    model.ok("eval", "score", MODEL, "--predictions", PREDICTIONS, "--truth", "class", "--tag", "v1.0.0")
    assert {item.slice.get("class") for item in report(model).metrics} == {None, "a", "b", "c"}
    model.ok("eval", "recompute")


def test_empty_options_are_as_none(model: Repo) -> None:
    lines = model.read(PREDICTIONS).decode().splitlines()
    model.write(PREDICTIONS, "," + "\n0,".join(lines) + "\n")  # with an index, as pandas writes it
    model.ok(*SCORE, "--tag", "v1.0.0")
    with_columns = report(model).metrics
    empty = ("--truth", "", "--predicted", "", "--slice", "", "--sensitive", "")
    model.ok(*SCORE, "--tag", "v1.0.0", *empty)
    assert report(model).metrics == with_columns


def test_predictions_of_a_part_of_the_data_are_said_to_be_of_a_part(model: Repo) -> None:
    dataset = ("--dataset", f"holdout={PREDICTIONS}")
    model.ok(*SCORE, "--tag", "v1.0.0", *dataset)
    text = model.read(FILE).decode()
    (rows,) = {item.n for item in [report(model).predictions] if item}
    model.write(FILE, re.sub(r'(id: "holdout".*?)\}', rf"\1, n: {rows + 1}}}", text))
    said = model.fails(1, "eval", "recompute").err
    assert f"n of holdout is {rows + 1} in the report, {rows} by its predictions" in said
    model.ok(*SCORE, "--tag", "v1.0.0", *dataset)
    assert [(item.n, item.used) for item in report(model).datasets] == [(rows + 1, rows)]
    model.ok("eval", "recompute")


def test_the_line_to_type_where_the_extra_is_missing(
    model: Repo, in_process: InProcess, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "fairlearn", None)
    found = in_process(model.root, *SCORE, "--tag", "v1")
    assert found.code == 2
    assert found.fixes == ["pip install 'fairlearn>=0.15' 'pyarrow>=26' 'scikit-learn>=1.9.1'"]


# Recomputing.


def edit(repo: Repo, name: str = "auc", value: str = "0.99") -> None:
    """Write another number into the report."""
    old = next(item.value for item in report(repo).metrics if item.name == name)
    text = repo.read(FILE).decode()
    assert text.count(f"value: {old!r}") == 1
    repo.write(FILE, text.replace(f"value: {old!r}", f"value: {value}"))


def test_an_edited_number_is_found(model: Repo) -> None:
    model.ok(*SCORE, "--tag", "v1.0.0")
    assert model.ok("eval", "recompute").out == f"same  {MODEL}  30 metrics from {PREDICTIONS}\n"
    edit(model)
    found = model.fails(1, "eval", "recompute", MODEL)
    assert f"differs  {MODEL}" in found.out
    assert f"{MODEL}: auc is 0.99 in the report, 0." in found.err
    (line,) = found.fixes
    model.ok(*line.split()[1:])
    model.ok("eval", "recompute")
    edit(model)
    found = model.mvc("eval", "recompute", "--json")
    assert found.code == 1
    (told,) = found.json
    assert [item["metric"] for item in told["differences"]] == ["auc"]


def test_recomputing_without_the_content(model: Repo, tmp_path: Path) -> None:
    model.ok(*SCORE, "--tag", "v1.0.0")
    model.commit("a report")
    found = model.clone(tmp_path / "clone").fails(3, "eval", "recompute")
    assert f"{MODEL}: the cache does not have the predictions {PREDICTIONS}" in found.err
    assert found.fixes == [f"mvc fetch {PREDICTIONS}"]
    assert "its report names no predictions" not in model.ok("eval", "recompute").out
    assert f"{PREDICTIONS}: it has no report" in model.fails(3, "eval", "recompute", PREDICTIONS).err


def test_other_predictions_at_the_path_are_found(model: Repo) -> None:
    model.write(".mvc/policy.yaml", EVIDENCE)
    model.ok(*SCORE, "--tag", "v1.0.0")
    model.ok("eval", "check")
    model.write(PREDICTIONS, rows(0.3))
    model.ok("add", PREDICTIONS)
    assert "MVC107" in model.fails(1, "eval", "check").err
    model.ok("eval", "recompute")  # what the report names is still in the cache


# The gate.


@pytest.fixture
def evaluated(repo: Repo, tmp_path: Path) -> Callable[[str], Repo]:
    """Return a function that makes a repository with a policy, a remote, and an evaluated model on the branch main."""

    def make(policy: str) -> Repo:
        repo.ok("remote", "add", "origin", str(tmp_path / "remote"), "--default")
        repo.write(".mvc/policy.yaml", policy)
        repo.git("add", ".mvc/policy.yaml")
        evaluate(repo, 0.01)
        repo.ok("push")
        repo.git("branch", "base")
        return repo

    return make


def judged(repo: Repo, tmp_path: Path, code: int, *options: str) -> str:
    """Judge the change in a new clone, whose cache is empty; return what the gate says."""
    folder = tmp_path / f"clone-{len([*tmp_path.iterdir()])}"
    clone = repo.clone(folder)
    found = clone.mvc("gate", "--base", "origin/base", "--head", "HEAD", *options)
    assert found.code == code, found
    return found.out + found.err


def test_an_edited_number_is_refused_by_the_gate(evaluated: Callable[[str], Repo], tmp_path: Path) -> None:
    repo = evaluated(EVIDENCE)
    evaluate(repo, 0.011)
    assert "MVC229" in judged(repo, tmp_path, 1)
    assert "MVC229 models/ranker.onnx: the metrics cannot be computed again" in judged(repo, tmp_path, 1, "--recompute")
    repo.ok("push")
    judged(repo, tmp_path, 0, "--recompute")
    edit(repo)
    repo.git("add", FILE)
    repo.commit("an edited number")
    assert "MVC227 models/ranker.onnx: auc is 0.99 in the report" in judged(repo, tmp_path, 1, "--recompute")


def test_a_version_is_registered_and_promoted_if_its_numbers_are_those_of_the_predictions(
    evaluated: Callable[[str], Repo], tmp_path: Path,
) -> None:
    """Also in a clone whose cache is empty."""
    repo = evaluated(f"{EVIDENCE}stages: {{prod: {{max_age: 30d}}}}\n")
    clone = repo.clone(tmp_path / "clone")
    clone.ok("register", "ranker")
    clone.ok("promote", "ranker@latest", "prod")
    edit(repo)
    repo.git("add", FILE)
    repo.commit("an edited number")
    assert "MVC227" in repo.fails(1, "register", "ranker", "v0.2.0").err


@pytest.mark.parametrize("where", [MODEL, "."])
def test_predictions_in_conflict_follow_the_better_model(evaluated: Callable[[str], Repo], where: str) -> None:
    repo = evaluated(EVIDENCE)
    for branch, noise in (("one", 0.3), ("two", 0.02)):
        repo.git("switch", "-qC", branch, "base")
        repo.ok("checkout", "-f")
        evaluate(repo, noise)
        better = repo.digest(PREDICTIONS)
    repo.git("switch", "-q", "one")
    assert repo.run("git", "merge", "-q", "two").code == 1
    out = repo.ok("resolve", where, "--best", "auc").out
    assert f"resolved {MODEL}: theirs" in out
    assert f"resolved {PREDICTIONS}: theirs" in out
    assert repo.digest(PREDICTIONS) == better
    repo.git("commit", "-q", "--no-edit")
    repo.ok("eval", "recompute")
    repo.ok("status", "--exit-code")


def test_a_model_without_predictions_is_refused(evaluated: Callable[[str], Repo], tmp_path: Path) -> None:
    repo = evaluated(EVIDENCE)
    repo.ok("eval", "record", MODEL, "--tag", "v0.2.0", "--metric", "auc=0.99")
    repo.commit("no predictions")
    assert "MVC228" in judged(repo, tmp_path, 1, "--recompute")


def test_noise_passes_and_a_regression_does_not(evaluated: Callable[[str], Repo], tmp_path: Path) -> None:
    repo = evaluated(PAIRED)
    seed = next(seed for seed in range(2, 99) if right(rows(0.02, seed)) < right(rows(0.01)))
    evaluate(repo, 0.02, seed)
    repo.ok("push")
    assert "MVC230" in judged(repo, tmp_path, 1)
    said = judged(repo, tmp_path, 0, "--recompute")
    assert "MVC231" in said
    assert "not shown to be worse, by McNemar: difference -0.0" in said
    evaluate(repo, 0.6)
    repo.ok("push")
    said = judged(repo, tmp_path, 1, "--recompute")
    assert "MVC221 models/ranker.onnx: accuracy is" in said
    assert "worse, by McNemar: difference -0." in said
    assert "n = 400, p = " in said


def test_versions_are_compared_example_by_example(evaluated: Callable[[str], Repo]) -> None:
    repo = evaluated(PAIRED)
    evaluate(repo, 0.6)
    said = repo.ok("compare", f"base:{MODEL}", MODEL, "--paired").out
    assert f"{MODEL} against base:{MODEL}, example by example" in said
    assert "McNemar" in said
    found = repo.ok("compare", f"base:{MODEL}", MODEL, "--paired", "--json").json["paired"]
    assert {item["metric"]: item["test"] for item in found[0]["tests"]}["auc"] == "paired bootstrap"
    assert "| metric | difference |" in repo.ok("compare", f"base:{MODEL}", MODEL, "--paired", "--md").out
    assert "no other" in repo.fails(2, "compare", MODEL, "--paired").err
    repo.ok("eval", "record", MODEL, "--tag", "v9.0.0", "--metric", "auc=0.99")
    assert "has no report that names predictions" in repo.fails(3, "compare", f"base:{MODEL}", MODEL, "--paired").err
