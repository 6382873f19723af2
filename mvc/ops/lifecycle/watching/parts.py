"""The parts of a prediction log that a user named: its directory, or one of its files."""

from __future__ import annotations

import os

from mvc.evaluation.live.prediction_log import ENDING, FORMAT, OWN, Part, Remark, find_parts
from mvc.evaluation.predictions import PredictionsFile


def parts_at(path: str, what: str, remark: Remark) -> list[Part]:
    """Return the parts in a directory, or the one that a file is; none for any other file. `what` names it in errors.

    Raises:
        InvalidFormat: a file of Parquet cannot be read.
        OSError: likewise.
    """
    if os.path.isdir(path):
        return find_parts(path, remark)
    if not path.lower().endswith(ENDING):
        return []
    with open(path, "rb") as file:
        table = PredictionsFile(file, what)
        return [Part(path, table.kinds, table.most_rows)] if is_part(table) else []


def is_part(table: PredictionsFile) -> bool:
    """Whether a file says that it is a part."""
    return table.labels.items() >= FORMAT.items()


def own(name: str) -> bool:
    """Whether a column of a part is neither what was asked nor what was predicted."""
    return name.startswith(OWN)
