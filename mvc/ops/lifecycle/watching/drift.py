"""`mvc drift`: whether current data differs from a reference."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from math import isfinite
from typing import NamedTuple

from mvc.drift.judge import judge
from mvc.drift.pairing import pair
from mvc.drift.read import Source, compare_all
from mvc.drift.result import Data, Drift
from mvc.errors import UsageError
from mvc.evaluation.predictions import PredictionsFile, ending_of
from mvc.fs.files import as_error
from mvc.ops.lifecycle.watching.reference import ModelVersion


class Request(NamedTuple):
    """What to compare."""

    reference: str
    """As the user named it; likewise `current`."""
    reference_file: str
    """Where it is."""
    current: str
    current_file: str
    columns: tuple[str, ...] = ()
    """All if empty."""
    level: float = 0.05
    blake3: str = ""
    """Of the reference, if it was proven."""
    version: ModelVersion = ModelVersion()


def drift(request: Request) -> Drift:
    """Compare the columns of two files.

    Raises:
        UsageError: the level is not between 0 and 1, or there is no common column.
        MvcError: a file cannot be read.
    """
    check_level(request.level)
    try:
        with _opened(request.reference_file, request.reference) as reference, \
             _opened(request.current_file, request.current) as current:
            pairs = pair(reference.kinds, current.kinds, request.columns)
            columns = judge(compare_all(reference, current, pairs.pairs), request.level)
    except OSError as error:
        raise as_error(error, str(error.filename or request.current)) from None
    rows = [max((getattr(column, side).rows for column in columns), default=0) for side in ("reference", "current")]
    return Drift(
        any(column.drifted for column in columns), request.level, Data(request.reference, rows[0], request.blake3),
        Data(request.current, rows[1]), *request.version, (), columns, pairs.only_reference, pairs.only_current,
        pairs.skipped,
    )


def check_level(level: float) -> None:
    """Check a false discovery rate.

    Raises:
        UsageError: it is not between 0 and 1.
    """
    if not (isfinite(level) and 0 < level < 1):
        raise UsageError(f"invalid level {level:g}: expected a number between 0 and 1", "--level 0.05")


@contextmanager
def _opened(path: str, named: str) -> Iterator[Source]:
    what = named if ending_of(named) else os.path.basename(path)
    with open(path, "rb") as file:
        table = PredictionsFile(file, what)
        yield Source(what, table.kinds, table.most_rows, table.chosen)
