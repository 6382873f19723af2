"""Rows of data: their columns as arrays, more columns, a file of them. Here, `runtime` imports pyarrow."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, BinaryIO, Protocol, TypeAlias

import numpy as np

from mvc.runtime.predictor import Columns

_Arrow: TypeAlias = Any
"""pyarrow has no types."""


class _Writer(Protocol):
    def write_batch(self, batch: _Arrow, /) -> None: ...

    def close(self) -> None: ...


def as_columns(batch: _Arrow, names: Iterable[str]) -> Columns:
    """Return columns of a batch as arrays; a missing number is NaN."""
    import pyarrow as pa  # noqa: PLC0415 - takes time

    columns = {name: batch.column(name) for name in names}
    return {
        name: (column.cast(pa.float64()) if pa.types.is_null(column.type) else column).to_numpy(zero_copy_only=False)
        for name, column in columns.items()
    }


def with_columns(batch: _Arrow, more: Columns) -> _Arrow:
    """Return a batch with more columns."""
    import pyarrow as pa  # noqa: PLC0415 - takes time

    added = as_batch(more)
    return pa.RecordBatch.from_arrays([*batch.columns, *added.columns], [*batch.schema.names, *more])


def as_batch(columns: Mapping[str, Any]) -> _Arrow:
    """Return columns of the same length, arrays or what NumPy makes arrays of, as a batch."""
    import pyarrow as pa  # noqa: PLC0415 - takes time

    arrays = [np.asarray(values) for values in columns.values()]
    lists = [pa.array(values.tolist() if values.dtype == np.object_ else values) for values in arrays]
    return pa.RecordBatch.from_arrays(lists, list(columns))


def write(file: BinaryIO, ending: str, batches: Iterator[_Arrow]) -> int:
    """Write batches of the same columns in the format of an ending, such as `.csv`; return the number of rows."""
    rows, first = 0, next(batches, None)
    if first is None:
        return 0
    with _writer(file, ending, first.schema) as writer:
        for batch in _joined(first, batches):
            writer.write_batch(batch)
            rows += batch.num_rows
    return rows


def _joined(first: _Arrow, rest: Iterator[_Arrow]) -> Iterator[_Arrow]:
    yield first
    yield from rest


@contextmanager
def _writer(file: BinaryIO, ending: str, schema: _Arrow) -> Iterator[_Writer]:
    writer = _open(file, ending, schema)
    try:
        yield writer
    finally:
        writer.close()


def _open(file: BinaryIO, ending: str, schema: _Arrow) -> _Writer:
    if ending == ".parquet":
        from pyarrow import parquet  # noqa: PLC0415 - takes time

        return parquet.ParquetWriter(file, schema)  # type: ignore[no-any-return]  # it has no types
    if ending == ".csv":
        from pyarrow import csv  # noqa: PLC0415 - takes time

        return csv.CSVWriter(file, schema)  # type: ignore[no-any-return]  # as above
    return _JsonLines(file)


class _JsonLines:
    """A line of JSON for each row."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write_batch(self, batch: _Arrow) -> None:
        for row in batch.to_pylist():
            known = {name: value for name, value in row.items() if value == value}  # noqa: PLR0124 - JSON has no NaN
            self._file.write(json.dumps(known, default=str).encode() + b"\n")

    def close(self) -> None:
        """Nothing is buffered here."""
