"""`mvc.evaluate(..., predictions=FILE)`: the cross-validated predictions of an estimator, written to a file."""

from __future__ import annotations

import os

from mvc.errors import UsageError
from mvc.evaluation.out_of_fold import PredictedRows
from mvc.evaluation.predictions import ENDINGS, ending_of
from mvc.fs.scratch import beside
from mvc.project import Project
from mvc.runtime.rows import as_batch, write


def check_ending(path: str) -> None:
    """Check the name of a predictions file.

    Raises:
        UsageError: its ending is not known.
    """
    if not ending_of(path):
        endings = ", ".join(f"*{ending}" for ending in ENDINGS)
        raise UsageError(f"{path}: expected a file named {endings}", 'predictions="FILE.parquet"')


def write_predictions(project: Project, path: str, rows: PredictedRows) -> None:
    """Write predictions to `path`, from the top of the worktree."""
    folder = os.path.dirname(f"{project.root}/{path}")
    os.makedirs(folder, exist_ok=True)
    with beside(folder) as scratch:
        temporary = scratch.name()
        with open(temporary, "xb") as file:
            write(file, ending_of(path), iter([as_batch(rows.columns)]))
        os.replace(temporary, f"{project.root}/{path}")
