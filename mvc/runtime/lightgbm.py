"""LightGBM models in their text format; the package is imported only here."""

from __future__ import annotations

import os
import re
from typing import Any

import numpy as np

from mvc.errors import InvalidFormat, MvcError
from mvc.runtime.packages import require
from mvc.runtime.predictor import Columns, Field, Prediction, Signature, matrix, scored

_OBJECTIVE = re.compile(r"^objective=(\S+)", re.MULTILINE)
_LABELS = ("binary", "multiclass", "multiclassova", "cross_entropy")
_UNNAMED = "Column_"
"""How LightGBM names columns that have no names."""


def load(path: str) -> LightGBMModel:
    """Load a model, which runs no code.

    Raises:
        InvalidFormat: it is damaged.
        UsageError: LightGBM is not installed.
    """
    require("lightgbm", "a LightGBM model")
    import lightgbm  # noqa: PLC0415 - takes time

    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
        return LightGBMModel(lightgbm.Booster(model_str=text), text)
    except (lightgbm.basic.LightGBMError, ValueError) as error:
        raise InvalidFormat(f"{os.path.basename(path)}: LightGBM cannot load it: {str(error)[:200]}") from None


class LightGBMModel:
    """A booster."""

    def __init__(self, booster: Any, text: str) -> None:
        self._booster = booster
        found = _OBJECTIVE.search(text)
        self._objective = found[1] if found else ""
        names = booster.feature_name()
        unnamed = all(name == f"{_UNNAMED}{place}" for place, name in enumerate(names))
        self.signature = Signature(
            (Field("features", "float64", (None, len(names))),) if unnamed else (
                tuple(Field(name, "float64") for name in names)),
            (Field(self._objective or "raw score", "float64"),),
        )

    def predict(self, columns: Columns) -> Prediction:
        """Return the predictions; missing values are NaN."""
        try:
            found = self._booster.predict(matrix(columns, np.float64))
        except ValueError as error:
            raise MvcError(f"LightGBM cannot run the model on these columns: {error}") from None
        return scored(found) if self._objective in _LABELS else Prediction(found, {})
