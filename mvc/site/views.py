"""What each page shows, out of the facts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from shlex import quote
from typing import NamedTuple

from mvc.quality.judge.rules.figures import matches
from mvc.quality.policy.demands import MetricDemand, demands
from mvc.quality.policy.policy import Policy
from mvc.quality.reports.report import Metric, Report, is_sliced, label
from mvc.quality.side_by_side import Limit, MetricRow, limits
from mvc.quality.words import rounded
from mvc.site.charts import Chart, Sparkline, Timeline, chart_of, sparkline_of, timeline_of
from mvc.site.demands_text import demand_lines, stage_lines
from mvc.site.facts import Period, SiteModel, SiteVersion
from mvc.site.lineage import Lineage, Links, lineage_of
from mvc.site.summary import Summary, main_metric, metric_rows

_CHARTS = 6
"""Metrics that are drawn on a model's page."""
_COLUMNS = 4
"""Metrics in the table of versions."""
_DRAWN = 60
"""Versions, the highest, in charts."""
_ROWS = 100
"""Versions, the highest, in the table; of the others only the names are listed."""
_FILES = 300
"""Files that are listed before the rest is counted."""
_HEATS = 8


class OverviewRow(NamedTuple):
    """A model of the overview."""

    summary: Summary
    sparkline: Sparkline | None


def overview_rows(summaries: Iterable[Summary]) -> tuple[OverviewRow, ...]:
    """Return the rows of the overview."""
    return tuple(OverviewRow(item, sparkline_of(item.series)) for item in summaries)


# A model.


class Cell(NamedTuple):
    """A metric of a version."""

    value: float
    stderr: float | None
    is_best: bool
    comparable: bool
    broken: str
    """The limit that it misses; empty if it meets all."""


class VersionRow(NamedTuple):
    """A version in the table of its model."""

    version: SiteVersion
    cells: tuple[Cell | None, ...]


class ModelView(NamedTuple):
    """The page of a model."""

    summary: Summary
    model: SiteModel
    metrics: tuple[str, ...]
    """The columns of the table."""
    rows: tuple[VersionRow, ...]
    """The highest version first."""
    older: tuple[str, ...]
    """Versions without a row."""
    charts: tuple[Chart, ...]
    undrawn: int
    """Metrics without a chart."""
    timeline: Timeline | None
    periods: tuple[Period, ...]
    """The newest first."""
    lineage: Lineage | None
    """Of the latest version."""
    demands: tuple[str, ...]
    stage_demands: tuple[tuple[str, tuple[str, ...]], ...]


class ModelData(NamedTuple):
    """A model, and what several of its pages are made from."""

    model: SiteModel
    summary: Summary
    policy: Policy
    links: Links
    rows: tuple[MetricRow, ...]
    limits: tuple[Limit, ...]
    demanded: tuple[MetricDemand, ...]

    @classmethod
    def of(cls, model: SiteModel, summary: Summary, policy: Policy, links: Links) -> ModelData:
        """Put them together."""
        rows, bounds = metric_rows(model, policy), tuple(limits(policy, model.path))
        return cls(model, summary, policy, links, rows, bounds, demands(policy, model.path).metrics)


def model_view(data: ModelData) -> ModelView:
    """Return the page of a model."""
    model, policy = data.model, data.policy
    whole = _main_first(data)
    names = [item.name for item in model.versions]
    drawn = (row._replace(values=row.values[-_DRAWN:]) for row in whole)
    charts = [chart for row in drawn if (chart := chart_of(row, names[-_DRAWN:], data.limits))]
    shown = whole[:_COLUMNS]
    rows = [VersionRow(item, tuple(cell_of(row, index, data.demanded) for row in shown))
            for index, item in enumerate(model.versions)][::-1]
    latest = model.version(model.latest)
    stages = ((stage, stage_lines(policy, stage, model.path)) for stage in policy.stages)
    return ModelView(
        data.summary, model, tuple(row.name for row in shown), tuple(rows[:_ROWS]),
        tuple(row.version.name for row in rows[_ROWS:]),
        tuple(charts[:_CHARTS]), len(whole) - len(charts[:_CHARTS]), timeline_of(model.periods, model.last),
        tuple(item for item in reversed(model.periods) if item.commit),
        lineage_of(model.name, latest, data.links, data.summary.stages) if latest else None,
        demand_lines(policy, model.path), tuple((stage, lines) for stage, lines in stages if lines),
    )


def _main_first(data: ModelData) -> list[MetricRow]:
    """Return the metrics without slices, the main one first."""
    main = main_metric(data.model, data.policy, data.rows)
    return sorted((row for row in data.rows if not is_sliced(row.name)), key=lambda row: row is not main)


def cell_of(row: MetricRow, index: int, demanded: Iterable[MetricDemand]) -> Cell | None:
    """Return a metric of the version at `index`; None without."""
    item = row.values[index]
    if item is None:
        return None
    best = index in row.best and len(row.best) < len(row.values) - len(row.missing)
    return Cell(item.value, item.stderr, best, item.comparable, broken(row.name, item.value, demanded))


def broken(name: str, value: float, demanded: Iterable[MetricDemand]) -> str:
    """Return the limit of the rules that a metric misses; empty if it meets all. `name` is its label."""
    base, sliced, inside = name.partition("[")
    pairs = (pair.partition("=") for pair in inside.rpartition("]")[0].split(","))
    metric = Metric(base, value, slice={key: text for key, _, text in pairs} if sliced else {})
    for item in demanded:
        if matches(item, metric) or (not sliced and not item.slice and name.startswith(f"{item.name}@")):
            if item.min is not None and not value >= item.min:
                return f"min {rounded(item.min)}"
            if item.max is not None and not value <= item.max:
                return f"max {rounded(item.max)}"
    return ""


