"""Estimators of scikit-learn as ONNX: skl2onnx is imported only here.

Numbers are float32, as ONNX models are usually fed, and trees of scikit-learn compare in it. A classifier returns its
labels and a matrix of scores.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable
from typing import Any

from mvc.errors import InvalidFormat, first_line
from mvc.packages import install
from mvc.runtime.onnx import LABELS
from mvc.runtime.packages import require
from mvc.runtime.predictor import Columns

_MATRIX, _JOINED = "X", "all columns, joined"
OPSETS = {"": 18, "ai.onnx.ml": 3}
"""The versions of operators to use at most: ONNX Runtime has had them since 1.14, of February 2023."""


def write(model: Any, sample: Columns, path: str) -> int:
    """Write an estimator that takes the columns of `sample` to the file `path`; return the opset that it needs.

    Raises:
        InvalidFormat: skl2onnx cannot convert it.
        UsageError: skl2onnx is not installed.
    """
    require("skl2onnx", "a conversion to ONNX", install("onnx"))
    try:
        with warnings.catch_warnings(action="ignore"):  # of attributes that skl2onnx asks for
            made = _converted(model, sample)
    except Exception as error:  # noqa: BLE001 - its errors have no common class
        raise InvalidFormat(f"skl2onnx cannot convert {type(model).__name__}: {first_line(error)}") from None
    opsets: dict[str, int] = {"": OPSETS[""]}
    opsets |= {item.domain: item.version for item in made.opset_import}  # skl2onnx may name one twice
    del made.opset_import[:]
    for domain, version in sorted(opsets.items()):
        made.opset_import.add(domain=domain, version=version)
    if hasattr(model, "classes_"):
        made.metadata_props.add(key=LABELS, value=json.dumps([str(label) for label in model.classes_]))
    with open(path, "xb") as file:
        file.write(made.SerializeToString(deterministic=True))
    return opsets[""]


def _converted(model: Any, sample: Columns) -> Any:
    """Return the model with an input for each column, if it names its features; else with a matrix of all."""
    from skl2onnx.common.data_types import FloatTensorType, StringTensorType  # noqa: PLC0415 - takes time

    matrix = FloatTensorType([None, len(sample)])
    if not hasattr(model, "feature_names_in_"):
        return _with_inputs(model, [(_MATRIX, matrix)])
    kinds = [FloatTensorType if values.dtype.kind in "biuf" else StringTensorType for values in sample.values()]
    columns = [(name, kind([None, 1])) for name, kind in zip(sample, kinds, strict=True)]
    try:
        return _with_names(_with_inputs(model, columns), sample)
    except RuntimeError:
        if StringTensorType in kinds:
            raise
    return _joining(_with_inputs(model, [(_JOINED, matrix)]), sample)  # most operators take one input


def _with_inputs(model: Any, inputs: list[tuple[str, Any]]) -> Any:
    from skl2onnx import to_onnx  # noqa: PLC0415 - as above

    def made(options: dict[int, Any]) -> Any:
        return to_onnx(model, name="model", initial_types=inputs, target_opset=OPSETS, options=options)

    try:
        return made({id(model): {"zipmap": False}} if hasattr(model, "classes_") else {})
    except NameError:  # LinearSVC knows no such option; as the last step it needs another
        steps = getattr(model, "steps", None)
        return made({id(steps[-1][1]): {"raw_scores": True}} if steps else {})


def _with_names(made: Any, names: Iterable[str]) -> Any:
    """Name the inputs as the columns are: skl2onnx replaces what no name in C may have."""
    from skl2onnx.common._topology import Topology  # noqa: PLC0415 - as above

    taken: set[str] = set()
    columns = {Topology._generate_unique_name(name, taken): name for name in names}  # noqa: SLF001 - nothing else tells
    for item in made.graph.input:
        item.name = columns[item.name]
    for node in made.graph.node:
        node.input[:] = [columns.get(name, name) for name in node.input]
    return made


def _joining(made: Any, names: Iterable[str]) -> Any:
    """Replace the matrix by an input for each column."""
    from onnx import TensorProto, helper  # noqa: PLC0415 - as above

    graph = made.graph
    (matrix,) = (item.name for item in graph.input)
    del graph.input[:]
    graph.input.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, 1]) for name in names)
    graph.node.insert(0, helper.make_node("Concat", [*names], [matrix], axis=1))
    return made
