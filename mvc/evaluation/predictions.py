"""Reads columns of a predictions file: CSV, JSON lines or Parquet. pyarrow is imported only here.

A file is read in batches and only the wanted columns are kept, in 4 or 8 bytes a row.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, BinaryIO, Generic, NamedTuple, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from mvc.errors import InvalidFormat, first_line
from mvc.evaluation.columns import Coded, Codes, Floats
from mvc.quality.words import clipped

MAX_ROWS = 20_000_000
MAX_LABELS = 1000
"""Different texts in a column of labels or slices."""
MAX_GROUPS = 2_000_000
MAX_NUMBER = 1e100
"""Of larger ones, a sum of squares would not fit in a float."""
MAX_TEXT = 200
"""Characters of a label."""
MAX_CHUNK = 1 << 30
"""Bytes that the wanted columns of one Parquet row group may have once decompressed."""
_BATCH = 1 << 16
"""Rows of a Parquet batch."""
_BLOCK = 4 << 20
"""Bytes of a batch of text; a row must fit in it."""
_LISTED = 20
"""Columns that an error lists."""
ENDINGS = (".csv", ".jsonl", ".ndjson", ".parquet")

_T = TypeVar("_T", np.float64, np.int32)
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
            raise InvalidFormat(f"{what}: expected a file named {', '.join(f'*{ending}' for ending in ENDINGS)}")
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
        except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
            message = f"{self.what}: cannot be read as {self._ending[1:]}: {first_line(error)}"
            raise InvalidFormat(message) from None

    def _read_schema(self) -> _Arrow:
        if self._ending == ".parquet":
            return self._parquet(()).schema_arrow
        self._file.seek(0)
        with self._text(None) as reader:
            return reader.schema

    def read(self, wanted: Wanted) -> Table:
        """Return the wanted columns.

        Raises:
            InvalidFormat: a column is missing, has another type or an empty value; or there are too many rows, labels,
                or bytes.
        """
        self._check(wanted)
        columns: dict[str, _Column] = {}
        for name in wanted.names:
            most = MAX_GROUPS if name in wanted.groups else MAX_LABELS
            columns[name] = _Numbers(name) if name in wanted.numbers else _Texts(name, most)
        import pyarrow as pa  # noqa: PLC0415 - takes time

        rows = 0
        with self._reading():
            for batch in self._batches(wanted):
                for name, column in columns.items():
                    self._add(column, batch.column(batch.schema.get_field_index(name)), rows)
                rows += batch.num_rows
                self._check_rows(rows)
            pa.default_memory_pool().release_unused()
        if not rows:
            raise InvalidFormat(f"{self.what}: no rows")
        texts = {name: column.coded() for name in wanted.texts if isinstance(column := columns[name], _Texts)}
        numbers = {name: column.floats() for name in wanted.numbers if isinstance(column := columns[name], _Numbers)}
        groups = {name: column.joined() for name in wanted.groups if isinstance(column := columns[name], _Texts)}
        return Table(rows, texts, numbers, groups)

    def batches(self) -> Iterator[_Arrow]:
        """Yield all columns, some rows at a time, as record batches of pyarrow.

        Raises:
            InvalidFormat: the file cannot be read to its end, or a row group is too large.
        """
        names = self._schema.names
        if len(set(names)) < len(names):
            raise InvalidFormat(f"{self.what}: several columns have the same name")
        self._file.seek(0)
        with self._reading():
            if self._ending != ".parquet":
                with self._text(None) as reader:
                    yield from reader
                return
            file = self._parquet(())
            self._check_chunks(file.metadata, names)
            yield from file.iter_batches(batch_size=_BATCH)

    def _check(self, wanted: Wanted) -> None:
        names = self._schema.names
        for name in wanted.names:
            if name not in self.kinds:
                there = ", ".join(clipped(column) for column in names[:_LISTED])
                more = ", ..." * (len(names) > _LISTED)
                raise WrongColumn(f"{self.what}: no column {name!r}: it has {there}{more}")
            if names.count(name) > 1:
                raise WrongColumn(f"{self.what}: several columns are named {name!r}")
            usable = ("number", "integer") if name in wanted.numbers else ("text", "integer", "number")
            is_text = self._ending == ".csv" and name not in wanted.numbers  # whatever a first block looks like
            if self.kinds[name] not in usable and not is_text:
                expected = "numbers" if name in wanted.numbers else "texts or whole numbers"
                raise WrongColumn(f"{self.what}: column {name!r} is {self.kinds[name]}, expected {expected}")

    def _check_rows(self, rows: int) -> None:
        if rows > MAX_ROWS:
            raise InvalidFormat(f"{self.what}: more than {MAX_ROWS:,} rows", "choose a sample of the rows")

    def _add(self, column: _Column, values: _Arrow, before: int) -> None:
        if values.null_count:
            row = before + int(np.flatnonzero(values.is_null().to_numpy(zero_copy_only=False))[0]) + 1
            raise InvalidFormat(f"{self.what}: column {column.name!r} has no value in row {row:,}")
        if problem := column.add(values, before):
            raise InvalidFormat(f"{self.what}: column {column.name!r} {problem}")

    # Formats.

    def _batches(self, wanted: Wanted) -> Iterator[_Arrow]:
        self._file.seek(0)
        if self._ending != ".parquet":
            with self._text(wanted) as reader:
                yield from reader
            return
        file = self._parquet([name for name in wanted.names if name not in wanted.numbers])
        self._check_rows(file.metadata.num_rows)
        self._check_chunks(file.metadata, wanted.names)
        yield from file.iter_batches(batch_size=_BATCH, columns=wanted.names)

    def _parquet(self, dictionaries: Collection[str]) -> _Arrow:
        from pyarrow import parquet  # noqa: PLC0415 - takes time

        self._file.seek(0)
        return parquet.ParquetFile(self._file, read_dictionary=list(dictionaries), buffer_size=_BLOCK)

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
        empty = {"null_values": [""], "strings_can_be_null": True}
        return {"include_columns": wanted.names, "column_types": types, **empty}

    def _explicit(self, wanted: Wanted) -> _Arrow:
        """Return the types to read the wanted columns of a text file as; in CSV, the label 1 is a text as well."""
        import pyarrow as pa  # noqa: PLC0415 - takes time

        def type_of(name: str) -> _Arrow:
            if name in wanted.numbers:
                return pa.float64()
            return pa.string() if self._ending == ".csv" else self._schema.field(name).type

        return pa.schema([(name, type_of(name)) for name in wanted.names])


def _kind(type_: _Arrow) -> str:
    from pyarrow import types  # noqa: PLC0415 - takes time

    if types.is_dictionary(type_):
        return _kind(type_.value_type)
    kinds: dict[str, Callable[[_Arrow], bool]] = {
        "text": lambda item: types.is_string(item) or types.is_large_string(item) or types.is_boolean(item),
        "integer": types.is_integer, "number": types.is_floating,
    }
    return next((kind for kind, fits in kinds.items() if fits(type_)), f"of type {str(type_)[:40]}")


# Columns, as they are read.


class _Growing(Generic[_T]):
    """An array that grows in place, since many small ones would leave holes in the memory."""

    def __init__(self, dtype: type[_T]) -> None:
        self._values: NDArray[_T] = np.empty(_BATCH, dtype)
        self._n = 0

    def add(self, values: NDArray[_T]) -> None:
        end = self._n + len(values)
        if end > len(self._values):
            self._values.resize(max(end, 2 * len(self._values)), refcheck=False)
        self._values[self._n : end] = values
        self._n = end

    def joined(self) -> NDArray[_T]:
        self._values.resize(self._n, refcheck=False)
        return self._values


class _Numbers:
    def __init__(self, name: str) -> None:
        self.name = name
        self._found = _Growing(np.float64)

    def add(self, values: _Arrow, before: int) -> str:
        """Add values; return what is wrong with them."""
        found = np.asarray(values.to_numpy(zero_copy_only=False), np.float64)
        if not (np.abs(found) <= MAX_NUMBER).all():
            row = int(np.flatnonzero(~(np.abs(found) <= MAX_NUMBER))[0])
            expected = f"at most {MAX_NUMBER:g}" if np.isfinite(found[row]) else "a finite number"
            return f"is {found[row]} in row {before + row + 1:,}, expected {expected}"
        self._found.add(found)
        return ""

    def floats(self) -> Floats:
        return self._found.joined()


class _Texts:
    def __init__(self, name: str, most: int) -> None:
        self.name, self._most = name, most
        self._known: dict[str, int] = {}
        self._found = _Growing(np.int32)

    def add(self, values: _Arrow, _: int) -> str:
        """Add values; return what is wrong with them."""
        coded = values if hasattr(values, "dictionary") else values.dictionary_encode()
        texts: list[str] = []
        for value in coded.dictionary.to_pylist():
            text = _text(value)
            if text is None or len(text) > MAX_TEXT:
                return f"has {clipped(str(value))!r}, expected whole numbers or texts of at most {MAX_TEXT} characters"
            texts.append(text)
        places = np.fromiter((self._known.setdefault(text, len(self._known)) for text in texts), np.int32, len(texts))
        if len(self._known) > self._most:
            return f"has more than {self._most:,} different values"
        self._found.add(places[coded.indices.to_numpy(zero_copy_only=False)])
        return ""

    def joined(self) -> Codes:
        return self._found.joined()

    def coded(self) -> Coded:
        labels = sorted(self._known, key=_rank)
        place = np.empty(len(labels), np.int32)
        for index, label in enumerate(labels):
            place[self._known[label]] = index
        codes = self.joined()
        return Coded(tuple(labels), np.take(place, codes, out=codes))


_Column: TypeAlias = _Numbers | _Texts


def _text(value: object) -> str | None:
    """Return a label as text; None for a number that is not whole."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else None
    return str(value)


def _rank(label: str) -> tuple[bool, int, str]:
    """Return the sort key of a label: numbers first, by their value."""
    is_number = label.removeprefix("-").isdecimal() and len(label) < 20  # noqa: PLR2004 - of 64 bits
    return not is_number, int(label) if is_number else 0, label
