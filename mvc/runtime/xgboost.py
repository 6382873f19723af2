"""XGBoost models in JSON and UBJSON; the package is imported only here."""

from __future__ import annotations

import json
import os
from typing import Any

import numpy as np

from mvc.errors import InvalidFormat, MvcError
from mvc.modelfiles.signature import Field, Signature
from mvc.modelfiles.ubjson import is_whole
from mvc.runtime.packages import require
from mvc.runtime.predictor import Columns, Prediction, matrix, scored

_BINARY = ("binary:logistic",)
_SCORES = ("multi:softprob",)


def load(path: str) -> XGBoostModel:
    """Load a model, which runs no code.

    Raises:
        InvalidFormat: it is damaged.
        UsageError: XGBoost is not installed.
    """
    require("xgboost", "an XGBoost model")
    import xgboost  # noqa: PLC0415 - takes time

    name = os.path.basename(path)
    with open(path, "rb") as file:
        content = bytearray(file.read())  # the format is told by its first bytes, not by a name
    if content.startswith(b"{L") and not is_whole(content):
        raise InvalidFormat(f"{name}: it is cut short, or damaged")
    try:
        booster = xgboost.Booster()
        booster.load_model(content)
        return XGBoostModel(booster)
    except (xgboost.core.XGBoostError, KeyError, ValueError) as error:
        reason = str(error).splitlines()[-1:]
        raise InvalidFormat(f"{name}: XGBoost cannot load it: {''.join(reason)[:200]}") from None


class XGBoostModel:
    """A booster."""

    def __init__(self, booster: Any) -> None:
        self._booster = booster
        self._objective = json.loads(booster.save_config())["learner"]["objective"]["name"]
        names = booster.feature_names
        self.signature = Signature(
            tuple(Field(name, "float32") for name in names) if names else (
                Field("features", "float32", (None, booster.num_features())),),
            (Field(self._objective, "float32"),),
        )

    def predict(self, columns: Columns) -> Prediction:
        """Return the predictions; missing values are NaN."""
        try:
            found = self._booster.inplace_predict(matrix(columns, np.float32), validate_features=False)
        except ValueError as error:
            raise MvcError(f"XGBoost cannot run the model on these columns: {error}") from None
        if self._objective in _BINARY or self._objective in _SCORES:
            return scored(found)
        return Prediction(found.astype(np.int64) if self._objective == "multi:softmax" else found, {})