# A version.


class MetricLine(NamedTuple):
    """A metric of the whole data."""

    name: str
    cell: Cell
    ci: tuple[float, float] | None
    method: str
    """How the interval was computed."""
    change: float | None
    """Since the version before; None if they cannot be compared."""
    higher_is_better: bool | None


class HeatCell(NamedTuple):
    """A metric of a slice."""

    value: float
    n: int | None
    heat: int
    """From 0, the worst, to 8, the best; 4 where the direction is not known."""
    broken: str


class HeatMap(NamedTuple):
    """The metrics by the slices of one key."""

    key: str
    metrics: tuple[str, ...]
    rows: tuple[tuple[str, tuple[HeatCell | None, ...]], ...]


class FileRow(NamedTuple):
    """A file of a directory."""

    path: str
    size: int
    blake3: str


class VersionView(NamedTuple):
    """The page of a version."""

    model: SiteModel
    version: SiteVersion
    older: str
    newer: str
    """The versions before and after it; empty without one."""
    metrics: tuple[MetricLine, ...]
    heat_maps: tuple[HeatMap, ...]
    files: tuple[FileRow, ...]
    more_files: int
    lineage: Lineage
    commands: tuple[tuple[str, str], ...]


def version_view(data: ModelData, index: int, repository: str) -> VersionView:
    """Return the page of a model's version at `index`."""
    versions = data.model.versions
    version = versions[index]
    entries = list(version.pointer.manifest.entries) if version.pointer and version.pointer.manifest else []
    names, stages = [item.name for item in versions], [(stage, "") for stage in version.stages]
    return VersionView(
        data.model, version, names[index - 1] if index else "", names[index + 1] if index + 1 < len(names) else "",
        tuple(_metrics(data, index)), tuple(_heat_maps(version.report, data)) if version.report else (),
        tuple(FileRow(item.path, item.size, item.blake3) for item in entries[:_FILES]),
        max(len(entries) - _FILES, 0), lineage_of(data.model.name, version, data.links, stages),
        tuple(commands(data.model.name, version, repository)),
    )


def _metrics(data: ModelData, index: int) -> Iterator[MetricLine]:
    version = data.model.versions[index]
    reported = {label(version.report.placed(item)): item for item in version.report.metrics} if version.report else {}
    for row in data.rows:
        cell = None if is_sliced(row.name) else cell_of(row, index, data.demanded)
        if cell:
            before, metric = row.values[index - 1] if index else None, reported.get(row.name)
            change = cell.value - before.value if before and before.comparable and cell.comparable else None
            yield MetricLine(
                row.name, cell, metric.ci if metric else None, metric.method if metric else "", change,
                row.higher_is_better,
            )


def _heat_maps(report: Report, data: ModelData) -> Iterator[HeatMap]:
    better = {row.name.partition("[")[0].partition("@")[0]: row.higher_is_better for row in data.rows}
    keys: dict[tuple[str, ...], list[Metric]] = {}
    for metric in report.metrics:
        if metric.slice:
            keys.setdefault(tuple(sorted(metric.slice)), []).append(metric)
    for key, metrics in keys.items():
        names = tuple(dict.fromkeys(_column(item) for item in metrics))
        cells: dict[str, dict[str, Metric]] = {}
        for item in metrics:
            cells.setdefault(", ".join(item.slice[part] for part in key), {})[_column(item)] = item
        ranges = {name: _span([row[name].value for row in cells.values() if name in row]) for name in names}
        rows = tuple(
            (value, tuple(_heat(row.get(name), ranges[name], better, data.demanded) for name in names))
            for value, row in cells.items()
        )
        yield HeatMap(", ".join(key), names, rows)


def _column(metric: Metric) -> str:
    return f"{metric.name}@{metric.dataset}" if metric.dataset else metric.name


def _span(values: Sequence[float]) -> tuple[float, float]:
    return min(values), max(values)


def _heat(
    metric: Metric | None, span: tuple[float, float], better: Mapping[str, bool | None],
    demanded: Iterable[MetricDemand],
) -> HeatCell | None:
    if metric is None:
        return None
    low, high = span
    way = metric.higher_is_better if metric.higher_is_better is not None else better.get(metric.name)
    share = (metric.value / 2 - low / 2) / (high / 2 - low / 2) if high / 2 > low / 2 else 0.5
    heat = _HEATS // 2 if way is None else round((share if way else 1 - share) * _HEATS)
    return HeatCell(metric.value, metric.n, heat, broken(label(metric), metric.value, demanded))


def commands(name: str, version: SiteVersion, repository: str) -> Iterator[tuple[str, str]]:
    """Yield how to get a version: what it is for, and what to type."""
    ref = f"{name}@{version.name}"
    out = version.path.rpartition("/")[2] or "OUT"
    yield "Get it without a clone", f"mvc get {quote(repository or 'REPOSITORY')} {quote(ref)} -o {quote(out)}"
    if version.path:
        yield "Into a clone's workspace", f"mvc checkout --rev {quote(ref)} -- {quote(version.path)}"
    yield "From Python", f"mvc.path({ref!r})"
    yield "Its report", f"mvc eval show {quote(ref)}"
    yield "Verify the tags", "mvc verify --tags"
