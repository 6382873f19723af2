"""The geometry of charts: what the templates draw as SVG, so that pages need no script."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from math import floor, isfinite, log10
from typing import NamedTuple

from mvc.quality.side_by_side import Limit, MetricRow, Value
from mvc.quality.words import rounded
from mvc.site.facts import Period

WIDTH, HEIGHT = 640, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 16, 16, 34
_TICKS = 4
_LABELS = 8
"""Versions that are named below a chart at most."""
_ERRORS = 1.96
"""Standard errors of an interval of 95 %."""


class Scale(NamedTuple):
    """Maps values to positions; `low` is below `high`."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """Return the position of a value, to a tenth."""
        share = (value - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 1)


class Label(NamedTuple):
    """A text at a position of an axis."""

    at: float
    text: str


class Point(NamedTuple):
    """A value of a version, with its interval."""

    x: float
    y: float
    high: float
    low: float
    title: str
    comparable: bool


class Chart(NamedTuple):
    """A metric over versions."""

    title: str
    direction: str
    line: str
    """The path that connects comparable values."""
    points: tuple[Point, ...]
    limits: tuple[Label, ...]
    ticks: tuple[Label, ...]
    names: tuple[Label, ...]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = _LEFT
    right: int = WIDTH - _RIGHT
    bottom: int = HEIGHT - _BOTTOM


def chart_of(row: MetricRow, names: Sequence[str], limits: Iterable[Limit]) -> Chart | None:
    """Return the chart of a metric whose values are of the versions `names`; None if its numbers are too large."""
    bounds = [item for item in limits if row.is_called(item.metric)]
    values = [(index, item) for index, item in enumerate(row.values) if item]
    ends = [item.value + sign * _ERRORS * (item.stderr or 0) for _, item in values for sign in (-1, 1)]
    y = _scale([*ends, *(item.value for item in bounds)])
    if y is None or not values:
        return None
    x = Scale(-0.5, len(names) - 0.5, _LEFT, WIDTH - _RIGHT)
    points = [_point(item, names[index], x.at(index), y) for index, item in values]
    way = {True: "higher is better", False: "lower is better", None: ""}[row.higher_is_better]
    step = -(-len(names) // _LABELS)
    shown = [index for index in range(len(names)) if (len(names) - 1 - index) % step == 0]
    return Chart(
        row.name, way, path_of(point for point in points if point.comparable), tuple(points),
        tuple(Label(y.at(item.value), f"{item.name} {rounded(item.value)}") for item in bounds),
        tuple(_ticks(y)), tuple(Label(x.at(index), names[index]) for index in shown),
    )


def _point(item: Value, name: str, x: float, y: Scale) -> Point:
    error = _ERRORS * (item.stderr or 0)
    interval = f" ± {rounded(error)}" if error else ""
    title = f"{name}: {rounded(item.value)}{interval}{'' if item.comparable else ' (on other data)'}"
    return Point(x, y.at(item.value), y.at(item.value + error), y.at(item.value - error), title, item.comparable)


def path_of(points: Iterable[Point]) -> str:
    """Return the path of a line through points."""
    return "".join(f"{'L' if index else 'M'}{point.x} {point.y}" for index, point in enumerate(points))


def _scale(values: Sequence[float]) -> Scale | None:
    """Return the scale in which all values are, with some room; None without values, or for too large ones."""
    low, high = min(values, default=0.0), max(values, default=0.0)
    room = (high - low) * 0.08 or abs(high) * 0.05 or 1.0
    if not values or not isfinite(high - low + 2 * room):
        return None
    return Scale(low - room, high + room, HEIGHT - _BOTTOM, _TOP)


def _ticks(scale: Scale) -> Iterator[Label]:
    """Yield round values, at most five of them."""
    rough = (scale.high - scale.low) / _TICKS
    power = 10.0 ** floor(log10(rough))
    step = next(size * power for size in (1, 2, 5, 10) if size * power >= rough) if power else rough
    first = -floor(-scale.low / step) if step else 0
    for index in range(first, first + _TICKS + 1):
        if scale.low <= index * step <= scale.high:
            yield Label(scale.at(index * step), rounded(float(f"{index * step:.12g}")))


# Sparklines.

_SPARK_WIDTH, _SPARK_HEIGHT = 96, 24
_SPARKS = 30
"""Values, the last, in a line."""


class Sparkline(NamedTuple):
    """Values as a line without axes."""

    line: str
    last: Point
    width: int = _SPARK_WIDTH
    height: int = _SPARK_HEIGHT


def sparkline_of(series: Sequence[float | None]) -> Sparkline | None:
    """Return the line of values; None with fewer than two."""
    series = series[-_SPARKS:]
    values = [(index, value) for index, value in enumerate(series) if value is not None]
    scale = _scale([value for _, value in values])
    if scale is None or len(values) <= 1:
        return None
    x = Scale(0, len(series) - 1, 3, _SPARK_WIDTH - 3)
    y = scale._replace(start=_SPARK_HEIGHT - 2, end=2)
    points = [Point(x.at(index), y.at(value), 0, 0, "", comparable=True) for index, value in values]
    return Sparkline(path_of(points), points[-1])


# Stages.


class Bar(NamedTuple):
    """A version that a stage held."""

    x: float
    width: float
    text: str
    """Empty where it has no room."""
    title: str
    shade: int
    """From 0 to 5: the same for the same version."""


class Lane(NamedTuple):
    """A stage over time."""

    stage: str
    y: int
    bars: tuple[Bar, ...]


class Timeline(NamedTuple):
    """What the stages held, over time."""

    lanes: tuple[Lane, ...]
    dates: tuple[Label, ...]
    height: int
    width: int = WIDTH


_LANE, _NAME, _LETTER, _SHADES = 34, 90, 7, 6
"""Units of a lane, of the names before them, and of a letter."""


def timeline_of(periods: Sequence[Period], last: int) -> Timeline | None:
    """Return what stages held; None without any. `last` is when the last event was, in seconds since the epoch."""
    if not periods:
        return None
    first = min(item.start for item in periods)
    span = max(last - first, 1)
    x = Scale(first, last + span * 0.12, _NAME, WIDTH - _RIGHT)
    versions = sorted({item.version or item.commit for item in periods if item.commit})
    lanes = []
    for index, stage in enumerate(sorted({item.stage for item in periods})):
        own = [item for item in periods if item.stage == stage and item.commit]
        lanes.append(Lane(stage, index * _LANE, tuple(_bar(item, x, versions) for item in own)))
    ends = (first, last) if last > first else (first,)
    return Timeline(tuple(lanes), tuple(Label(x.at(item), day(item)) for item in ends), len(lanes) * _LANE + 26)


def _bar(period: Period, x: Scale, versions: Sequence[str]) -> Bar:
    start, end = x.at(period.start), x.at(x.high if period.end is None else period.end)
    width = max(round(end - start, 1), 2.0)
    name = period.version or period.commit[:12]
    until = "now" if period.end is None else day(period.end)
    fits = len(name) * _LETTER + 8 < width
    shade = versions.index(period.version or period.commit) % _SHADES
    return Bar(start, width, name if fits else "", f"{name}: {day(period.start)} to {until}", shade)


def day(moment: int) -> str:
    """Return seconds since the epoch as a date."""
    return datetime.fromtimestamp(moment, UTC).date().isoformat()
