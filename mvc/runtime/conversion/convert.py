"""Converts a loaded model: one door for the formats that are run."""

from __future__ import annotations

from mvc.errors import InvalidFormat
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
    if to == "skops":
        to_skops.write(_estimator(model), target)
        return 0
    if to == "onnx":
        return to_onnx.write(_estimator(model), sample, target)
    narrow = precision.write_int8 if to == "onnx-int8" else precision.write_fp16
    if not isinstance(model, Estimator):
        return narrow(source, target)
    to_onnx.write(model.model, sample, whole := f"{target}.float32")
    return narrow(whole, target)


def _estimator(model: Predictor) -> object:
    if not isinstance(model, Estimator):
        raise InvalidFormat(f"a {type(model).__name__} is no estimator of scikit-learn")
    return model.model
