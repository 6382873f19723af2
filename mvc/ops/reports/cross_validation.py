"""`mvc.evaluate(..., predictions=FILE)`: the cross-validated predictions of an estimator, written to a file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, NamedTuple

from mvc.errors import UsageError
from mvc.evaluation.predictions import ENDINGS, ending_of
from mvc.evaluation.roles import PREDICTED, TRUTH, Roles
from mvc.evaluation.scikit import OutOfFold, predict_out_of_fold
from mvc.fs.scratch import beside
from mvc.project import Project
from mvc.runtime.rows import as_batch, write


class CrossValidation(NamedTuple):
    """An estimator of scikit-learn, and the rows that it is cross-validated on."""

    estimator: Any
    features: Any
    truth: Any
    cv: Any
    """The number of folds, or a splitter that tests each row once."""
    slices: Mapping[str, Any]
    """Columns whose values are slices."""


class WrittenPredictions(NamedTuple):
    """What the columns of a predictions file are, and how many folds it is of."""

    roles: Roles
    folds: int


def check_ending(path: str) -> None:
    """Check the name of a predictions file.

    Raises:
        UsageError: its ending is not known.
    """
    if not ending_of(path):
        endings = ", ".join(f"*{ending}" for ending in ENDINGS)
        raise UsageError(f"{path}: expected a file named {endings}", 'name one: predictions="FILE.parquet"')


def write_predictions(project: Project, path: str, evaluation: CrossValidation) -> WrittenPredictions:
    """Write each row with its prediction by the estimator that was trained without the fold of that row.

    `path` is from the top of the worktree.

    Raises:
        UsageError: the data does not fit, or the estimator fails. Nothing is written.
    """
    found = predict_out_of_fold(evaluation.estimator, evaluation.features, evaluation.truth, evaluation.cv)
    columns = _columns(found, evaluation.slices)
    folder = os.path.dirname(f"{project.root}/{path}")
    os.makedirs(folder, exist_ok=True)
    with beside(folder) as scratch:
        temporary = scratch.name()
        with open(temporary, "xb") as file:
            write(file, ending_of(path), iter([as_batch(columns)]))
        os.replace(temporary, f"{project.root}/{path}")
    return WrittenPredictions(_roles(found, tuple(evaluation.slices)), found.folds)


def _columns(found: OutOfFold, slices: Mapping[str, Any]) -> dict[str, Any]:
    columns = {TRUTH: found.truth, PREDICTED: found.predicted, **_scores(found)}
    if taken := next((name for name in slices if name in columns), ""):
        raise UsageError(f"slice {taken!r}: the predictions have a column of that name", "choose another name")
    for name, values in slices.items():
        if len(values) != len(found.truth):
            count = f"{len(values):,} values, expected {len(found.truth):,}"
            raise UsageError(f"slice {name!r} has {count}", "check that it has one for each row")
    return {**columns, **slices}


def _scores(found: OutOfFold) -> dict[str, Any]:
    if found.scores is None:
        return {}
    return {f"score_{label}": found.scores[:, place] for place, label in enumerate(_labels(found))}


def _labels(found: OutOfFold) -> list[str]:
    return [_text(label) for label in found.labels.tolist()]


def _text(label: object) -> str:
    """Return a label as `eval score` reads it from the file."""
    if isinstance(label, bool):
        return str(label).lower()
    return f"{label:g}" if isinstance(label, float) else str(label)


def _roles(found: OutOfFold, slices: tuple[str, ...]) -> Roles:
    scores, labels = tuple(_scores(found)), _labels(found)
    if not labels:
        return Roles("regression", TRUTH, PREDICTED, slices=slices)
    if len(labels) > 2:  # noqa: PLR2004 - none of them is positive
        return Roles("classification", TRUTH, PREDICTED, scores, slices=slices)
    return Roles("classification", TRUTH, PREDICTED, scores[1:], labels[1], slices=slices)  # as in scikit-learn
