"""`mvc drift`: whether current data differs from a reference."""

from __future__ import annotations

import os
from contextlib import ExitStack
from math import isfinite
from typing import NamedTuple

from mvc.drift.judge import judge
from mvc.drift.logged import read_log, title
from mvc.drift.pairing import pair
from mvc.drift.read import Source, compare_all
from mvc.drift.result import Data, Drift, ModelVersion
from mvc.errors import UsageError
from mvc.evaluation.live.prediction_log import OWN, Remark, is_part
from mvc.evaluation.predictions import PredictionsFile, ending_of
from mvc.evaluation.roles import TRUTH
from mvc.fs.files import as_error
from mvc.ops.lifecycle.watching.parts import parts_at


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
    truth: str = TRUTH
    """The column of the reference with the true values."""


def drift(request: Request, remark: Remark) -> Drift:
    """Compare the columns of a file with those of another one, or of a prediction log.

    If the reference is of a version of a model, only its rows of the log are compared. What is left out of the log is
    told to `remark`.

    Raises:
        UsageError: the level is not between 0 and 1, or there is no common column.
        MvcError: a file cannot be read.
    """
    check_level(request.level)
    try:
        with ExitStack() as stack:
            reference = _file(stack, request.reference_file, request.reference)
            log = None
            parts = parts_at(request.current_file, request.current, remark)
            if parts or os.path.isdir(request.current_file):
                log = read_log(parts, request.current, request.version, remark)
            current = log.source if log else _file(stack, request.current_file, request.current)
            pairs = pair(reference.kinds, current.kinds, request.columns, log.features if log else (), request.truth)
            columns = judge(compare_all(reference, current, pairs.pairs), request.level)
    except OSError as error:
        raise as_error(error, str(error.filename or request.current)) from None
    rows = [max((getattr(column, side).rows for column in columns), default=0) for side in ("reference", "current")]
    versions = log.versions if log else ()
    version = versions[0] if len(versions) == 1 and not request.version.blake3 else request.version
    return Drift(
        any(column.drifted for column in columns), request.level, Data(request.reference, rows[0], request.blake3),
        Data(request.current, rows[1]), *version, tuple(map(title, versions)), columns, pairs.only_reference,
        pairs.only_current, pairs.skipped,
    )


def check_level(level: float) -> None:
    """Check a false discovery rate.

    Raises:
        UsageError: it is not between 0 and 1.
    """
    if not (isfinite(level) and 0 < level < 1):
        raise UsageError(f"invalid level {level:g}: expected a number between 0 and 1", "--level 0.05")


def _file(stack: ExitStack, path: str, named: str) -> Source:
    """Open a file until `stack` is closed.

    Raises:
        UsageError: it is a directory.
        InvalidFormat: it cannot be read.
    """
    if os.path.isdir(path):
        raise UsageError(f"{named} is a directory, expected a file", "mvc ls -R  # lists the files in directories")
    what = named if ending_of(named) else os.path.basename(path)
    table = PredictionsFile(stack.enter_context(open(path, "rb")), what)  # noqa: SIM115 - closed with the stack
    kinds = {name: kind for name, kind in table.kinds.items() if not (is_part(table) and name.startswith(OWN))}
    return Source(what, kinds, table.most_rows, table.chosen)
