"""What an evaluation looks like: curves, a confusion matrix, a metric by slices, each as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

from mvc.objects.visible import visible
from mvc.quality.render.charts import svg
from mvc.quality.reports.report import Metric

_SIZE = 320
"""Units of a picture's side."""
_ROW, _CELL, _LABEL = 24, 40, 400
"""Units of a row of slices, of a cell, and of the longest label."""


class Curve(NamedTuple):
    """Points that a line connects; both axes go from 0 to 1."""

    name: str
    """Of the file: `roc`."""
    title: str
    x: str
    y: str
    points: tuple[tuple[float, float], ...]
    diagonal: str = ""
    """What the diagonal is, such as chance; empty: it is not drawn."""
    positive: str = ""
    """The label that the curve is of."""
    examples: tuple[int, ...] = ()
    """How many there are at each point; empty: the points are not drawn."""


class Matrix(NamedTuple):
    """The shares of predicted labels, by true label."""

    labels: tuple[str, ...]
    shares: tuple[tuple[float, ...], ...]


def draw_curve(curve: Curve) -> bytes:
    """Return a curve as SVG."""
    return svg(partial(_curve, curve=curve))


def draw_matrix(matrix: Matrix) -> bytes:
    """Return a confusion matrix as SVG."""
    return svg(partial(_matrix, matrix=matrix))


def draw_slices(metrics: Sequence[Metric]) -> bytes:
    """Return one metric by slices as SVG, with its intervals."""
    return svg(partial(_slices, metrics=metrics))


def _curve(alt: Any, curve: Curve) -> Any:
    scale = alt.Scale(domain=[0, 1])
    points = [{"x": x, "y": y, "order": order} for order, (x, y) in enumerate(curve.points)]
    x, y = alt.X("x:Q", title=curve.x, scale=scale), alt.Y("y:Q", title=curve.y, scale=scale)
    layers = [alt.Chart(alt.InlineData(points)).mark_line().encode(x=x, y=y, order="order:Q")]
    if curve.diagonal:
        ends = alt.InlineData([{"x": 0, "y": 0}, {"x": 1, "y": 1}])
        layers.append(alt.Chart(ends).mark_line(strokeDash=[4, 4], color="gray").encode(x=x, y=y))
    if curve.examples:
        sized = [{**point, "n": count} for point, count in zip(points, curve.examples, strict=True)]
        size = alt.Size("n:Q", title="examples", scale=alt.Scale(domainMin=0, range=[12, 300]))
        layers.append(alt.Chart(alt.InlineData(sized)).mark_circle(opacity=1).encode(x=x, y=y, size=size))
    words = {"Positive": curve.positive, "Dashed": curve.diagonal}
    subtitle = " ".join(f"{key}: {visible(text)}." for key, text in words.items() if text)
    title = alt.TitleParams(curve.title, subtitle=subtitle, anchor="start")
    return alt.layer(*layers).properties(title=title, width=_SIZE, height=_SIZE)


def _matrix(alt: Any, matrix: Matrix) -> Any:
    labels = [visible(label) for label in matrix.labels]
    cells = [
        {"truth": labels[row], "predicted": labels[column], "share": share}
        for row, shares in enumerate(matrix.shares) for column, share in enumerate(shares)
    ]
    base = alt.Chart(alt.InlineData(cells)).encode(
        x=alt.X("predicted:N", sort=labels, axis=alt.Axis(labelAngle=-40, labelLimit=_LABEL)),
        y=alt.Y("truth:N", sort=labels, axis=alt.Axis(labelLimit=_LABEL)),
    )
    dark = alt.condition("datum.share > 0.5", alt.value("white"), alt.value("black"))
    colour = alt.Color("share:Q", scale=alt.Scale(domain=[0, 1], scheme="blues"), title="share of the true label")
    texts = base.mark_text().encode(text=alt.Text("share:Q", format=".2f"), color=dark)
    side = max(_SIZE, _CELL * len(labels))
    layers = alt.layer(base.mark_rect().encode(color=colour), texts)
    return layers.properties(title="Confusion matrix", width=side, height=side)


def _slices(alt: Any, metrics: Sequence[Metric]) -> Any:
    rows = [
        {
            "slice": visible(", ".join(f"{key} = {text}" for key, text in item.slice.items())) or "all",
            "value": item.value,
            "low": item.ci[0] if item.ci else item.value, "high": item.ci[1] if item.ci else item.value,
        }
        for item in metrics
    ]
    base = alt.Chart(alt.InlineData(rows)).encode(
        y=alt.Y("slice:N", sort=None, title=None, axis=alt.Axis(labelLimit=_LABEL)),
    )
    scale = alt.Scale(zero=False)
    bars = base.mark_rule().encode(x=alt.X("low:Q", scale=scale, title=metrics[0].name), x2="high:Q")
    points = base.mark_point(filled=True, size=60, opacity=1).encode(x="value:Q")
    title = alt.TitleParams(f"{metrics[0].name} by slice", subtitle="Bars: 95 % confidence intervals.", anchor="start")
    return alt.layer(bars, points).properties(title=title, width=_SIZE, height=_ROW * len(rows))
