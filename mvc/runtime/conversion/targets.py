"""What models can be converted to, from which formats, and by how much outputs may differ."""

from __future__ import annotations

from typing import NamedTuple


class Limits(NamedTuple):
    """A number x may differ by `absolute + relative * |x|`; the share `agreement` of the labels is equal."""

    absolute: float
    relative: float
    agreement: float


class Target(NamedTuple):
    """A format to convert to."""

    ending: str
    """Of the file's name."""
    sources: tuple[str, ...]
    """The formats that can be converted, as `format_of` calls them."""
    limits: Limits
    """If nothing else is asked for."""
    is_run: bool = True
    """Whether the outputs on a sample are compared; else the arrays themselves."""


_ESTIMATORS = ("skops", "joblib", "pickle")
TARGETS = {
    # float32 instead of float64: as unit tests of skl2onnx allow
    "onnx": Target(".onnx", _ESTIMATORS, Limits(1e-5, 1e-3, 0.999)),
    # 8 bits for a weight
    "onnx-int8": Target(".onnx", ("onnx", *_ESTIMATORS), Limits(0.1, 0.1, 0.98)),
    # 11 bits of a number, so 0.0005 of it at each operation
    "onnx-fp16": Target(".onnx", ("onnx", *_ESTIMATORS), Limits(0.01, 0.01, 0.99)),
    "safetensors": Target(".safetensors", ("numpy", "pytorch", "joblib", "pickle"), Limits(0, 0, 1), is_run=False),
    # the same code on the same numbers; threads add them in any order
    "skops": Target(".skops", ("joblib", "pickle"), Limits(1e-9, 1e-9, 1)),
}


def targets_from(kind: str) -> list[str]:
    """Return what a format can be converted to."""
    return [name for name, target in TARGETS.items() if kind in target.sources]
