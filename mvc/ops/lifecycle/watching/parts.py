"""The parts of a prediction log that a user named: its directory, or one of its files."""

from __future__ import annotations

import os

from mvc.evaluation.live.prediction_log import ENDING, Part, Remark, find_parts, part_in


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
    part = part_in(path, what)
    return [part] if part else []
