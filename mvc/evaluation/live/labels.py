"""Labels that arrived after the predictions, by the request and row that they belong to."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mvc.errors import InvalidFormat
from mvc.evaluation.columns import Coded, Floats, Growing, NumberColumn, TextColumn, take, values_of
from mvc.evaluation.live.prediction_log import ID, ROW
from mvc.evaluation.predictions import MAX_LABELS, PredictionsFile, Wanted
from mvc.evaluation.roles import TRUTH, Kind
from mvc.quality.words import clipped

Keys: TypeAlias = NDArray[np.int64]
_Arrow: TypeAlias = Any
"""pyarrow has no types."""


class Labels(NamedTuple):
    """The labels in a file, one for each request and row."""

    keys: Keys
    """Sorted."""
    truth: Coded | Floats
    """In the order of the keys."""
    rows: int
    """Of the file."""
    repeated: int
    """Rows with a label for the same request and row as a later one, which counts."""
    empty: int
    """Rows without a label, an id or a place."""


def keys_of(batch: _Arrow) -> Keys:
    """Return a number for each row: of its request, and its place in the request, which is 0 if not given.

    Python's hash has a secret: nobody who chooses ids can make two of them equal.
    """
    ids = batch.column(ID).to_pylist()
    rows = batch.column(ROW).to_pylist() if ROW in batch.schema.names else (0 for _ in ids)
    pairs = ((str(id_), row) for id_, row in zip(ids, rows, strict=True))
    return np.fromiter(map(hash, pairs), np.int64, len(ids))


def read_labels(file: PredictionsFile, kind: Kind, truth: str) -> Labels:
    """Read the column `truth`; if that is empty or not there, the column that `label_column` finds.

    Raises:
        InvalidFormat: a column is missing or of another type, or there are too many rows or labels.
    """
    name = label_column(file, truth)
    is_number = kind == "regression"
    column = NumberColumn(name) if is_number else TextColumn(name, MAX_LABELS)
    keys, rows, empty = Growing(np.int64), 0, 0
    for batch in file.chosen(_wanted(file, name, is_number=is_number)):
        there = batch.drop_null()
        if problem := column.add(there.column(name), rows):
            raise InvalidFormat(f"{file.what}: column {name!r} {problem}")
        keys.add(keys_of(there))
        rows += batch.num_rows
        empty += batch.num_rows - there.num_rows
    return _sorted(keys.joined(), values_of(column), rows, empty)


def label_column(file: PredictionsFile, truth: str) -> str:
    """Return the column with the labels: `truth`, else one of that name, else the only one besides id and row.

    Raises:
        InvalidFormat: there is no id, or it is not clear which column has the labels.
    """
    if ID not in file.kinds:
        there = ", ".join(map(clipped, file.kinds))
        raise InvalidFormat(f"{file.what}: no column {ID!r}: it has {there}", f"name the column of the ids {ID}")
    rest = [name for name in file.kinds if name not in (ID, ROW)]
    found = [name for name in (truth, TRUTH) if name in rest] or rest
    if len(found) != 1 and found[:1] not in ([truth], [TRUTH]):
        there = ", ".join(map(clipped, rest)) or "none"
        raise InvalidFormat(
            f"{file.what}: no column {truth or TRUTH!r}; other columns: {there}", f"name the column of labels {TRUTH}",
        )
    return found[0]


def _wanted(file: PredictionsFile, truth: str, *, is_number: bool) -> Wanted:
    numbers = (ROW,) if ROW in file.kinds else ()
    if is_number:
        return Wanted((), (truth, *numbers), (ID,))
    return Wanted((truth,), numbers, (ID,))


def _sorted(keys: Keys, truth: Coded | Floats, rows: int, empty: int) -> Labels:
    """Return the labels by key; of several with a key the last."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    last = np.append(ordered[1:] != ordered[:-1], [True])[: len(ordered)]
    chosen = order[last]
    return Labels(keys[chosen], take(truth, chosen), rows, len(keys) - len(chosen), empty)
