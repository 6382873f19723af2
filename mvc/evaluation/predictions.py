"""Reads columns of a predictions file: CSV, JSON lines or Parquet. pyarrow is imported only here.

A file is read in batches and only the wanted columns are kept, in 4 or 8 bytes a row.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, BinaryIO, NamedTuple, TypeAlias

import msgspec
import numpy as np

from mvc.errors import InvalidFormat, first_line
from mvc.evaluation.columns import Coded, Codes, Column, Floats, NumberColumn, TextColumn
from mvc.quality.words import clipped

MAX_ROWS = 20_000_000
MAX_VALUES = 200_000_000
"""Rows by wanted columns."""
MAX_COLUMNS = 50_000
"""Of a file; each takes some kB, before any row is read."""
MAX_LABELS = 1000
"""Different texts in a column of labels or slices."""
MAX_GROUPS = 2_000_000
MAX_CHUNK = 1 << 30
"""Bytes that the wanted columns of one Parquet row group may have once decompressed."""
_BATCH = 1 << 16
"""Rows of a Parquet batch."""
_BLOCK = 4 << 20
"""Bytes of a batch of text; a row must fit in it."""
_LISTED = 20
"""Columns that an error lists."""
EMPTY = "of type null"
"""The type of a column without any value."""
ENDINGS = (".csv", ".jsonl", ".ndjson", ".parquet")
_SHAPES = {
    ".csv": "a line of names, then a line of values in UTF-8 for each row",
    ".jsonl": "an object of JSON in each line", ".ndjson": "an object of JSON in each line",
    ".parquet": "all that was written, and was written as Parquet",
}
"""What a file of each format has."""

_Arrow: TypeAlias = Any
"""pyarrow has no types."""


class Table(NamedTuple):
    """The columns that were read; all have as many rows."""

    n: int
    texts: Mapping[str, Coded]
    numbers: Mapping[str, Floats]
    groups: Mapping[str, Codes]


class Wanted(NamedTuple):
    """The columns to read."""

    texts: tuple[str, ...]
    """Labels and slices: few different texts, whole numbers or Booleans."""
    numbers: tuple[str, ...]
    groups: tuple[str, ...] = ()
    """Texts or whole numbers of which there may be many."""
    missing: tuple[str, ...] = ("",)
    """Texts of CSV that stand for a missing value."""

    @property
    def names(self) -> list[str]:
        """All of them, once."""
        return [*dict.fromkeys((*self.texts, *self.numbers, *self.groups))]


def ending_of(name: str) -> str:
    """Return the ending that says the format of a file; empty for a name without one."""
    return next((ending for ending in ENDINGS if name.lower().endswith(ending)), "")


class WrongColumn(InvalidFormat):
    """A column is missing, or has another type than it must have."""


class PredictionsFile:
    """A predictions file that is open for reading; `what` names it in errors, its ending says the format."""

    def __init__(self, file: BinaryIO, what: str) -> None:
        """Read the names and types of the columns.

        Raises:
            InvalidFormat: the name has another ending, or the file cannot be read.
        """
        self._file, self.what = file, what
        self._ending = ending_of(what)
        if not self._ending:
            expected = ", ".join(f"*{ending}" for ending in ENDINGS)
            raise InvalidFormat(f"{what}: expected a file named {expected}", "choose a file of one of these formats")
        with self._reading():
            self._schema = self._read_schema()
            self.kinds = {field.name: _kind(field.type) for field in self._schema}
            """By column: `text`, `integer`, `number`, or the type of one that cannot be used."""

    @contextmanager
    def _reading(self) -> Iterator[None]:
        import pyarrow as pa  # noqa: PLC0415 - takes time

        try:
            yield
        except InvalidFormat:
            raise
        except (pa.ArrowException, OSError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError) as error:
            message = f"{self.what}: cannot be read as {self._ending[1:]}: {first_line(error)}"
            raise InvalidFormat(message, f"check that it has {_SHAPES[self._ending]}") from None

    def _read_schema(self) -> _Arrow:
        if self._ending == ".parquet":
            file = self._parquet(())
            _check_columns(file.metadata.num_columns)
            return file.schema_arrow
        self._file.seek(0)
        if self._ending != ".csv":
            return _json_schema(self._file.read(_BLOCK))
        self._file.readline(_BLOCK).decode()
        self._check_width()
        self._file.seek(0)
        with self._text(None) as reader:
            return reader.schema

    def _check_width(self) -> None:
        """Refuse a CSV file with very many columns: its first row has more than the single one that is expected."""
        from pyarrow import ArrowInvalid, csv  # noqa: PLC0415 - takes time

        found = [1]

        def note(row: _Arrow) -> str:
            found.append(row.actual_columns)
            return "error"

        options = csv.ReadOptions(block_size=_BLOCK, use_threads=False, column_names=["row"])
        with suppress(ArrowInvalid), self._native() as file:
            csv.open_csv(file, options, csv.ParseOptions(invalid_row_handler=note))
        _check_columns(max(found))

    def read(self, wanted: Wanted) -> Table:
        """Return the wanted columns.

        Raises:
            InvalidFormat: a column is missing, has another type or an empty value; or there are too many rows, labels,
                or bytes.
        """
        self._check(wanted)
        columns: dict[str, Column] = {}
        for name in wanted.names:
            most = MAX_GROUPS if name in wanted.groups else MAX_LABELS
            columns[name] = NumberColumn(name) if name in wanted.numbers else TextColumn(name, most)
        import pyarrow as pa  # noqa: PLC0415 - takes time

        rows = 0
        with self._reading():
            for batch in self._batches(wanted):
                for name, column in columns.items():
                    self._add(column, batch.column(name), rows)
                rows += batch.num_rows
                self._check_rows(rows, len(columns))
            pa.default_memory_pool().release_unused()
        if not rows:
            raise InvalidFormat(f"{self.what}: no rows", "choose a file with rows")
        texts = {name: column.coded() for name in wanted.texts if isinstance(column := columns[name], TextColumn)}
        numbers = {
            name: column.floats() for name in wanted.numbers if isinstance(column := columns[name], NumberColumn)
        }
        groups = {name: column.joined() for name in wanted.groups if isinstance(column := columns[name], TextColumn)}
        return Table(rows, texts, numbers, groups)

    def batches(self) -> Iterator[_Arrow]:
        """Yield all columns, some rows at a time, as record batches of pyarrow.

        Raises:
            InvalidFormat: the file cannot be read to its end, or a row group is too large.
        """
        self._check_unique()
        self._file.seek(0)
        with self._reading():
            if self._ending != ".parquet":
                with self._text(None) as reader:
                    yield from reader
                return
            file = self._parquet(())
            self._check_chunks(file.metadata, self._schema.names)
            yield from map(_validated, file.iter_batches(batch_size=_BATCH))

    @property
    def labels(self) -> Mapping[str, str]:
        """What a Parquet file says about itself: its key-value metadata."""
        found = (self._schema.metadata or {}) if self._ending == ".parquet" else {}
        return {key.decode(errors="replace"): value.decode(errors="replace") for key, value in found.items()}

    @property
    def most_rows(self) -> int:
        """The number of rows; of text that of lines, which may be more."""
        if self._ending == ".parquet":
            with self._reading():
                return int(self._parquet(()).metadata.num_rows)
        self._file.seek(0)
        return sum(block.count(b"\n") for block in iter(lambda: self._file.read(_BLOCK), b"")) + 1

    def chosen(self, wanted: Wanted) -> Iterator[_Arrow]:
        """Yield the wanted columns, some rows at a time, as record batches of pyarrow; what is missing is null.

        Raises:
            InvalidFormat: the file cannot be read to its end, a column is missing, a value is not of the wanted type,
                or there are too many rows.
        """
        self._check_unique()
        self._check(wanted)
        rows = 0
        with self._reading():
            for batch in self._batches(wanted):
                rows += batch.num_rows
                self._check_rows(rows, len(wanted.names))
                yield batch

    def _check_unique(self) -> None:
        if len(self.kinds) < len(self._schema.names):
            raise InvalidFormat(f"{self.what}: several columns have the same name", "name each column once")

    def _check(self, wanted: Wanted) -> None:
        names = self._schema.names
        for name in wanted.names:
            if name not in self.kinds:
                there = ", ".join(clipped(column) for column in names[:_LISTED])
                more = ", ..." * (len(names) > _LISTED)
                raise WrongColumn(f"{self.what}: no column {name!r}: it has {there}{more}", "name one of these columns")
            if len(self.kinds) < len(names) and names.count(name) > 1:
                raise WrongColumn(f"{self.what}: several columns are named {name!r}", "name each column once")
            usable = (EMPTY, "number", "integer", *(() if name in wanted.numbers else ("text",)))
            is_text = self._ending == ".csv" and name not in wanted.numbers  # whatever a first block looks like
            if self.kinds[name] not in usable and not is_text:
                expected = "numbers" if name in wanted.numbers else "texts or whole numbers"
                message = f"{self.what}: column {name!r} is {self.kinds[name]}, expected {expected}"
                raise WrongColumn(message, "choose another column, or file")

    def _check_rows(self, rows: int, columns: int) -> None:
        if rows > MAX_ROWS:
            raise InvalidFormat(f"{self.what}: more than {MAX_ROWS:,} rows", "choose a sample of the rows")
        if rows * columns > MAX_VALUES:
            message = f"{self.what}: more than {MAX_VALUES:,} values in {columns:,} columns"
            raise InvalidFormat(message, "choose a sample of the rows")

    def _add(self, column: Column, values: _Arrow, before: int) -> None:
        if values.null_count:
            row = before + int(np.flatnonzero(values.is_null().to_numpy(zero_copy_only=False))[0]) + 1
            raise InvalidFormat(f"{self.what}: column {column.name!r} has no value in row {row:,}", "check that row")
        if problem := column.add(values, before):
            raise InvalidFormat(f"{self.what}: column {column.name!r} {problem}", "check that column")

    # Formats.

    def _batches(self, wanted: Wanted) -> Iterator[_Arrow]:
        self._file.seek(0)
        if self._ending != ".parquet":
            with self._text(wanted) as reader:
                yield from reader
            return
        file = self._parquet([name for name in wanted.names if name not in wanted.numbers])
        self._check_rows(file.metadata.num_rows, len(wanted.names))
        self._check_chunks(file.metadata, wanted.names)
        yield from map(_validated, file.iter_batches(batch_size=_BATCH, columns=wanted.names))

    def _parquet(self, dictionaries: Collection[str]) -> _Arrow:
        from pyarrow import parquet  # noqa: PLC0415 - takes time

        self._file.seek(0)
        return parquet.ParquetFile(
            self._file, read_dictionary=list(dictionaries), buffer_size=_BLOCK, page_checksum_verification=True,
        )

    def _check_chunks(self, metadata: _Arrow, names: Collection[str]) -> None:
        """Refuse row groups that would fill the memory."""
        places = [place for place in range(metadata.num_columns) if metadata.schema.column(place).path in names]
        for group in range(metadata.num_row_groups):
            size = sum(metadata.row_group(group).column(place).total_uncompressed_size for place in places)
            if size > MAX_CHUNK:
                message = f"{self.what}: row group {group} has {size:,} bytes, at most {MAX_CHUNK:,} fit"
                raise InvalidFormat(message, "choose smaller row groups, or a sample of the rows")

    @contextmanager
    def _text(self, wanted: Wanted | None) -> Iterator[_Arrow]:
        """Open a reader."""
        with self._native() as file, self._text_reader(file, wanted) as reader:
            yield reader

    def _native(self) -> _Arrow:
        """Return the file as one of pyarrow's: a thread of it reads ahead, and must not call Python, which may end."""
        import pyarrow as pa  # noqa: PLC0415 - takes time

        try:
            return pa.OSFile(f"/dev/fd/{self._file.fileno()}")
        except OSError:  # it is in memory
            return pa.BufferReader(self._file.read())

    def _text_reader(self, file: _Arrow, wanted: Wanted | None) -> _Arrow:
        if self._ending == ".csv":
            from pyarrow import csv  # noqa: PLC0415 - takes time

            return csv.open_csv(
                file, read_options=csv.ReadOptions(block_size=_BLOCK, use_threads=False),
                convert_options=csv.ConvertOptions(**self._conversion(wanted)),
            )
        from pyarrow import json  # noqa: PLC0415 - takes time

        parsing = {} if wanted is None else {
            "explicit_schema": self._explicit(wanted), "unexpected_field_behavior": "ignore",
        }
        return json.open_json(
            file, read_options=json.ReadOptions(block_size=_BLOCK, use_threads=False),
            parse_options=json.ParseOptions(**parsing),
        )

    def _conversion(self, wanted: Wanted | None) -> dict[str, Any]:
        if wanted is None:
            return {}
        types = self._explicit(wanted)
        empty = {"null_values": list(wanted.missing), "strings_can_be_null": True}
        return {"include_columns": wanted.names, "column_types": types, **empty}

    def _explicit(self, wanted: Wanted) -> _Arrow:
        """Return the types to read the wanted columns of a text file as; in CSV, the label 1 is a text as well."""
        import pyarrow as pa  # noqa: PLC0415 - takes time

        def type_of(name: str) -> _Arrow:
            if name in wanted.numbers:
                return pa.float64()
            return pa.string() if self._ending == ".csv" else self._schema.field(name).type

        return pa.schema([(name, type_of(name)) for name in wanted.names])


