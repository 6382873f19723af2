"""Estimators of scikit-learn, and all that have their methods."""

from __future__ import annotations

from typing import Any

import numpy as np

from mvc.errors import InvalidFormat, MvcError, first_line
from mvc.modelfiles.signature import Field, Signature
from mvc.runtime.formats import UnknownFormat
from mvc.runtime.packages import require
from mvc.runtime.predictor import Columns, Prediction, classified, matrix


class Estimator:
    """An object with `predict`, and `predict_proba` where it has that."""

    def __init__(self, model: Any, what: str) -> None:
        """Wrap `model`; `what` names it in errors.

        Raises:
            UnknownFormat: it has no method `predict`.
        """
        if not callable(getattr(model, "predict", None)):
            raise UnknownFormat(f"{what} has a {type(model).__name__}, which has no method predict")
        self.model = model
        self._names = [str(name) for name in getattr(model, "feature_names_in_", ())]
        width = getattr(model, "n_features_in_", None)
        inputs = tuple(Field(name, "") for name in self._names) or (
            (Field("X", "", (None, int(width))),) if width is not None else ())
        labels = getattr(model, "classes_", None)
        self.signature = Signature(inputs, () if labels is None else (Field("label", str(np.asarray(labels).dtype)),))

    def predict(self, columns: Columns) -> Prediction:
        """Return the predictions; a model that names its features gets a data frame."""
        rows = self._rows(columns)
        try:
            predicted = np.asarray(self.model.predict(rows))
            proba = getattr(self.model, "predict_proba", None)
            scores = np.asarray(proba(rows)) if callable(proba) else None
        except Exception as error:  # noqa: BLE001 - of any estimator
            raise MvcError(f"{type(self.model).__name__} cannot predict these rows: {first_line(error)}") from None
        count = len(next(iter(columns.values()), ()))
        if predicted.size != count:
            raise InvalidFormat(f"the model predicts {predicted.size:,} values for {count:,} rows, expected one each")
        labels = getattr(self.model, "classes_", None)
        if scores is None or scores.ndim != 2 or labels is None:  # noqa: PLR2004 - a matrix
            return Prediction(predicted.reshape(-1), {})
        return classified(predicted.reshape(-1), scores, np.asarray(labels))

    def _rows(self, columns: Columns) -> Any:
        if not self._names:
            return matrix(columns, np.float64)
        require("pandas", "a model that names its features")
        import pandas as pd  # noqa: PLC0415 - takes time

        return pd.DataFrame(dict(columns))
