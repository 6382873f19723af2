"""The examples, as docs/tuning.md describes them: with the real Optuna and SHAP, and the real hook."""

from __future__ import annotations

import csv
from itertools import product
from math import isclose

import pandas as pd
import pytest
import skops.io
from harness import PROJECT, Begin, Repo
from sklearn.metrics import roc_auc_score

from mvc.quality.reports.report import Report
from mvc.quality.reports.report_document import parse_report

PYTHON = PROJECT / ".cache/examples/bin/python"
MODEL, TRIALS = "models/tumours.skops", "evals/trials.csv"
POLICY = """\
mvc-policy: 1
rules:
  - {match: "data/**", report: optional}
  - {match: "evals/**", report: optional}
  - match: "models/**"
    metrics: {auc: {min: 0.95}}
"""
pytestmark = pytest.mark.long


def with_data(repo: Repo) -> None:
    """Commit the data and the policy."""
    repo.write(".mvc/policy.yaml", POLICY)
    example(repo, "data.py")
    repo.remove("part-2.csv")
    repo.ok("add", "data/train", "data/holdout.csv")
    repo.git("add", ".mvc")
    repo.commit("data")


def example(repo: Repo, script: str, *args: str) -> str:
    """Run an example, and return its output."""
    done = repo.run(str(PYTHON), str(PROJECT / "examples" / script), *args, env={"PYTHONPATH": str(PROJECT)})
    assert done.code == 0, done
    return done.out


@pytest.fixture
def repo(begin: Begin) -> Repo:
    repo = begin(with_data)
    repo.ok("checkout", "-f")
    return repo


def report(repo: Repo) -> Report:
    return parse_report(repo.read(f"{MODEL}.eval.yaml"), MODEL)


@pytest.mark.parametrize("sampler", ["grid", "random", "tpe"])
def test_the_best_of_all_trials_is_recorded_and_committed(repo: Repo, sampler: str) -> None:
    example(repo, "tuning/tune.py", sampler)
    trials = list(csv.DictReader(repo.read(TRIALS).decode().splitlines()))
    tried = {(int(row["params_components"]), float(row["params_C"]), row["params_whiten"]) for row in trials}
    grid = set(product((5, 10, 20), (0.01, 0.1, 1.0), ("False", "True")))
    assert len(trials) == 18
    assert (tried == grid) == (sampler == "grid")
    assert all(row["state"] == "COMPLETE" and float(row["user_attrs_log_loss"]) > 0 for row in trials)

    found = report(repo)
    best = max(trials, key=lambda row: float(row["user_attrs_auc"]))
    assert found.params["components"] == int(best["params_components"])
    assert isclose(float(str(found.params["C"])), float(best["params_C"]))
    assert [item.path for item in found.artifacts] == [TRIALS]
    assert found.artifacts[0].blake3 == repo.digest(TRIALS)
    auc = next(item for item in found.metrics if item.name == "auc")
    model = skops.io.load(repo.root / MODEL)
    rows = pd.read_csv(repo.root / "data/holdout.csv")
    scores = model.predict_proba(rows.drop(columns=["truth", "size"]))[:, 1]
    assert auc.value == pytest.approx(roc_auc_score(rows["truth"] == "malignant", scores))
    repo.git("commit", "-qm", "the best")
    assert repo.git("show", "--name-only", "--format=").count(".mvc") == 2


def test_shap_values_are_artifacts_of_the_report(repo: Repo) -> None:
    example(repo, "explaining/explain.py")
    found = report(repo)
    assert {item.path for item in found.artifacts} == {"evals/shap.csv", "evals/shap.svg"}
    assert {item.blake3 for item in found.artifacts} > {repo.digest("evals/shap.csv")}
    assert {item.slice.get("size") for item in found.metrics} == {None, "small", "large"}
    rows = pd.read_csv(repo.root / "data/train/part-1.csv").drop(columns=["truth", "size"])
    values = pd.read_csv(repo.root / "evals/shap.csv")
    model = skops.io.load(repo.root / MODEL, trusted=["sklearn.tree._tree.Tree"])
    assert values.sum(axis=1).to_numpy() == pytest.approx(model.predict_proba(rows)[:, 1])
    repo.git("add", "evals")
    repo.git("commit", "-qm", "explained")
    repo.ok("eval", "recompute")
