"""The pictures of `mvc eval score --plots DIR`."""

from __future__ import annotations

from collections.abc import Iterator

from mvc.evaluation.columns import Labelled
from mvc.evaluation.curves import curves, matrix
from mvc.ops.reports.score import ScoredFile
from mvc.quality.render.evaluation_charts import draw_curve, draw_matrix, draw_slices
from mvc.quality.reports.report import Metric

_FIRST = ("auc", "accuracy", "mae", "ndcg")
"""The metrics that are drawn by slices: the first that there is."""


def plots(found: ScoredFile) -> dict[str, bytes]:
    """Return the pictures of an evaluation as SVG, by file name.

    Raises:
        UsageError: the packages of the extra `site` are not installed.
    """
    return dict(_plots(found))


def _plots(found: ScoredFile) -> Iterator[tuple[str, bytes]]:
    if isinstance(found.examples, Labelled):
        for curve in curves(found.examples):
            yield f"{curve.name}.svg", draw_curve(curve)
        if shares := matrix(found.examples):
            yield "confusion.svg", draw_matrix(shares)
    if rows := _sliced(found.scored.metrics):
        yield "slices.svg", draw_slices(rows)


def _sliced(metrics: tuple[Metric, ...]) -> list[Metric]:
    """Return one metric of all examples and of each slice; none without slices."""
    for name in _FIRST:
        rows = [item for item in metrics if item.name == name and "class" not in item.slice]
        if rows:
            return rows if len(rows) > 1 else []
    return []
