"""LightGBM models in their text format; the package is imported only here."""

from __future__ import annotations

import os
import re
from typing import Any

import numpy as np

from mvc.errors import InvalidFormat, MvcError
from mvc.modelfiles.signature import Field, Signature
from mvc.runtime.packages import require
from mvc.runtime.predictor import Columns, Prediction, matrix, scored

_OBJECTIVE = re.compile(r"^objective=(\S+)", re.MULTILINE)
_SIZES = re.compile(r"^tree_sizes=([0-9]{1,18}(?: [0-9]{1,18})*)$", re.MULTILINE)
"""Python reads no integer of thousands of digits."""
_TREE = "Tree=0"
_FIRST = f"\n\n{_TREE}"
_END, _LAST = "end of trees", "\nend of parameters"
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

    name = os.path.basename(path)
    with open(path, encoding="utf-8", errors="replace", newline="") as file:
        text = file.read()
    if not _is_whole(text):
        raise InvalidFormat(f"{name}: it is cut short, or not as long as its header says")
    try:
        return LightGBMModel(lightgbm.Booster(model_str=text), text)
    except (lightgbm.basic.LightGBMError, ValueError) as error:
        raise InvalidFormat(f"{name}: LightGBM cannot load it: {str(error)[:200]}") from None


def _is_whole(text: str) -> bool:
    """Whether the trees end where the header says, and the parameters end: LightGBM crashes on what is cut short."""
    sizes, start = _SIZES.search(text), text.find(_FIRST)
    if sizes is None or start < 0:
        return False
    end = start + len(_FIRST) - len(_TREE) + sum(map(int, sizes[1].split()))
    return text.startswith(_END, end) and text.find(_LAST, end) > 0


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
