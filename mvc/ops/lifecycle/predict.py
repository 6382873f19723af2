"""`mvc eval predict`: the predictions of a tracked model, as a file that `eval score` reads."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from typing import Any, NamedTuple

from mvc.errors import InvalidFormat, UsageError
from mvc.evaluation.predictions import ENDINGS, PredictionsFile, ending_of
from mvc.evaluation.roles import PREDICTED, SCORE, TRUTH
from mvc.fs.files import as_error
from mvc.fs.scratch import beside
from mvc.ops.lifecycle.files import check_folder, check_rows
from mvc.ops.lifecycle.loading import load_proven
from mvc.project import Project
from mvc.runtime.predictor import Predictor, features
from mvc.runtime.rows import as_columns, with_columns, write


class Predicted(NamedTuple):
    """What was written."""

    file: str
    """From the top of the worktree."""
    rows: int
    columns: tuple[str, ...]
    """The new ones."""


class Request(NamedTuple):
    """What to predict, with which model."""

    model: str
    """As the user typed it."""
    data: str
    """From the top of the worktree."""
    target: str
    """As `data`: the file to write."""
    trust: bool = False
    loader: str = ""
    """A `module:function`; empty for that of mvc."""


def predict(project: Project, path: str, request: Request) -> Predicted:
    """Write the rows of the data with the predictions of the model at `path`, whose bytes the caller proved.

    Raises:
        MvcError: the model cannot be loaded, or not run on the data. Nothing is written.
    """
    data, target = request.data, request.target
    if not (ending := ending_of(target)):
        endings = ", ".join(f"*{ending}" for ending in ENDINGS)
        raise UsageError(f"{target}: expected a file named {endings}", "--output FILE.parquet")
    source, output = f"{project.root}/{data}", f"{project.root}/{target}"
    if os.path.realpath(source) == os.path.realpath(output):
        raise UsageError(f"{target} is the data: predictions need a file of their own", "--output FILE.parquet")
    if os.path.isdir(output):
        raise UsageError(f"{target} is a directory, expected a file", "--output FILE.parquet")
    check_rows(project, data, "mvc eval predict MODEL DATA -o FILE.parquet")
    check_folder(project, target)
    predictor = _loaded(project, path, request)
    try:
        with open(source, "rb") as file, beside(os.path.dirname(output)) as scratch:
            temporary = scratch.name()
            table = PredictionsFile(file, project.shell.show(data))
            names: list[str] = []
            with open(temporary, "xb") as out:
                rows = write(out, ending, _batches(table, predictor, names))
            if not rows:
                raise InvalidFormat(f"{data}: no rows")
            os.replace(temporary, output)
    except OSError as error:
        raise as_error(error, os.fsdecode(error.filename or target)) from None
    return Predicted(target, rows, tuple(names))


def _loaded(project: Project, path: str, request: Request) -> Predictor:
    data, target = map(project.shell.show, (request.data, request.target))
    line = shlex.join(["mvc", "eval", "predict", request.model, data, "-o", target])
    return load_proven(path, line, trust=request.trust, loader=request.loader, folder=project.around.cwd)


def _batches(table: PredictionsFile, predictor: Predictor, names: list[str]) -> Iterator[Any]:
    """Yield the rows with their predictions; the names of the new columns are added to `names`."""
    for batch in table.batches():
        there = batch.schema.names
        wanted = features(predictor.signature, there, TRUTH, table.what)
        found = predictor.predict(as_columns(batch, wanted))
        more = {PREDICTED: found.predicted, **{f"{SCORE}{label}": values for label, values in found.scores.items()}}
        if taken := next((name for name in more if name in there), ""):
            raise InvalidFormat(f"{table.what}: has a column {taken!r} already", "choose another name for the column")
        names[:] = more
        yield with_columns(batch, more)
