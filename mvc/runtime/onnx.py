"""ONNX models, run by ONNX Runtime, which is imported only here."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from mvc.errors import InvalidFormat, MvcError, first_line
from mvc.modelfiles.onnx_data import external_locations
from mvc.modelfiles.signature import Field, Signature
from mvc.packages import install
from mvc.runtime.packages import require
from mvc.runtime.predictor import Array, Columns, Prediction, classified, matrix, numbers, scored

_DTYPES: dict[str, type[np.generic]] = {
    "bool": np.bool_, "double": np.float64, "float": np.float32, "float16": np.float16, "int16": np.int16,
    "int32": np.int32, "int64": np.int64, "int8": np.int8, "string": np.object_, "uint16": np.uint16,
    "uint32": np.uint32, "uint64": np.uint64, "uint8": np.uint8,
}
"""By the element types of ONNX Runtime, as in `tensor(float)`."""
_ERRORS = 4
"""The least severe messages of ONNX Runtime that are printed: fatal ones; errors are raised."""
_MATRIX = 2
LABELS = "labels"
"""The metadata in which a converted classifier names its labels: a list, as JSON."""


def load(path: str) -> OnnxModel:
    """Load a model, which runs no code.

    Raises:
        InvalidFormat: it is damaged, or its external data is missing or outside its directory.
        UsageError: ONNX Runtime is not installed.
    """
    require("onnxruntime", "an ONNX model", install("onnx"))
    _check_external_data(path)
    import onnxruntime  # noqa: PLC0415 - takes time

    options = onnxruntime.SessionOptions()
    options.log_severity_level = _ERRORS
    try:
        return OnnxModel(onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"]))
    except Exception as error:  # noqa: BLE001 - its errors have no common class
        raise InvalidFormat(f"{os.path.basename(path)}: ONNX Runtime cannot load it: {first_line(error)}") from None


def _check_external_data(path: str) -> None:
    """Check that external data is in files beside the model, as only those were verified with it."""
    folder, name = os.path.split(path)
    with open(path, "rb") as file:
        locations = external_locations(file)
    for location in locations:
        within = os.path.normpath(location)
        if os.path.isabs(within) or within.split("/")[0] == ".." or "\0" in within:
            raise InvalidFormat(f"{name}: its external data is outside its directory: {location!r}")
        if not os.path.isfile(f"{folder}/{within}"):
            raise InvalidFormat(f"{name}: its external data {location!r} is not tracked with it, as one directory")



def _field(node: Any) -> Field:
    inner = node.type.removeprefix("tensor(").removesuffix(")")
    dtype = _DTYPES.get(inner)
    shape = tuple(length if isinstance(length, int) else None for length in node.shape)
    return Field(node.name, node.type if dtype is None else inner if inner == "string" else dtype.__name__, shape)


class OnnxModel:
    """A session of ONNX Runtime."""

    def __init__(self, session: Any) -> None:
        self._session = session
        inputs, outputs = session.get_inputs(), session.get_outputs()
        self.signature = Signature(tuple(map(_field, inputs)), tuple(map(_field, outputs)))
        self._labels = _labels(session.get_modelmeta().custom_metadata_map.get(LABELS, ""))

    def predict(self, columns: Columns) -> Prediction:
        """Return the predictions."""
        return self.read(self.run(self._feed(columns)))

    def run(self, feed: Mapping[str, Array]) -> list[Any]:
        """Return the outputs for the inputs, in the order of the signature: arrays, or a mapping for each row.

        Raises:
            MvcError: the model cannot be run on them.
        """
        try:
            outputs: list[Any] = self._session.run(None, feed)
        except Exception as error:  # noqa: BLE001 - its errors have no common class
            raise MvcError(f"ONNX Runtime cannot run the model on these inputs: {first_line(error)}") from None
        return outputs

    def read(self, outputs: list[Any]) -> Prediction:
        """Return the predictions in what `run` returned.

        Raises:
            InvalidFormat: the outputs are neither labels, nor numbers, nor scores.
        """
        return _read(outputs, self._labels)

    def _feed(self, columns: Columns) -> dict[str, Array]:
        inputs = self._session.get_inputs()
        if len(inputs) == 1 and len(inputs[0].shape) == _MATRIX:
            dtype = _dtype(inputs[0])
            texts = dtype is np.object_
            values = np.column_stack([*columns.values()]).astype(object) if texts else matrix(columns, dtype)
            return {inputs[0].name: values}
        return {node.name: _column(node, columns[node.name]) for node in inputs}


def _dtype(node: Any) -> type[np.generic]:
    dtype = _DTYPES.get(node.type.removeprefix("tensor(").removesuffix(")"))
    if dtype is None or len(node.shape) > _MATRIX:
        shape = f"{node.type} of {len(node.shape)} dimensions"
        raise InvalidFormat(f"the model takes {node.name!r} as {shape}, which columns do not make")
    return dtype


def _column(node: Any, values: Array) -> Array:
    dtype = _dtype(node)
    found = values.astype(object) if dtype is np.object_ else numbers(node.name, values, dtype)
    return found.reshape(-1, 1) if len(node.shape) == _MATRIX else found


def _labels(text: str) -> list[str]:
    """Return the labels in a model's metadata; none if it names none, or another program does."""
    try:
        found = json.loads(text or "[]")
    except (ValueError, RecursionError):
        return []
    return found if isinstance(found, list) and all(isinstance(label, str) for label in found) else []


def _read(outputs: list[Any], known: list[str]) -> Prediction:
    """Tell labels, scores and numbers apart, by their types; scores are those of the `known` labels, if that fits.

    A classifier returns labels, then scores: a mapping for each row, or a matrix.
    https://onnx.ai/sklearn-onnx/auto_tutorial/plot_dbegin_options_zipmap.html
    """
    arrays = [item for item in outputs if isinstance(item, np.ndarray)]
    labels = next((item for item in arrays if item.dtype.kind != "f"), None)
    maps = next((item for item in outputs if isinstance(item, list) and item and isinstance(item[0], dict)), None)
    floats = next((item for item in arrays if item.dtype.kind == "f"), None)
    if maps is not None:
        keys = sorted(maps[0])
        by_label = np.array([[row[label] for label in keys] for row in maps])
        return scored(by_label, keys) if labels is None else classified(_flat(labels), by_label, np.array(keys))
    if labels is not None:
        if floats is None or floats.ndim != _MATRIX:
            return Prediction(_flat(labels), {})
        width = floats.shape[1]
        return classified(_flat(labels), floats, np.array(known if len(known) == width else range(width)))
    if floats is None or floats.ndim > _MATRIX:
        raise InvalidFormat("the model returns neither labels, nor numbers, nor a matrix of scores")
    return scored(floats) if floats.ndim == _MATRIX and floats.shape[1] > 1 else Prediction(_flat(floats), {})


def _flat(values: Array) -> Array:
    if values.size != len(values):
        raise InvalidFormat(f"the model returns {values.shape[1:]} labels for each row, expected one")
    return values.reshape(-1)
