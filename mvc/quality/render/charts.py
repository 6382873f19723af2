"""Metrics side by side as a chart: Altair and vl-convert, of the extra `site`, are imported only here."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from mvc.errors import UsageError
from mvc.objects.visible import visible
from mvc.packages import install
from mvc.quality.side_by_side import Limit, MetricRow

KINDS = ("svg", "png", "html")
_SLICE = re.compile(r"\[.*?\]")
_SCALE = 2
"""Pixels of a PNG for each unit of the chart."""
_GOOD, _BEST, _OTHER = "comparable", "best", "on other data"
_WIDEST = 1000
"""Units of the widest panel; from half of it on, a row has only one."""
_LESS = "\ue000"
"""Stands for `<` for a moment: no name has this character once it is `visible`."""
_RED = "#c62828"


class Series(NamedTuple):
    """What a chart shows."""

    title: str
    names: tuple[str, ...]
    """Of the versions, in their order."""
    metrics: tuple[MetricRow, ...]
    limits: tuple[Limit, ...]
    connected: bool
    """Whether the versions follow each other, so that a line connects their values."""


def picture(series: Series, path: str) -> bytes:
    """Return the chart as a picture or page, by the ending of `path`: a panel for each metric, a colour for each slice.

    A page needs nothing else: no other file, no network.

    Raises:
        UsageError: the ending is another one, or the packages are not installed.
    """
    stem, ending = os.path.splitext(path)
    kind = ending.lower().removeprefix(".")
    if kind not in KINDS:
        message = f"cannot plot to {path}: expected a name that ends in .svg, .png or .html"
        raise UsageError(message, f"--plot {shlex.quote(stem)}.svg")
    alt, vl_convert = _libraries()
    spec = _chart(alt, series).to_dict()
    if kind == "png":
        png: bytes = vl_convert.vegalite_to_png(spec, scale=_SCALE)
        return png
    text: str = vl_convert.vegalite_to_svg(spec) if kind == "svg" else _page(vl_convert, spec)
    return text.encode()


def svg(chart: Callable[[Any], Any]) -> bytes:
    """Return what `chart` makes with Altair as SVG.

    Raises:
        UsageError: the packages are not installed.
    """
    alt, vl_convert = _libraries()
    text: str = vl_convert.vegalite_to_svg(chart(alt).to_dict())
    return text.encode()


def _libraries() -> tuple[Any, Any]:
    try:
        import altair as alt  # noqa: PLC0415 - takes a second
        import vl_convert  # noqa: PLC0415
    except ImportError as error:
        raise UsageError(f"a plot needs the package {error.name}", install("site")) from None
    return alt, vl_convert


def _page(vl_convert: Any, spec: dict[str, Any]) -> str:
    """Return the chart as HTML. The library writes names into a script as they are, where `</script>` would end it."""
    page: str = vl_convert.vegalite_to_html(json.dumps(spec).replace("<", _LESS), bundle=True)
    return page.replace(_LESS, "\\u003c")


def _chart(alt: Any, series: Series) -> Any:
    panels: dict[str, list[MetricRow]] = {}
    for row in series.metrics:
        panels.setdefault(_SLICE.sub("", row.name), []).append(row)
    charts = [_panel(alt, series, name, rows) for name, rows in panels.items()]
    has_errors = any(item and item.stderr for row in series.metrics for item in row.values)
    subtitle = "Bars: one standard error." if has_errors else ""
    title = alt.TitleParams(visible(series.title), subtitle=subtitle, anchor="start")
    columns = 1 if _width(series) > _WIDEST / 2 else 2
    return alt.concat(*charts, columns=columns, title=title).resolve_scale(color="shared", shape="shared")


def _panel(alt: Any, series: Series, name: str, rows: Sequence[MetricRow]) -> Any:
    way = {True: " (higher is better)", False: " (lower is better)", None: ""}[rows[0].higher_is_better]
    names = [visible(item) for item in series.names]
    axis = alt.Axis(labelAngle=-40, labelOverlap=True)
    encoding = {
        "x": alt.X("version:N", sort=None, title=None, scale=alt.Scale(domain=names), axis=axis),
        "y": _y(alt, "value"),
        "color": alt.Color("slice:N", title=None, sort=None),
    }
    if len(rows) > 1 and not series.connected:
        encoding["xOffset"] = alt.XOffset("slice:N", sort=None)
    base = alt.Chart(alt.InlineData([point for row in rows for point in _points(row, names)])).encode(**encoding)
    shapes = alt.Scale(domain=[_GOOD, _BEST, _OTHER], range=["circle", "triangle-up", "cross"])
    layers = [
        base.mark_rule().encode(y=_y(alt, "low"), y2="high:Q"),
        base.mark_point(size=70, filled=True, opacity=1).encode(
            shape=alt.Shape("state:N", title=None, scale=shapes),
            tooltip=["version:N", "slice:N", "value:Q", "state:N"],
        ),
        *_limits(alt, series, rows),
    ]
    if series.connected:
        layers.insert(0, base.mark_line(opacity=0.5).transform_filter(f"datum.state != '{_OTHER}'"))
    return alt.layer(*layers).properties(title=visible(name) + way, width=_width(series), height=200)


def _width(series: Series) -> int:
    return min(max(260, 22 * len(series.names)), _WIDEST)


def _y(alt: Any, field: str) -> Any:
    return alt.Y(f"{field}:Q", title=None, scale=alt.Scale(zero=False, padding=12))


def _points(row: MetricRow, names: Sequence[str]) -> Iterator[dict[str, Any]]:
    inside = _SLICE.search(row.name)
    for index, item in enumerate(row.values):
        if item:
            error = item.stderr or 0
            yield {
                "version": names[index], "slice": visible(inside[0][1:-1]) if inside else "all data",
                "value": item.value, "low": item.value - error, "high": item.value + error,
                "state": _OTHER if not item.comparable else _BEST if index in row.best else _GOOD,
            }


def _limits(alt: Any, series: Series, rows: Sequence[MetricRow]) -> Iterator[Any]:
    """Yield dashed lines with names."""
    for limit in series.limits:
        if any(row.is_called(limit.metric) for row in rows):
            inside = _SLICE.search(limit.metric)
            name = f"{limit.name} {limit.value:g}{f' {inside[0]}' if inside else ''}"
            line = alt.Chart(alt.InlineData([{"limit": limit.value, "name": visible(name)}]))
            y = _y(alt, "limit")
            yield line.mark_rule(strokeDash=[5, 4], color=_RED).encode(y=y)
            yield line.mark_text(align="left", dx=4, color=_RED).encode(y=y, x=alt.value("width"), text="name:N")
