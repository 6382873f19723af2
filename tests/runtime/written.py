"""Models that the real libraries wrote, each with the predictions of the object it was written from."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import joblib
import lightgbm
import numpy as np
import pandas as pd
import skops.io
import xgboost
from numpy.typing import NDArray
from skl2onnx import to_onnx
from sklearn.compose import make_column_transformer
from sklearn.datasets import make_classification
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

NAMES = ("a", "b", "c", "d")


class Written(NamedTuple):
    """How a model is made and written."""

    name: str
    labels: int
    """0 for a regression."""
    write: Callable[[Any, Path], object]
    estimator: Any = LogisticRegression


def data(labels: int) -> tuple[NDArray[np.float32], NDArray[Any]]:
    """Return 60 rows of features, and labels or numbers."""
    rows, truth = make_classification(60, 4, n_informative=3, n_redundant=0, n_classes=labels or 2, random_state=1)
    return rows.astype(np.float32), truth if labels else truth + rows[:, 0]


def columns(rows: NDArray[Any]) -> dict[str, NDArray[Any]]:
    return {name: rows[:, place] for place, name in enumerate(NAMES)}


def as_onnx(zipmap: bool) -> Callable[[Any, Path], object]:
    def write(model: Any, path: Path) -> object:
        options = {"zipmap": zipmap} if hasattr(model, "classes_") else None
        return path.write_bytes(to_onnx(model, data(2)[0][:1], options=options).SerializeToString())

    return write


def pickled(model: Any, path: Path) -> None:
    path.write_bytes(pickle.dumps(model))


MODELS = [
    Written("zipmap.onnx", 3, as_onnx(zipmap=True)),
    Written("tensor.onnx", 3, as_onnx(zipmap=False)),
    Written("numbers.onnx", 0, as_onnx(zipmap=False), LinearRegression),
    Written("m.skops", 2, skops.io.dump),
    Written("m.joblib", 2, joblib.dump),
    Written("compressed.joblib", 3, lambda model, path: joblib.dump(model, path, compress=3)),
    Written("m.pkl", 0, pickled, LinearRegression),
    *(
        Written(f"{labels}.{ending}", labels, lambda model, path: model.save_model(path), made)
        for ending in ("ubj", "json")
        for labels, made in ((0, xgboost.XGBRegressor), (2, xgboost.XGBClassifier), (3, xgboost.XGBClassifier))
    ),
    *(
        Written(f"lightgbm{labels}.txt", labels, lambda model, path: model.booster_.save_model(path), made)
        for labels, made in ((0, lightgbm.LGBMRegressor), (2, lightgbm.LGBMClassifier), (3, lightgbm.LGBMClassifier))
    ),
]


def make(item: Written, folder: Path) -> tuple[Any, Path]:
    """Train and write a model; return both."""
    options = {"verbose": -1} if item.estimator.__module__.startswith("lightgbm") else {}
    trees = {} if "linear" in item.estimator.__module__ else {"n_estimators": 3, "n_jobs": 1}
    model = item.estimator(**options, **trees).fit(*data(item.labels))
    item.write(model, folder / item.name)
    return model, folder / item.name


def pipeline() -> tuple[Any, Mapping[str, NDArray[Any]]]:
    """Return a model of named columns of which one is text, and rows."""
    rows, truth = data(2)
    there = {"size": rows[:, 0].astype(float), "country": np.where(rows[:, 1] > 0, "DE", "FR").astype(object)}
    table = pd.DataFrame(there)
    encoded = make_column_transformer((OneHotEncoder(), ["country"]), remainder="passthrough")
    return make_pipeline(encoded, LogisticRegression()).fit(table, truth), there
