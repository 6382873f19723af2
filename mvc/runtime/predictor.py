"""A loaded model: what it takes, what it returns, and its predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mvc.errors import InvalidFormat
from mvc.modelfiles.signature import Signature

_MATRIX = 2
"""Dimensions of a matrix."""

Array: TypeAlias = NDArray[Any]
Columns: TypeAlias = Mapping[str, Array]
"""Values by column, in the order of the data; all have as many rows."""


class Prediction(NamedTuple):
    """The predictions for some rows."""

    predicted: Array
    """Labels, or numbers."""
    scores: Mapping[str, Array]
    """The score of each label, in the order of the labels; none of a model without scores."""

    @property
    def arrays(self) -> tuple[Array, ...]:
        """All of them, each with a value for each row."""
        return self.predicted, *self.scores.values()


class Predictor(Protocol):
    """A loaded model."""

    @property
    def signature(self) -> Signature:
        """What it takes and returns."""
        ...

    def predict(self, columns: Columns) -> Prediction:
        """Return the predictions for rows; `columns` are those that `features` chose.

        Raises:
            InvalidFormat: a column has another type than the model takes.
            MvcError: the model cannot be run on them.
        """
        ...


def features(signature: Signature, names: Sequence[str], truth: str, what: str) -> list[str]:
    """Return the columns of data that a model takes: those that it names, else all but `truth`.

    Raises:
        InvalidFormat: columns are missing, or their number is not that of the model; `what` names the data.
    """
    inputs = signature.inputs
    if inputs and all(field.name in names for field in inputs):
        return [field.name for field in inputs]
    if len(inputs) > 1 or (inputs and len(inputs[0].shape) < _MATRIX):
        missing = next(field.name for field in inputs if field.name not in names)
        raise InvalidFormat(f"{what}: no column {missing!r}, which the model takes")
    rest = [name for name in names if name != truth]
    width = inputs[0].shape[1] if inputs else None
    if width not in (None, len(rest)):
        message = f"{what}: {len(rest)} columns besides {truth!r}, expected the {width} that the model takes"
        raise InvalidFormat(message, f"choose the columns that the model takes; name that of the labels {truth!r}")
    return rest


def matrix(columns: Columns, dtype: type[np.generic]) -> Array:
    """Return columns of numbers side by side.

    Raises:
        InvalidFormat: a column has other values.
    """
    return np.column_stack([numbers(name, values, dtype) for name, values in columns.items()])


def numbers(name: str, values: Array, dtype: type[np.generic]) -> Array:
    """Return a column as numbers of a type.

    Raises:
        InvalidFormat: it has other values.
    """
    if values.dtype.kind not in "biuf":
        raise InvalidFormat(f"column {name!r} is of type {values.dtype}, and the model takes numbers")
    return values.astype(dtype, copy=False)


def scored(scores: Array, labels: Sequence[object] = ()) -> Prediction:
    """Return the likeliest labels of scores: of the second of two labels, or one column for each; default 0, 1, 2.

    Raises:
        InvalidFormat: as for `classified`.
    """
    by_label = np.column_stack([1 - scores, scores]) if scores.ndim == 1 else scores
    known = np.array(labels or range(by_label.shape[1]))
    return classified(known[by_label.argmax(1)], by_label, known)


def classified(predicted: Array, scores: Array, labels: Array) -> Prediction:
    """Return the predicted label of each row with the scores of all `labels`, a matrix with a column for each.

    Raises:
        InvalidFormat: the matrix has another shape, or something other than numbers.
    """
    if scores.dtype.kind not in "biuf":
        raise InvalidFormat(f"the model returns scores of type {scores.dtype}, expected numbers")
    if scores.shape != (len(predicted), len(labels)):
        expected = [len(predicted), len(labels)]
        raise InvalidFormat(f"the model returns scores of the shape {[*scores.shape]}, expected {expected}")
    return Prediction(predicted, {str(label): scores[:, place] for place, label in enumerate(labels)})
