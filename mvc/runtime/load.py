"""Loads a model by its content: one door for all formats.

What can run code while it is loaded is refused, unless a scan of its pickles finds nothing, or it is trusted.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from mvc.modelfiles.mlmodel import MLMODEL
from mvc.runtime import lightgbm, mlflow_folder, onnx, pickled, skops, user, xgboost
from mvc.runtime.formats import UnknownFormat, format_of
from mvc.runtime.predictor import Predictor

_LOADERS: dict[str, Callable[[str, bool], Predictor]] = {
    "onnx": lambda path, _: onnx.load(path),
    "skops": lambda path, trust: skops.load(path, trust=trust),
    "xgboost": lambda path, _: xgboost.load(path),
    "lightgbm": lambda path, _: lightgbm.load(path),
    "joblib": lambda path, trust: pickled.load(path, trust=trust),
    "pickle": lambda path, trust: pickled.load(path, trust=trust),
}


def load(path: str, *, trust: bool = False, loader: str | None = None, folder: str = ".") -> Predictor:
    """Load the model at `path`, a file or a directory.

    A pickle, or skops of unknown types, is loaded only with `trust`, or when a scan finds nothing. `loader` is a
    `module:function` of the user's that loads any format; its module is looked for in `folder`, too.

    Raises:
        Refused: loading it may run code that is not known to be harmless.
        InvalidFormat: it is damaged, or of a format that mvc does not load.
        UsageError: a package is missing, or the loader cannot be used.
    """
    if loader:
        return user.load(path, loader, folder)
    file = model_file(path)
    kind = format_of(file)
    if kind not in _LOADERS:
        name = os.path.basename(file)
        raise UnknownFormat(f"{name} has the format {kind}, which mvc does not load" if kind else (
            f"{name} has no format that mvc loads: {', '.join(_LOADERS)}"))
    return _LOADERS[kind](file, trust)


def model_file(path: str) -> str:
    """Return the path of the model: `path` itself, or in a directory MLflow's, or the only ONNX file.

    Raises:
        InvalidFormat: a directory has none, or several.
    """
    if not os.path.isdir(path):
        return path
    names = sorted(os.listdir(path))
    if MLMODEL in names:
        return mlflow_folder.model_in(path)
    models = [name for name in names if name.lower().endswith(".onnx")]
    if len(models) == 1:
        return f"{path}/{models[0]}"
    found = f"{len(models)} ONNX files and no {MLMODEL}"
    raise UnknownFormat(f"{os.path.basename(path)} has {found}, expected one of them")
