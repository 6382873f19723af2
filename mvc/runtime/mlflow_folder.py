"""Folders that MLflow writes: the model in the format of its flavor, found without MLflow.

Format: https://mlflow.org/docs/latest/ml/model/#storage-format
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from mvc.errors import InvalidFormat
from mvc.modelfiles.mlmodel import MLMODEL, read_document
from mvc.runtime.formats import UnknownFormat

_FLAVORS = {
    "onnx": "data", "sklearn": "pickled_model", "xgboost": "data", "lightgbm": "data",
}
"""By flavor that can be loaded: the key of the model's path."""


def model_in(folder: str) -> str:
    """Return the path of the model file in a folder of MLflow.

    Raises:
        InvalidFormat: `MLmodel` cannot be read, has no flavor that can be loaded, or names a file outside the folder.
    """
    with open(f"{folder}/{MLMODEL}", "rb") as file:
        document = read_document(file)
    flavors = document.get("flavors") if isinstance(document, Mapping) else None
    if not isinstance(flavors, Mapping):
        raise InvalidFormat(f"{MLMODEL} has no flavors")
    for flavor, key in _FLAVORS.items():
        found = flavors.get(flavor)
        if isinstance(found, Mapping) and isinstance(name := found.get(key), str):
            return _inside(folder, name)
    shown = ", ".join(map(str, list(flavors)[:5]))
    raise UnknownFormat(f"{MLMODEL} has the flavors {shown}, expected one of {', '.join(_FLAVORS)}")


def _inside(folder: str, name: str) -> str:
    within = os.path.normpath(name)
    if os.path.isabs(within) or within.split("/")[0] == ".." or not os.path.isfile(f"{folder}/{within}"):
        raise InvalidFormat(f"{MLMODEL} names {name!r}, which is not a file in its folder")
    return f"{folder}/{within}"
