"""The metrics of a report, computed again from its predictions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import isclose
from typing import BinaryIO

from mvc.errors import InvalidFormat, MvcError
from mvc.evaluation.predictions import PredictionsFile
from mvc.evaluation.roles import TRUTH, Loaded, Roles, load
from mvc.evaluation.score import CLASS, score
from mvc.quality.judge.facts import Difference, Recomputed
from mvc.quality.reports.report import Metric, Predictions, Report, label

RELATIVE = 1e-9
"""The largest relative difference of two results of the same computation."""
_ABSOLUTE = 1e-12
"""The same near 0, where rounding errors have no size."""


def roles_of(predictions: Predictions, slices: tuple[str, ...] = ()) -> Roles:
    """Return what the columns of a report's predictions are."""
    return Roles(
        predictions.task or None, predictions.truth or TRUTH, predictions.predicted, tuple(predictions.scores),
        predictions.positive, predictions.group, predictions.weight, slices, tuple(predictions.sensitive),
    )


def load_predictions(predictions: Predictions, metrics: Iterable[Metric], file: BinaryIO) -> Loaded:
    """Read predictions, with the slices of `metrics`, which are of their data, that are columns.

    Raises:
        MvcError: they cannot be read, or are not what the report says.
    """
    opened = PredictionsFile(file, predictions.path)
    keys = {next(iter(item.slice)) for item in metrics if len(item.slice) == 1}
    columns = opened.kinds.keys() if predictions.positive else opened.kinds.keys() - {CLASS}
    loaded = load(opened, roles_of(predictions, tuple(sorted(keys & columns))))
    if predictions.n not in (None, loaded.n):
        raise InvalidFormat(f"{predictions.path} has {loaded.n:,} rows, the report says {predictions.n:,}")
    return loaded


def recompute(report: Report, predictions: Predictions, file: BinaryIO) -> Recomputed:
    """Return the metrics of a report that `file`, with the content of its predictions, does not give.

    Metrics of other data sets are not compared, nor those with other names, such as a latency.
    """
    try:
        loaded = load_predictions(predictions, report.predicted, file)
        found = {label(item): item for item in score(loaded, report.dataset_of(predictions)).metrics}
    except MvcError as error:
        return Recomputed(problem=error.message, fix=error.fix)
    names = {item.name for item in found.values()}
    judged = [item for item in report.predicted if _is_of(item, loaded, names)]
    differences = (item for metric in judged for item in _differences(metric, found.get(label(report.placed(metric)))))
    return Recomputed(tuple(map(label, judged)), tuple(differences))


def _is_of(metric: Metric, loaded: Loaded, names: set[str]) -> bool:
    """Whether a metric must be among those that the predictions give."""
    return metric.name in names and metric.slice.keys() <= {*loaded.slices, CLASS}


def _differences(metric: Metric, found: Metric | None) -> Iterator[Difference]:
    name = label(metric)
    if found is None:
        yield Difference(name, metric.value, None)
        return
    for field in ("value", "stderr"):
        reported, computed = getattr(metric, field), getattr(found, field)
        if reported is not None and not _is_same(reported, computed):
            yield Difference(name if field == "value" else f"{name} {field}", reported, computed)
    if metric.n is not None and metric.n != found.n:
        yield Difference(f"{name} n", metric.n, found.n)
    ends = zip(("ci from", "ci to"), metric.ci or (), found.ci or (None, None), strict=False)
    yield from (Difference(f"{name} {end}", reported, computed) for end, reported, computed in ends
                if not _is_same(reported, computed))


def _is_same(reported: float, computed: float | None) -> bool:
    return computed is not None and isclose(reported, computed, rel_tol=RELATIVE, abs_tol=_ABSOLUTE)
