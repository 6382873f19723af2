"""`mvc monitor score`: the metrics of each version in a prediction log, from labels that arrived later."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from math import hypot
from typing import NamedTuple

from mvc.errors import InvalidFormat, UsageError
from mvc.evaluation.live.join import LiveRows, Served, join
from mvc.evaluation.live.labels import Labels, read_labels
from mvc.evaluation.live.prediction_log import Part
from mvc.evaluation.predictions import PredictionsFile
from mvc.evaluation.roles import PREDICTED, SCORE, Kind, Roles, kind_of
from mvc.evaluation.score import score
from mvc.fs.files import as_error
from mvc.objects.hashing import hash_stream
from mvc.ops.lifecycle.watching.parts import parts_at
from mvc.ops.lifecycle.watching.reported import Reported, name_of, read_reported
from mvc.project import Project
from mvc.quality.reports.live_report import DATASET
from mvc.quality.reports.report import Metric


class Request(NamedTuple):
    """What to score."""

    name: str
    log: str
    """A folder, or one of its parts; an absolute path, as `truth`."""
    truth: str
    """The file of labels."""
    shown: str
    """The file as the user named it."""


class LiveMetric(NamedTuple):
    """A metric of live examples, and the same in the report of the version."""

    metric: Metric
    reference: Metric | None

    @property
    def stderr(self) -> float | None:
        """The standard error of the difference, as far as the two have one; None if neither has."""
        errors = [item.stderr for item in (self.metric, self.reference) if item and item.stderr is not None]
        return hypot(*errors) if errors else None


class LiveVersion(NamedTuple):
    """The live metrics of a version."""

    version: str
    blake3: str
    retired: bool
    rows: int
    """In the log."""
    labelled: int
    repeated: int
    """Rows left out, as an earlier one of the same request has their label."""
    metrics: tuple[LiveMetric, ...]

    @property
    def unlabelled(self) -> int:
        """Rows without a label, an id or a place."""
        return self.rows - self.labelled - self.repeated


class LiveScore(NamedTuple):
    """The live metrics of a model."""

    model: str
    task: Kind
    blake3: str
    """Of the file with labels."""
    labels: int
    """Rows of the file with labels."""
    unknown: int
    """Labels of requests that the log does not have."""
    repeated: int
    """Labels that a later one for the same request replaced."""
    empty: int
    """Rows without a label, an id or a place."""
    versions: tuple[LiveVersion, ...]


def score_live(project: Project, request: Request) -> LiveScore:
    """Return the metrics of all versions of a model in a log.

    Raises:
        UsageError: the log has no rows of the model, or its task cannot be told.
        InvalidFormat: the labels cannot be read.
        MvcError: a file cannot be read, or Git cannot read the tags.
    """
    known = read_reported(project, request.name)
    try:
        parts = parts_at(request.log, request.log, project.around.remark)
    except OSError as error:
        raise as_error(error, request.log) from None
    if not parts:
        raise UsageError(f"{request.log} has no part of a prediction log", "mvc serve REF --log DIR  # writes one")
    kind, roles = _roles(parts, known.values())
    labels, blake3 = _labels(request, kind, roles.truth)
    joined = join(parts, request.name, labels, roles, project.around.remark)
    if not joined.versions:
        raise UsageError(f"{request.log} has no rows of {request.name}", "mvc models  # lists names")
    versions = tuple(_version(served, rows, known.get(served.version)) for served, rows in joined.versions.items())
    return LiveScore(
        request.name, kind, blake3, labels.rows, joined.unknown, labels.repeated, labels.empty, versions,
    )


def _labels(request: Request, kind: Kind, truth: str) -> tuple[Labels, str]:
    """Return the labels, and the blake3 of their file."""
    try:
        with open(request.truth, "rb") as file:
            labels = read_labels(PredictionsFile(file, request.shown), kind, truth)
            return labels, hash_stream(file.fileno(), os.fstat(file.fileno()).st_size).blake3
    except InvalidFormat as error:
        raise type(error)(error.message, error.fix or "check the column of labels") from None
    except OSError as error:
        raise as_error(error, request.shown) from None


def _roles(parts: Sequence[Part], versions: Iterable[Reported]) -> tuple[Kind, Roles]:
    """Return task, name of the labels, positive label and slices, as the newest report with predictions has them."""
    reports = [item.report for item in versions if item.report]
    report = next((item for item in reports if item.predictions), reports[0] if reports else None)
    found = report.predictions if report else None
    kind = (found and found.task) or kind_of(report.task if report else "") or _told(parts)
    if kind == "ranking":
        raise UsageError("live metrics of a ranking are not computed", "mvc eval score --help")
    if report is None or found is None:
        return kind, Roles(kind)
    keys = {next(iter(item.slice)) for item in report.predicted if len(item.slice) == 1}
    return kind, Roles(kind, found.truth, positive=found.positive, slices=tuple(sorted(keys)))


def _told(parts: Iterable[Part]) -> Kind:
    """Return the task that the predictions in the newest part tell."""
    kinds = list(parts)[-1].kinds
    kind = kinds.get(PREDICTED, "text")
    if kind == "text" or any(name.startswith(SCORE) for name in kinds):
        return "classification"
    if kind == "number":
        return "regression"
    message = "the predictions are whole numbers, which may be labels or amounts, and no report tells the task"
    raise UsageError(message, "mvc eval score --help")


def _version(served: Served, found: LiveRows, known: Reported | None) -> LiveVersion:
    reported = known if known and known.blake3 == served.blake3 else None
    references = reported.metrics() if reported else {}
    metrics = score(found.loaded, DATASET).metrics if found.loaded else ()
    return LiveVersion(
        served.version, served.blake3, bool(reported and reported.retired), found.rows,
        found.loaded.n if found.loaded else 0, found.repeated,
        tuple(LiveMetric(item, references.get(name_of(item))) for item in metrics),
    )
