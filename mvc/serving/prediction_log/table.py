"""Rows of the prediction log as bytes of a Parquet file. Format: docs/monitor.md, "The log"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from blake3 import blake3
from numpy.typing import NDArray

from mvc.evaluation.live.prediction_log import BLAKE3, FORMAT, ID, LATENCY, MODEL, OWN, ROW, TIME, VERSION
from mvc.evaluation.roles import PREDICTED, SCORE
from mvc.serving.answers import Joined
from mvc.serving.tensors import text_of

MAX_WIDTH = 1000
"""Columns that one input becomes; a wider one is a column of lists."""
_INPUT = "input_"
"""Before the name of an input's column that another column has."""
_DIGEST = 16
"""Bytes of a hashed value."""
_Arrow: TypeAlias = Any
"""pyarrow has no types."""
_Array: TypeAlias = NDArray[Any]


class Privacy(NamedTuple):
    """The columns that must not be readable in the log: names of inputs, or of their columns."""

    drop: frozenset[str] = frozenset()
    hash: frozenset[str] = frozenset()
    key: bytes = b""
    """32 bytes, for the keyed BLAKE3 of `hash`."""

    def names(self) -> frozenset[str]:
        """Return all of them."""
        return self.drop | self.hash


def load_libraries() -> None:
    """Import what the first request would wait for."""
    import pyarrow.compute  # noqa: PLC0415 - takes time
    import pyarrow.parquet  # noqa: F401, PLC0415 - as above


def table(joined: Joined, privacy: Privacy) -> _Arrow:
    """Return requests as a table with a row for each example."""
    import pyarrow as pa  # noqa: PLC0415 - takes time

    outputs = {}
    if prediction := joined.prediction:
        outputs = _columns(PREDICTED, prediction.predicted, Privacy())
        for label, scores in prediction.scores.items():
            outputs |= _columns(f"{SCORE}{label}", scores, Privacy())
    values = {**joined.inputs, **{name: values[joined.place] for name, values in joined.constants.items()}}
    inputs = {name: _columns(name, found, privacy) for name, found in values.items()}
    return pa.table({**_own(joined), **_apart(inputs, {*outputs}), **outputs}, metadata=FORMAT)


def encode(tables: Sequence[_Arrow]) -> bytes:
    """Return tables of one layout as a Parquet file, whose requests are in the order of their times."""
    import pyarrow as pa  # noqa: PLC0415 - takes time
    from pyarrow import compute, parquet  # noqa: PLC0415 - as above

    table = pa.concat_tables(tables).unify_dictionaries().combine_chunks()
    table = table.take(compute.sort_indices(table[TIME]))  # rows of a request stay in their order
    texts = [field.name for field in table.schema if not pa.types.is_floating(field.type)]
    sink = pa.BufferOutputStream()
    parquet.write_table(
        table, sink, compression="zstd", use_dictionary=texts, write_page_checksum=True, row_group_size=len(table) or 1,
    )
    content: bytes = sink.getvalue().to_pybytes()
    return content


def names_in(joined: Joined) -> set[str]:
    """Return the names of the inputs and of the columns that they become."""
    inputs = {**joined.inputs, **joined.constants}
    return set(inputs) | {
        column for name, values in inputs.items() for column in column_names(name, values.shape[1:])
    }


def column_names(name: str, shape: Sequence[int]) -> list[str]:
    """Return the columns that an input becomes whose rows have a shape; one of lists if they are not columns."""
    if len(shape) != 1 or not 1 < shape[0] <= MAX_WIDTH:
        return [name]
    return [f"{name}_{place}" for place in range(shape[0])]


