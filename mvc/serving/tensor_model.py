"""A loaded model as the Open Inference Protocol sees it: tensors in, tensors out.

An ONNX model has the inputs and outputs of its graph. Any other has its columns as inputs, or its matrix, and the
outputs `predicted` and `score_<label>`.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, NamedTuple, Protocol

import numpy as np

from mvc.errors import InvalidFormat, MvcError
from mvc.evaluation.roles import PREDICTED, SCORE
from mvc.modelfiles.signature import Field
from mvc.runtime.onnx import OnnxModel
from mvc.runtime.predictor import Array, Prediction, Predictor
from mvc.serving.problem import Problem, invalid
from mvc.serving.tensors import DTYPES, Tensor, datatype_of

_DATATYPES = {np.dtype(dtype).name: name for name, dtype in DTYPES.items()} | {"bool_": "BOOL", "string": "BYTES"}
_MATRIX = 2
_LONGEST_NAME = 200
"""Characters of an input that the model does not name."""


class Spec(NamedTuple):
    """An input or an output, as the metadata of a model says it."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    """-1 for a dimension of any length."""
    typed: bool = True
    """Whether the model says its type; if not, it takes any."""

    @property
    def shape_of_row(self) -> tuple[int, ...]:
        """The shape for one row: 1 for each dimension of any length."""
        return tuple(1 if length == -1 else length for length in self.shape)


class Answer(NamedTuple):
    """What a model returned for a request."""

    outputs: Mapping[str, Array]
    rows: int
    raw: Any
    """What `prediction` reads."""


class TensorModel(Protocol):
    """A model that takes and returns tensors."""

    @property
    def inputs(self) -> tuple[Spec, ...]:
        """What it takes; nothing if it does not say that."""
        ...

    @property
    def outputs(self) -> tuple[Spec, ...]:
        """What it returns."""
        ...

    def run(self, inputs: Mapping[str, Array]) -> Answer:
        """Return its outputs for inputs that `checked` returned.

        Raises:
            Problem: it cannot be run on them.
        """
        ...

    def prediction(self, answer: Answer) -> Prediction | None:
        """Return labels, numbers and scores in its answer; None if it has none, as the model of an image."""
        ...


def tensor_model(predictor: Predictor) -> TensorModel:
    """Return a loaded model as one of tensors."""
    return OnnxTensors(predictor) if isinstance(predictor, OnnxModel) else ColumnTensors(predictor)


def _spec(field: Field) -> Spec:
    datatype = _DATATYPES.get(field.type, "FP64" if not field.type else "FP32")
    shape = tuple(-1 if length is None else length for length in field.shape)
    return Spec(field.name, datatype, shape, field.type in _DATATYPES)


class OnnxTensors:
    """The inputs and outputs of a graph."""

    def __init__(self, model: OnnxModel) -> None:
        self._model = model
        self.inputs = tuple(map(_spec, model.signature.inputs))
        self.outputs = tuple(
            spec if spec.typed else spec._replace(shape=(-1, -1))  # a mapping for each row: a column for each label
            for spec in map(_spec, model.signature.outputs)
        )

    def run(self, inputs: Mapping[str, Array]) -> Answer:
        try:
            raw = self._model.run(inputs)
        except MvcError as error:
            raise invalid(error.message) from None
        found = {spec.name: _array(values) for spec, values in zip(self.outputs, raw, strict=True)}
        return Answer(found, rows_of(inputs), raw)

    def prediction(self, answer: Answer) -> Prediction | None:
        try:
            return self._model.read(answer.raw)
        except InvalidFormat:
            return None


def _array(values: Any) -> Array:
    """Return an output as an array: of mappings the values in the order of their keys."""
    if isinstance(values, np.ndarray):
        return values
    if values and isinstance(values[0], dict):
        return np.array([[row[key] for key in sorted(row)] for row in values], np.float32)
    return np.array(values)


class ColumnTensors:
    """The columns of a model that is run on tables."""

    def __init__(self, model: Predictor) -> None:
        self._model = model
        self.inputs = tuple(map(_spec, model.signature.inputs))
        self.outputs: tuple[Spec, ...] = (Spec(PREDICTED, "FP64", (-1,), typed=False),)

    def run(self, inputs: Mapping[str, Array]) -> Answer:
        columns = {name: values.reshape(len(values)) if values.shape[1:] == (1,) and self._is_column(name) else values
                   for name, values in inputs.items()}
        try:
            found = self._model.predict(columns)
        except MvcError as error:
            raise invalid(error.message) from None
        named = {f"{SCORE}{label}": values for label, values in found.scores.items()}
        return Answer({PREDICTED: found.predicted, **named}, len(found.predicted), found)

    def _is_column(self, name: str) -> bool:
        return any(len(spec.shape) < _MATRIX for spec in self.inputs if spec.name == name)

    def prediction(self, answer: Answer) -> Prediction | None:
        found: Prediction = answer.raw
        return found

    def learn(self, answer: Answer) -> None:
        """Take the outputs from an answer: formats say neither labels nor types before."""
        self.outputs = tuple(Spec(name, datatype_of(values), (-1,)) for name, values in answer.outputs.items())


def rows_of(inputs: Mapping[str, Array]) -> int:
    """Return the number of rows: the first dimension of the inputs."""
    return max((len(values) for values in inputs.values() if values.ndim), default=1)


def checked(specs: tuple[Spec, ...], tensors: list[Tensor]) -> dict[str, Array]:
    """Return the inputs by name, which are those that the model takes.

    Raises:
        Problem: one is missing, unknown, there twice, or of another type or shape; or their rows are not equally many.
    """
    found = {tensor.name: tensor for tensor in tensors}
    if len(found) != len(tensors):
        raise invalid("an input is there twice")
    if specs:
        _check_names(specs, found)
        for spec in specs:
            _check(spec, found[spec.name])
        _check_rows(specs, found)
        return {spec.name: found[spec.name].values for spec in specs}
    if not found or any(tensor.values.ndim not in (1, _MATRIX) for tensor in tensors):
        raise invalid("expected inputs of one or two dimensions, the rows first")
    if any(len(tensor.name) > _LONGEST_NAME for tensor in tensors):
        raise invalid(f"the name of an input has more than {_LONGEST_NAME} characters")
    _check_equal({tensor.name: len(tensor.values) for tensor in tensors})
    return {name: tensor.values for name, tensor in found.items()}


def _check_names(specs: tuple[Spec, ...], found: Mapping[str, Tensor]) -> None:
    names = [spec.name for spec in specs]
    shown = ", ".join(map(repr, names[:10])) + ", ..." * (len(names) > 10)  # noqa: PLR2004 - one line
    if missing := next((name for name in names if name not in found), None):
        raise invalid(f"input {missing!r} is missing: the model takes {shown}")
    if unknown := next((name for name in found if name not in names), None):
        raise invalid(f"unknown input {unknown[:80]!r}: the model takes {shown}")


def _check(spec: Spec, tensor: Tensor) -> None:
    if spec.typed and tensor.datatype != spec.datatype:
        raise invalid(f"input {spec.name!r} has the datatype {tensor.datatype}, expected {spec.datatype}")
    shape, expected = tensor.values.shape, spec.shape
    fits = len(shape) == len(expected) and all(want in (-1, has) for has, want in zip(shape, expected, strict=True))
    if not fits and not (len(expected) == 1 and len(shape) == _MATRIX and shape[1] == 1):
        raise invalid(f"input {spec.name!r} has the shape {[*shape]}, expected {[*expected]}")


def _check_rows(specs: tuple[Spec, ...], found: Mapping[str, Tensor]) -> None:
    _check_equal({
        spec.name: len(found[spec.name].values) for spec in specs if spec.shape and spec.shape[0] == -1
    })


def _check_equal(rows: Mapping[str, int]) -> None:
    if len(set(rows.values())) > 1:
        (name, count), *rest = rows.items()
        other, others = next(item for item in rest if item[1] != count)
        raise invalid(f"input {name!r} has {count:,} rows, and {other!r} {others:,}")
    if 0 in rows.values():
        raise invalid("there are no rows")


def smoke(model: TensorModel) -> None:
    """Run one row that is made from the signature.

    A model that does not say all types and lengths, or takes text, may refuse such a row: then nothing is known.

    Raises:
        Problem: a model that does say them cannot be run.
    """
    certain = all(spec.datatype != "BYTES" and -1 not in spec.shape[1:] and _is_sure(spec) for spec in model.inputs)
    if not model.inputs:
        return
    row = {spec.name: _row(spec) for spec in model.inputs}
    try:
        answer = model.run(row)
    except Problem as problem:
        if certain:
            raise Problem(HTTPStatus.INTERNAL_SERVER_ERROR, f"one row of zeros: {problem.message}") from None
        return
    if isinstance(model, ColumnTensors):
        model.learn(answer)


def first_row(specs: tuple[Spec, ...], inputs: Mapping[str, Array]) -> dict[str, Array]:
    """Return a copy of the first row of inputs; of an input without rows, all of it."""
    whole = {spec.name for spec in specs if spec.shape[:1] != (-1,)}
    return {name: (values if name in whole else values[:1]).copy() for name, values in inputs.items()}


def replay(model: TensorModel, row: Mapping[str, Array]) -> dict[str, Array]:
    """Run a row that another version answered, and return it; nothing if the model does not take such rows.

    Raises:
        Problem: it cannot be run on it.
    """
    try:
        inputs = checked(model.inputs, [Tensor(name, datatype_of(values), values) for name, values in row.items()])
    except Problem:
        return {}
    try:
        model.run(inputs)
    except Problem as problem:
        message = f"a row that the version before answered: {problem.message}"
        raise Problem(HTTPStatus.INTERNAL_SERVER_ERROR, message) from None
    return inputs


def _is_sure(spec: Spec) -> bool:
    return spec.typed or len(spec.shape) == _MATRIX


def _row(spec: Spec) -> Array:
    if spec.datatype == "BYTES":
        return np.full(spec.shape_of_row, "", object)
    return np.zeros(spec.shape_of_row, DTYPES[spec.datatype])
