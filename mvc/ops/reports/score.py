"""`mvc eval score`: the metrics of a predictions file, which is tracked beside the report."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple

from mvc.errors import SourceChanged, UsageError
from mvc.evaluation.columns import Examples
from mvc.evaluation.predictions import PredictionsFile, WrongColumn
from mvc.evaluation.roles import Roles, load
from mvc.evaluation.score import Scored, score
from mvc.fs.tree import Replacement, replace_files
from mvc.ops.reports.evaluated import hash_content, read_small
from mvc.project import Project
from mvc.quality.reports.report import Predictions
from mvc.scm.staging import stage


class ScoredFile(NamedTuple):
    """A predictions file, its metrics and its examples."""

    predictions: Predictions
    scored: Scored
    examples: Examples


def score_file(project: Project, path: str, roles: Roles, datasets: list[str]) -> ScoredFile:
    """Return the metrics of the predictions file at `path` (from the top of the worktree); nothing is written.

    Raises:
        UsageError: there are several data sets, or the roles of the columns do not fit.
        InvalidFormat: the file, or a column, is not as it must be.
        MvcError: the file cannot be read.
    """
    if len(datasets) > 1:
        raise UsageError("predictions are of one data set", "--dataset ID=PATH  # once")
    dataset = "".join(datasets)
    if os.path.isdir(f"{project.root}/{path}"):
        raise UsageError(f"{path} is a directory, expected a file of predictions", "--predictions FILE")
    digest, _ = hash_content(project, path)
    with open(f"{project.root}/{path}", "rb") as file:
        try:
            loaded = load(PredictionsFile(file, project.shell.show(path)), roles)
        except WrongColumn as error:
            raise WrongColumn(error.message, "mvc eval score --help  # which options name columns") from None
    scored, roles = score(loaded, dataset), loaded.roles
    predictions = Predictions(
        path, digest.blake3, loaded.n, dataset, roles.truth, roles.predicted, list(roles.scores), roles.kind or "",
        roles.positive, roles.group, roles.weight, list(roles.sensitive),
    )
    return ScoredFile(predictions, scored, loaded.examples)


def write_pictures(project: Project, pictures: Mapping[str, bytes], *, staged: bool) -> None:
    """Write pictures, by path from the top of the worktree, and stage them if `staged`.

    Raises:
        UsageError: a symlink or directory is in the way.
        MvcError: they cannot be written.
    """
    items = [Replacement(name, read_small(project, name), picture) for name, picture in pictures.items()]
    with project.locks.worktree(), project.staging() as staging:
        replace_files(project.tree, staging, items)
    if staged:
        stage(project.git, pictures)


def check_unchanged(project: Project, predictions: Predictions) -> None:
    """Check that the file is still what was scored.

    Raises:
        SourceChanged: it is not.
    """
    digest, _ = hash_content(project, predictions.path)
    if digest.blake3 != predictions.blake3:
        message = f"{predictions.path} changed while it was scored: no report was written"
        raise SourceChanged(message, "run the command again")
