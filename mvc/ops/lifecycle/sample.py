"""A file of rows that models are run on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from mvc.errors import InvalidFormat, SourceChanged, UsageError
from mvc.evaluation.predictions import PredictionsFile
from mvc.evaluation.roles import TRUTH
from mvc.ops.shared.workspace_content import observe_path
from mvc.project import Project
from mvc.runtime.predictor import Columns, Predictor, features
from mvc.runtime.rows import as_columns


class Sample:
    """The rows, read some at a time."""

    def __init__(self, table: PredictionsFile) -> None:
        self._table = table

    def batches(self, *models: Predictor) -> Iterator[tuple[Columns, ...]]:
        """Yield rows with the columns that each model takes.

        Raises:
            InvalidFormat: a column is missing, or there are no rows.
        """
        rows = 0
        for batch in self._table.batches():
            names = batch.schema.names
            wanted = [features(model.signature, names, TRUTH, self._table.what) for model in models]
            if batch.num_rows:
                yield tuple(as_columns(batch, columns) for columns in wanted)
            rows += batch.num_rows
        if not rows:
            raise InvalidFormat(f"{self._table.what}: no rows")


@contextmanager
def opened(project: Project, path: str) -> Iterator[tuple[Sample, str]]:
    """Open the sample at `path` (from the top of the worktree); it comes with its BLAKE3.

    Raises:
        UsageError: it is a symlink, or cannot be read.
        SourceChanged: it changed meanwhile.
    """
    blake3 = _digest(project, path)
    with open(f"{project.root}/{path}", "rb") as file:
        yield Sample(PredictionsFile(file, project.shell.show(path))), blake3
    if _digest(project, path) != blake3:
        raise SourceChanged(f"{path} changed while it was read", "run the command again")


def _digest(project: Project, path: str) -> str:
    found = observe_path(project, path).digest
    if found is None:
        raise UsageError(f"{path} is a symlink, expected a file", "--data SAMPLE.csv")
    return found.blake3
