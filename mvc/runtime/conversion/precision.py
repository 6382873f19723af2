"""ONNX models with numbers of fewer bits, by the tools of ONNX Runtime."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mvc.errors import InvalidFormat, first_line
from mvc.packages import install
from mvc.runtime.packages import require

_INT8, _FLOAT16 = 3, 10
"""Of `TensorProto.DataType`."""


def write_int8(source: str, target: str) -> int:
    """Write a model with weights of 8 bits; activations are quantised as it runs. Return its opset.

    Raises:
        InvalidFormat: it has nothing to quantise, or cannot be quantised.
        UsageError: ONNX Runtime is not installed.
    """
    model = _loaded(source)
    from onnxruntime.quantization import QuantType, quantize_dynamic  # noqa: PLC0415 - takes time
    from onnxruntime.quantization.quant_utils import add_pre_process_metadata  # noqa: PLC0415

    before = _count(model, _INT8)
    add_pre_process_metadata(model)  # else it recommends an optimisation that depends on this machine
    try:
        quantize_dynamic(model, target, weight_type=QuantType.QInt8)
    except Exception as error:  # noqa: BLE001 - its errors have no common class
        raise InvalidFormat(f"ONNX Runtime cannot quantise it: {first_line(error)}") from None
    return _checked(_loaded(target), _INT8, before)


def write_fp16(source: str, target: str) -> int:
    """Write a model with numbers of 16 bits inside; inputs and outputs stay as they are. Return its opset.

    Raises:
        InvalidFormat: it has no numbers of 32 bits, or cannot be converted.
        UsageError: ONNX Runtime is not installed.
    """
    model = _loaded(source)
    from onnxruntime.transformers.float16 import convert_float_to_float16  # noqa: PLC0415 - takes time

    before = _count(model, _FLOAT16)
    try:
        made = convert_float_to_float16(model, keep_io_types=True)
        raw = made.SerializeToString(deterministic=True)
    except Exception as error:  # noqa: BLE001 - as above
        raise InvalidFormat(f"ONNX Runtime cannot convert it to float16: {first_line(error)}") from None
    opset = _checked(made, _FLOAT16, before)
    with open(target, "xb") as file:
        file.write(raw)
    return opset


def _loaded(path: str) -> Any:
    require("onnxruntime", "a conversion of an ONNX model", install("onnx"))
    import onnx  # noqa: PLC0415 - takes time

    return onnx.load(path)


def _checked(model: Any, kind: int, before: int) -> int:
    """Return the opset of a model that has more tensors of a kind than before."""
    if _count(model, kind) == before:
        operators = ", ".join(sorted({node.op_type for node in model.graph.node} - {"Cast"})[:5])
        raise InvalidFormat(f"no operator of the model has weights that can have fewer bits: it has {operators}")
    return max((item.version for item in model.opset_import if not item.domain), default=0)


def _count(model: Any, kind: int) -> int:
    return sum(tensor.data_type == kind for tensor in _tensors(model.graph))


def _tensors(graph: Any) -> Iterator[Any]:
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            yield attribute.t
            yield from _tensors(attribute.g)
