"""Converts a loaded model: one door for the formats that are run."""

from __future__ import annotations

from mvc.runtime.conversion import precision, to_onnx, to_skops
from mvc.runtime.estimator import Estimator
from mvc.runtime.predictor import Columns, Predictor


def convert(source: str, model: Predictor, sample: Columns, to: str, target: str) -> int:
    """Write the model that was loaded from the file `source` to the file `target`, in the format `to`.

    `sample` has some rows of the columns that it takes. Returns the opset of an ONNX model, otherwise 0. A file beside
    `target` may be left.

    Raises:
        InvalidFormat: it cannot be converted.
        UsageError: a package is missing.
    """
    if isinstance(model, Estimator):
        return _of_estimator(model.model, sample, to, target)
    return _NARROW[to](source, target)


_NARROW = {"onnx-int8": precision.write_int8, "onnx-fp16": precision.write_fp16}


def _of_estimator(model: object, sample: Columns, to: str, target: str) -> int:
    if to == "skops":
        to_skops.write(model, target)
        return 0
    if to == "onnx":
        return to_onnx.write(model, sample, target)
    to_onnx.write(model, sample, whole := f"{target}.float32")
    return _NARROW[to](whole, target)
