"""The cross-validated predictions of an estimator, as the columns of a predictions file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mvc.errors import UsageError
from mvc.evaluation.roles import PREDICTED, TRUTH, Roles
from mvc.evaluation.scikit import OutOfFold, predict_out_of_fold


class CrossValidation(NamedTuple):
    """An estimator of scikit-learn, and the rows that it is cross-validated on."""

    estimator: Any
    features: Any
    truth: Any
    cv: Any
    """The number of folds, or a splitter that tests each row once."""
    slices: Mapping[str, Any]
    """Columns whose values are slices."""


class PredictedRows(NamedTuple):
    """The columns of a predictions file, and what each is."""

    columns: Mapping[str, NDArray[Any]]
    roles: Roles
    folds: int


def predicted_rows(evaluation: CrossValidation) -> PredictedRows:
    """Return each row with its prediction by the estimator that was trained without the fold of that row.

    Raises:
        UsageError: the data does not fit, or the estimator fails.
    """
    found = predict_out_of_fold(evaluation.estimator, evaluation.features, evaluation.truth, evaluation.cv)
    columns, roles = _columns(evaluation, found)
    return PredictedRows(columns, roles, found.folds)


def _columns(evaluation: CrossValidation, found: OutOfFold) -> tuple[dict[str, NDArray[Any]], Roles]:
    truth = np.asarray(evaluation.truth)
    columns = {TRUTH: truth, PREDICTED: found.predicted}
    if found.scores is not None:
        columns |= {f"score_{label}": found.scores[:, place] for place, label in enumerate(found.labels)}
    scores = tuple(columns)[2:]
    for name, values in evaluation.slices.items():
        if name in columns:
            raise UsageError(f"slice {name!r}: the predictions have a column of that name", "choose another name")
        columns[name] = np.asarray(values)
        if len(columns[name]) != len(truth):
            count = f"{len(columns[name]):,} values, expected {len(truth):,}"
            raise UsageError(f"slice {name!r} has {count}", "give one value for each row")
    roles = Roles("classification", TRUTH, PREDICTED, scores, slices=tuple(evaluation.slices))
    if len(found.labels) == 2:  # noqa: PLR2004 - scikit-learn takes the second of two labels as positive
        roles = roles._replace(scores=scores[1:], positive=str(found.labels[1]))
    return columns, roles if len(found.labels) else roles._replace(kind="regression")
