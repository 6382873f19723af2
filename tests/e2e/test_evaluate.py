"""`mvc.evaluate`: a live estimator is cross-validated, and recorded."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import skops.io
from harness import Repo
from runtime.written import data
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import accuracy_score, roc_auc_score
from sklearn.model_selection import KFold, ShuffleSplit, cross_val_predict, cross_val_score
from sklearn.svm import LinearSVC

import mvc

SCORERS = {
    "accuracy": "accuracy", "balanced_accuracy": "balanced_accuracy", "f1_macro": "f1_macro", "auc": "roc_auc",
    "auc_macro": "roc_auc_ovr", "log_loss": "neg_log_loss", "mae": "neg_mean_absolute_error",
    "rmse": "neg_root_mean_squared_error", "r2": "r2",
}


@pytest.fixture
def model(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> Repo:
    skops.io.dump(LogisticRegression().fit(*data(2)), repo.root / "m.skops")
    repo.write("d.csv", "a,b\n1,2\n")
    repo.ok("add", "m.skops")
    repo.commit("a model")
    monkeypatch.chdir(repo.root)
    return repo


@pytest.mark.parametrize(("estimator", "labels", "names"), [
    (LogisticRegression(), 2, ["accuracy", "auc", "balanced_accuracy", "f1_macro", "log_loss"]),
    (LogisticRegression(), 3, ["accuracy", "auc_macro", "balanced_accuracy", "f1_macro", "log_loss"]),
    (LinearSVC(), 2, ["accuracy", "balanced_accuracy", "f1_macro"]),
    (LinearRegression(), 0, ["mae", "r2", "rmse"]),
])
def test_the_means_over_folds_are_recorded(model: Repo, estimator: Any, labels: int, names: list[str]) -> None:
    mvc.evaluate(estimator, *data(labels), model="m.skops", cv=4, tag="v1.0.0", dataset={"all": "d.csv"})
    metrics = mvc.report("m.skops").metrics
    assert sorted(item.name for item in metrics) == names
    for item in metrics:
        scorer = SCORERS[item.name]
        folds = cross_val_score(estimator, *data(labels), cv=4, scoring=scorer)
        assert item.value == pytest.approx(abs(folds.mean()) if scorer.startswith("neg") else folds.mean())
        assert item.stderr == pytest.approx(folds.std(ddof=1) * np.sqrt(1 / 4 + 15 / 45))
        assert item.higher_is_better is not scorer.startswith("neg")
        assert (item.dataset, item.method) == ("all", "4-fold cross-validation, corrected")


def test_a_splitter_of_scikit_learn_chooses_the_folds(model: Repo) -> None:
    cv = KFold(3, shuffle=True, random_state=7)
    found = mvc.evaluate(LinearRegression(), *data(0), model="m.skops", cv=cv, tag="v1.0.0")
    r2 = next(item.value for item in found.report.metrics if item.name == "r2")
    assert r2 == pytest.approx(cross_val_score(LinearRegression(), *data(0), cv=cv).mean())


ROWS, LABELS = data(2)


@pytest.mark.parametrize(("rows", "labels", "options", "problem"), [
    (ROWS[:-1], LABELS, {}, "inconsistent numbers of samples"),
    (np.full_like(ROWS, np.nan), LABELS, {}, "NaN"),
    (ROWS, np.zeros(60, int), {}, "all labels are"),
    (ROWS[:0], LABELS[:0], {}, "the cross-validation failed"),
    (ROWS, LABELS, {"cv": 1}, "the cross-validation failed"),
    (ROWS, LABELS, {"cv": 61}, "the cross-validation failed"),
    (ROWS, LABELS, {"model": "nothing"}, "does not exist"),
    (ROWS, LABELS, {"tag": ""}, "tag"),
    (ROWS, LABELS, {"dataset": {"a": "d.csv", "b": "d.csv"}}, "one data set"),
    (ROWS, LABELS, {"slices": {"side": LABELS}}, "slices are of predictions"),
    (ROWS, LABELS, {"predictions": "p.txt"}, r"expected a file named \*.csv"),
    (ROWS, LABELS, {"predictions": "p.csv", "slices": {"truth": LABELS}}, "have a column of that name"),
    (ROWS, LABELS, {"predictions": "p.csv", "slices": {"side": LABELS[1:]}}, "59 values, expected 60"),
    (ROWS, LABELS, {"predictions": "p.csv", "cv": ShuffleSplit(3)}, "only works for partitions"),
])
def test_bad_input_is_one_error_and_nothing_is_written(
    model: Repo, rows: Any, labels: Any, options: dict[str, Any], problem: str,
) -> None:
    with pytest.raises(mvc.MvcError, match=problem) as error:
        mvc.evaluate(LogisticRegression(), rows, labels, **{"model": "m.skops", "tag": "v1.0.0", **options})
    assert "\n" not in error.value.message
    assert model.git("status", "--short") == "?? d.csv"


class Untrained(LogisticRegression):
    """It must not be trained."""

    def fit(self, *_: Any) -> Any:
        raise AssertionError


@pytest.mark.parametrize("options", [
    {"model": "nothing"}, {"train": ["nothing"]}, {"from_": ["nothing"]}, {"artifacts": ["nothing"]}, {"tag": ""},
])
def test_what_is_missing_is_told_before_anything_is_trained(model: Repo, options: dict[str, Any]) -> None:
    with pytest.raises(mvc.MvcError, match=r"nothing|tag"):
        mvc.evaluate(Untrained(), ROWS, LABELS, **{"model": "m.skops", "tag": "v1.0.0", **options})


def test_the_predictions_of_each_row_are_evidence(model: Repo) -> None:
    """Those of the estimator that was trained without it, with slices; anybody computes the metrics again."""
    sides = np.where(ROWS[:, 0] > 0, "left", "right")
    mvc.evaluate(
        LogisticRegression(), ROWS, LABELS, model="m.skops", tag="v1.0.0", predictions="evals/m.parquet",
        slices={"side": sides}, dataset={"all": "d.csv"}, train=["d.csv"], artifacts=["d.csv"], params={"C": 1},
    )
    found = mvc.report("m.skops")
    values = {(item.name, item.slice.get("side")): item for item in found.metrics}
    predicted = cross_val_predict(LogisticRegression(), ROWS, LABELS)
    assert values["accuracy", None].value == pytest.approx(accuracy_score(LABELS, predicted))
    left = sides == "left"
    assert values["accuracy", "left"].value == pytest.approx(accuracy_score(LABELS[left], predicted[left]))
    scores = cross_val_predict(LogisticRegression(), ROWS, LABELS, method="predict_proba")[:, 1]
    assert values["auc", None].value == pytest.approx(roc_auc_score(LABELS, scores))
    assert found.predictions
    assert (found.predictions.path, found.predictions.positive, found.params) == (
        "evals/m.parquet", "1", {"folds": 5, "C": 1},
    )
    assert [item.path for item in (*found.artifacts, *(found.train.data if found.train else ()))] == ["d.csv", "d.csv"]
    model.commit("evaluated")
    assert model.ok("eval", "recompute").out.startswith("same  m.skops")


@pytest.mark.parametrize(("labels", "positive"), [
    (LABELS == 1, "true"), (LABELS.astype(float), "1"), (LABELS + 7, "8"), (np.where(LABELS, "yes", "no"), "yes"),
])
def test_the_second_label_is_positive(model: Repo, labels: Any, positive: str) -> None:
    found = mvc.evaluate(LogisticRegression(), ROWS, labels, model="m.skops", tag="v1.0.0", predictions="p.csv").report
    scores = cross_val_predict(LogisticRegression(), ROWS, labels, method="predict_proba")[:, 1]
    assert found.predictions
    assert found.predictions.positive == positive
    auc = next(item.value for item in found.metrics if item.name == "auc")
    assert auc == pytest.approx(roc_auc_score(LABELS, scores))


@pytest.mark.parametrize(("estimator", "labels", "names"), [
    (LinearSVC(), 3, {"accuracy", "f1_macro"}), (LogisticRegression(), 3, {"auc_macro", "log_loss"}),
    (LinearRegression(), 0, {"mae", "r2"}),
])
def test_predictions_of_other_estimators(model: Repo, estimator: Any, labels: int, names: set[str]) -> None:
    found = mvc.evaluate(estimator, *data(labels), model="m.skops", tag="v1.0.0", predictions="p.csv")
    assert names <= {item.name for item in found.report.metrics}
    model.ok("eval", "recompute")