def _validated(batch: _Arrow) -> _Arrow:
    """Return a batch of a Parquet file, whose texts need not be UTF-8."""
    batch.validate(full=True)
    return batch


def _check_columns(count: int) -> None:
    if count > MAX_COLUMNS:
        raise ValueError(f"it has {count:,} columns, expected at most {MAX_COLUMNS:,}")


def _json_schema(raw: bytes) -> _Arrow:
    """Return the columns of JSON lines that begin with `raw`; pyarrow would crash on a deep value, and guess dates.

    Raises:
        ValueError: they are no objects; or as `msgspec.json.decode`.
    """
    import pyarrow as pa  # noqa: PLC0415 - takes time

    types = {
        str: pa.string(), bool: pa.bool_(), int: pa.int64(), float: pa.float64(), type(None): pa.null(),
        list: pa.list_(pa.null()),
    }
    found: dict[str, _Arrow] = {}
    whole = raw if len(raw) < _BLOCK else raw[: raw.rfind(b"\n")]
    for line in whole.splitlines():
        for name, value in (msgspec.json.decode(line, type=dict[str, Any]) if line.strip() else {}).items():
            there, type_ = found.get(name, pa.null()), types.get(type(value), pa.struct([]))
            if there == pa.null() or (there, type_) == (pa.int64(), pa.float64()):
                found[name] = type_
        _check_columns(len(found))
    return pa.schema(list(found.items()))


def _kind(type_: _Arrow) -> str:
    from pyarrow import types  # noqa: PLC0415 - takes time

    if types.is_dictionary(type_):
        return _kind(type_.value_type)
    kinds: dict[str, Callable[[_Arrow], bool]] = {
        "text": lambda item: any(is_text(item) for is_text in (
            types.is_string, types.is_large_string, types.is_string_view, types.is_boolean)),
        "integer": types.is_integer, "number": types.is_floating,
    }
    return next((kind for kind, fits in kinds.items() if fits(type_)), f"of type {str(type_)[:40]}")
