"""Reads a prediction log: the parts that `mvc serve --log` wrote. Format: docs/monitor.md, "The log"."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mvc.errors import InvalidFormat
from mvc.evaluation.predictions import PredictionsFile, Wanted

OWN = "mvc_"
"""What the names of columns begin with that are neither features nor predictions."""
ID, ROW, TIME, MODEL, VERSION, BLAKE3, LATENCY = (
    f"{OWN}{name}" for name in ("request_id", "row", "time", "model", "version", "blake3", "latency_seconds")
)
FORMAT = {"mvc.log": "1"}
"""The metadata of a part."""
ENDING = ".parquet"

Remark: TypeAlias = Callable[[str, str], None]
"""Is told of a file that is left out, and what to type."""
_Batch: TypeAlias = Any
"""pyarrow has no types."""


class Part(NamedTuple):
    """A file of a log."""

    path: str
    kinds: Mapping[str, str]
    """The types of its columns, as `PredictionsFile` tells them."""
    rows: int


def find_parts(folder: str, remark: Remark) -> list[Part]:
    """Return the parts of the log in `folder` and below, sorted by path, thus by model and time.

    Hidden files are skipped; other files, and what cannot be read, are told to `remark`.
    """
    found = (_part(path, remark) for path in sorted(_files(folder, remark)))
    return [part for part in found if part]


def part_in(path: str, what: str) -> Part | None:
    """Return the part in a file, which messages call `what`; None if it does not say that it is one.

    Raises:
        InvalidFormat: the file cannot be read.
        OSError: it cannot be opened.
    """
    with open(path, "rb") as file:
        table = PredictionsFile(file, what)
        return Part(path, table.kinds, table.most_rows) if is_part(table) else None


def is_part(table: PredictionsFile) -> bool:
    """Whether a file says that it is a part."""
    return table.labels.items() >= FORMAT.items()


def read_rows(parts: Iterable[Part], wanted: Wanted, remark: Remark) -> Iterator[_Batch]:
    """Yield the wanted columns of parts that have them, as record batches of pyarrow, some rows at a time.

    A part that turns out to be damaged, or that is gone by now, is told to `remark`; its other rows are left out.
    """
    for part in parts:
        try:
            with open(part.path, "rb") as file:
                yield from PredictionsFile(file, part.path).chosen(wanted)
        except (InvalidFormat, OSError) as error:
            remark(_skipped(part.path, error), "")


def by_version(batch: _Batch) -> Iterator[tuple[tuple[str, ...], NDArray[np.int64]]]:
    """Yield model, version and blake3 of each version in a batch, empty if missing, and the places of its rows."""
    columns = [batch.column(name).dictionary_encode() for name in (MODEL, VERSION, BLAKE3)]
    codes = np.stack([codes_of(column) for column in columns], axis=1)
    versions, version = np.unique(codes, axis=0, return_inverse=True)
    for place, row in enumerate(versions.tolist()):
        texts = ("" if code < 0 else str(column.dictionary[code]) for column, code in zip(columns, row, strict=True))
        yield tuple(texts), np.flatnonzero(version.ravel() == place)


def codes_of(column: _Batch) -> NDArray[np.int32]:
    """Return the codes of an array of pyarrow with a dictionary; -1 for a missing value."""
    found: NDArray[np.int32] = column.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    return found


def _files(folder: str, remark: Remark) -> Iterator[str]:
    for top, folders, names in os.walk(folder, onerror=lambda error: remark(_skipped(error.filename, error), "")):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (f"{top}/{name}" for name in names if not name.startswith("."))


def _part(path: str, remark: Remark) -> Part | None:
    try:
        is_candidate = path.endswith(ENDING) and os.path.isfile(path)
        if is_candidate and (found := part_in(path, path)):
            return found
        raise InvalidFormat(f"{path}: not a part of a prediction log")
    except (InvalidFormat, OSError) as error:
        remark(_skipped(path, error), "")
        return None


def _skipped(path: str, error: InvalidFormat | OSError) -> str:
    reason = error.message if isinstance(error, InvalidFormat) else f"{path}: {error.strerror}"
    return f"{reason}: skipped"