def _apart(inputs: Mapping[str, Mapping[str, _Arrow]], taken: set[str]) -> dict[str, _Arrow]:
    """Return the columns of all inputs, each under a name of its own, whatever order a client sends them in.

    Of two with one name, the one that keeps it is an input, and not a column of a matrix.
    """
    names = {(name, column): _free(column) for name, columns in inputs.items() for column in columns}
    for pair in sorted(names, key=lambda pair: (pair[0] != pair[1], names[pair] != pair[1], pair)):
        while names[pair] in taken:
            names[pair] = f"{_INPUT}{names[pair]}"
        taken.add(names[pair])
    return {names[name, column]: found for name, columns in inputs.items() for column, found in columns.items()}


def _free(name: str) -> str:
    """Return the name of an input's column, changed if the log has a column of that name."""
    return f"{_INPUT}{name}" if name == PREDICTED or name.startswith((OWN, SCORE)) else name


def _own(joined: Joined) -> dict[str, _Arrow]:
    """Return the columns about the requests."""
    import pyarrow as pa  # noqa: PLC0415 - takes time

    place = joined.place
    same = pa.array(np.zeros(len(place), np.int32))
    served = zip((MODEL, VERSION, BLAKE3), joined.identity, strict=True)
    return {
        ID: pa.array(joined.ids, pa.string()).take(pa.array(place)),
        ROW: pa.array((np.arange(len(place)) - np.searchsorted(place, place)).astype(np.int32)),
        TIME: pa.array((joined.times * 1e6).astype(np.int64)[place], pa.timestamp("us", "UTC")),
        **{name: pa.DictionaryArray.from_arrays(same, pa.array([text], pa.string())) for name, text in served},
        LATENCY: pa.array(joined.latencies[place]),
    }


def _columns(name: str, values: _Array, privacy: Privacy) -> dict[str, _Arrow]:
    """Return the columns of an input or output: of a matrix several, unless it is very wide; without values none."""
    names, width = column_names(name, values.shape[1:]), prod(values.shape[1:])
    if width == 0:
        return {}
    if width > len(names):
        return {} if name in privacy.names() else {name: _lists(values, width)}
    parts = dict(zip(names, np.ascontiguousarray(values.reshape(len(values), len(names)).T), strict=True))
    return {
        column: _hashed(part, privacy.key) if privacy.hash & {name, column} else _as_arrow(part)
        for column, part in parts.items() if not privacy.drop & {name, column}
    }


def _lists(values: _Array, width: int) -> _Arrow:
    import pyarrow as pa  # noqa: PLC0415 - takes time

    return pa.FixedSizeListArray.from_arrays(_as_arrow(values.ravel()), width)


def _as_arrow(values: _Array) -> _Arrow:
    import pyarrow as pa  # noqa: PLC0415 - takes time

    if values.dtype.kind not in "OSU":
        return pa.array(values)
    texts = (None if _is_missing(value) else text_of(value).encode(errors="replace") for value in values)
    return pa.array(texts, pa.binary()).cast(pa.string())  # a model may return text that UTF-8 does not have


def _hashed(values: _Array, key: bytes) -> _Arrow:
    """Return the keyed digest of each value's text: equal values stay equal whatever their type, missing stays so."""
    import pyarrow as pa  # noqa: PLC0415 - takes time

    def digest(value: object) -> str:
        return blake3(text_of(value).encode(errors="surrogatepass"), key=key).hexdigest(length=_DIGEST)

    return pa.array([None if _is_missing(value) else digest(value) for value in _comparable(values)], pa.string())


def _comparable(values: _Array) -> list[Any]:
    """Return values of Python; equal numbers have equal texts: 5 and 5.0, 0.0 and -0.0, 0.1 of any width."""
    found = values.tolist()
    if values.dtype.kind == "f":  # the shortest text that is this number in its own width
        texts = zip(found, values.astype(str), strict=True)
        found = [exact if exact.is_integer() else float(text) for exact, text in texts]
    return [int(value) if isinstance(value, float) and value.is_integer() else value for value in found]


def _is_missing(value: object) -> bool:
    return value is None or value != value  # noqa: PLR0124 - NaN
