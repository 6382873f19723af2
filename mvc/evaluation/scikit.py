"""What scikit-learn computes: it is imported only here, inside the functions that need it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mvc.errors import UsageError, first_line
from mvc.evaluation.columns import Codes, Floats
from mvc.quality.reports.report import Metric

Average = Literal["macro", "weighted"]
_PART = 1 << 20
"""Examples that a loss is computed of at once."""


class PerClass(NamedTuple):
    """Metrics of each class, or averages over all."""

    precision: Floats
    recall: Floats
    f1: Floats


class Cells(NamedTuple):
    """The cells of a confusion matrix that are not empty: each stands for all examples in it."""

    truth: NDArray[np.int64]
    predicted: NDArray[np.int64]
    weight: Floats


def accuracy(cells: Cells) -> tuple[float, float]:
    """Return accuracy and balanced accuracy."""
    from sklearn.metrics import accuracy_score, recall_score  # noqa: PLC0415 - takes a second

    seen = np.unique(cells.truth)
    recall = recall_score(
        cells.truth, cells.predicted, sample_weight=cells.weight, labels=seen, average="macro", zero_division=0,
    )
    return float(accuracy_score(cells.truth, cells.predicted, sample_weight=cells.weight)), float(recall)


def by_class(cells: Cells, labels: NDArray[np.int64]) -> PerClass:
    """Return the metrics of each of some classes; 0 where nothing was predicted, or is true."""
    from sklearn.metrics import precision_recall_fscore_support  # noqa: PLC0415 - takes a second

    found = precision_recall_fscore_support(
        cells.truth, cells.predicted, labels=labels, sample_weight=cells.weight, zero_division=0,
    )
    return PerClass(*found[:3])


def averaged(cells: Cells, labels: NDArray[np.int64], average: Average) -> tuple[float, float, float]:
    """Return precision, recall and F1 averaged over some classes."""
    from sklearn.metrics import precision_recall_fscore_support  # noqa: PLC0415 - takes a second

    precision, recall, f1, _ = precision_recall_fscore_support(
        cells.truth, cells.predicted, labels=labels, average=average, sample_weight=cells.weight, zero_division=0,
    )
    return float(precision), float(recall), float(f1)


class Thresholds(NamedTuple):
    """Sums of weights at or above each different score, the highest first."""

    positives: Floats
    negatives: Floats
    scores: Floats


def thresholds(truth: NDArray[np.bool_], scores: Floats, weight: Floats | None) -> Thresholds:
    """Return the numbers of true and false positives at each threshold."""
    from sklearn.metrics import confusion_matrix_at_thresholds  # noqa: PLC0415 - takes a second

    _, negatives, _, positives, found = confusion_matrix_at_thresholds(truth, scores, sample_weight=weight)
    return Thresholds(positives, negatives, found)


def area(x: Floats, y: Floats) -> float:
    """Return the area under a curve."""
    from sklearn.metrics import auc  # noqa: PLC0415 - takes a second

    return float(auc(x, y))


def log_loss(truth: Codes, scores: Floats, weight: Floats | None) -> float:
    """Return the logistic loss; `scores` are probabilities of each label, or of the second of two."""
    from sklearn import metrics  # noqa: PLC0415 - takes a second

    return _mean_loss(metrics.log_loss, truth, scores, weight)


def brier(truth: Codes, scores: Floats, weight: Floats | None) -> float:
    """Return the Brier score; `scores` as for `log_loss`. That of more than two labels is between 0 and 2."""
    from sklearn.metrics import brier_score_loss  # noqa: PLC0415 - takes a second

    return _mean_loss(partial(brier_score_loss, scale_by_half=scores.ndim == 1), truth, scores, weight)


def _mean_loss(loss: Callable[..., float], truth: Codes, scores: Floats, weight: Floats | None) -> float:
    """Return a loss that is a mean, part by part: scikit-learn makes several copies of what it gets."""
    labels = list(range(2 if scores.ndim == 1 else scores.shape[1]))
    weights, values = [], []
    for start in range(0, len(truth), _PART):
        part = slice(start, start + _PART)
        given = None if weight is None else weight[part]
        total = float(len(truth[part]) if given is None else given.sum())
        if total > 0:
            weights.append(total)
            values.append(loss(truth[part], scores[part], sample_weight=given, labels=labels))
    return float(np.average(values, weights=weights))


class Errors(NamedTuple):
    """Errors of a regression."""

    mae: float
    rmse: float
    r2: float
    mape: float


def regression(truth: Floats, predicted: Floats, weight: Floats | None) -> Errors:
    """Return the errors of a regression; R² is NaN for fewer than two examples, or where the truth never differs."""
    from sklearn import metrics  # noqa: PLC0415 - takes a second

    differs = len(truth) > 1 and float(truth.min()) < float(truth.max())
    return Errors(
        float(metrics.mean_absolute_error(truth, predicted, sample_weight=weight)),
        float(metrics.root_mean_squared_error(truth, predicted, sample_weight=weight)),
        float(metrics.r2_score(truth, predicted, sample_weight=weight)) if differs else float("nan"),
        float(metrics.mean_absolute_percentage_error(truth, predicted, sample_weight=weight)),
    )


# Cross-validation.

_CLASSIFICATION = {
    "accuracy": "accuracy", "balanced_accuracy": "balanced_accuracy", "f1_macro": "f1_macro",
}
_PROBABILITIES = {"log_loss": "neg_log_loss"}
_AUC = {True: {"auc": "roc_auc"}, False: {"auc_macro": "roc_auc_ovr"}}
"""By whether there are two labels."""
_REGRESSION = {"mae": "neg_mean_absolute_error", "rmse": "neg_root_mean_squared_error", "r2": "r2"}


def cross_validate(estimator: Any, rows: Any, truth: Any, cv: Any, dataset: str = "") -> list[Metric]:
    """Return the mean of each metric over folds, with its error.

    The error is corrected for folds that share their training data, as their values are not independent: Nadeau and
    Bengio, Inference for the Generalization Error, Machine Learning 52 (2003), https://doi.org/10.1023/A:1024068626366.

    Args:
        estimator: An estimator of scikit-learn, or what has its methods; it is cloned, and not changed.
        rows: Features, of any form that it takes.
        truth: Labels or numbers, one for each row.
        cv: The number of folds, or a splitter of scikit-learn.
        dataset: The id of the data.

    Raises:
        UsageError: the data does not fit, or the estimator fails.
    """
    from sklearn import base, model_selection  # noqa: PLC0415 - takes a second

    with _failing():
        classifies = base.is_classifier(estimator)
        splits = list(model_selection.check_cv(cv, truth, classifier=classifies).split(rows, truth))
        scoring = _scoring(estimator, _labels(truth)) if classifies else _REGRESSION
        found = model_selection.cross_validate(
            estimator, rows, truth, cv=splits, scoring=scoring, error_score="raise",
        )
    correction = float(np.sqrt(1 / len(splits) + np.mean([len(test) / len(train) for train, test in splits])))
    method = f"{len(splits)}-fold cross-validation, corrected"
    metrics = []
    for name, scorer in scoring.items():
        values = found[f"test_{name}"] * (-1 if scorer.startswith("neg_") else 1)
        if not np.isfinite(values).all():
            raise UsageError(f"{name} is not defined in every fold: each needs examples of all labels")
        stderr = float(values.std(ddof=1)) * correction
        higher = not scorer.startswith("neg_")
        metrics.append(Metric(name, float(values.mean()), higher, dataset, stderr, method=method))
    return metrics


class OutOfFold(NamedTuple):
    """Predictions of each row by an estimator that was trained without the fold of that row."""

    truth: NDArray[Any]
    predicted: NDArray[Any]
    labels: NDArray[Any]
    """Of a classification, sorted; else there are none."""
    scores: Floats | None
    """Probabilities, a column for each label; None where the estimator gives none."""
    folds: int


def predict_out_of_fold(estimator: Any, rows: Any, truth: Any, cv: Any) -> OutOfFold:
    """Return cross-validated predictions; arguments as for `cross_validate`, the folds are a partition of the rows.

    Raises:
        UsageError: the data does not fit, or the estimator fails.
    """
    from sklearn import base, model_selection  # noqa: PLC0415 - takes a second

    with _failing():
        classifies = base.is_classifier(estimator)
        splits = list(model_selection.check_cv(cv, truth, classifier=classifies).split(rows, truth))
        labels = _labels(truth) if classifies else np.empty(0)
        if not classifies or not hasattr(estimator, "predict_proba"):
            predicted = model_selection.cross_val_predict(estimator, rows, truth, cv=splits)
            return OutOfFold(np.asarray(truth), np.asarray(predicted), labels, None, len(splits))
        scores = model_selection.cross_val_predict(estimator, rows, truth, cv=splits, method="predict_proba")
        return OutOfFold(np.asarray(truth), labels[scores.argmax(1)], labels, scores, len(splits))


@contextmanager
def _failing() -> Iterator[None]:
    """Turn what estimator and data raise into one error.

    Raises:
        UsageError: something was raised.
    """
    try:
        yield
    except Exception as error:
        raise UsageError(f"the cross-validation failed: {first_line(error)}") from error


def _labels(truth: Any) -> NDArray[Any]:
    labels: NDArray[Any] = np.unique(np.asarray(truth))
    if len(labels) < 2:  # noqa: PLR2004 - nothing to tell apart
        raise ValueError(f"all labels are {labels[0]!r}, expected several" if len(labels) else "there are no rows")
    return labels


def _scoring(estimator: Any, labels: NDArray[Any]) -> dict[str, str]:
    if not hasattr(estimator, "predict_proba"):
        return _CLASSIFICATION
    return {**_CLASSIFICATION, **_AUC[len(labels) == 2], **_PROBABILITIES}  # noqa: PLR2004 - a pair
