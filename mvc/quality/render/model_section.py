"""One model of a change as Markdown: its metrics, the slices that moved, size, files and data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from mvc.objects.diff import EntryChange
from mvc.objects.pointer import Pointer
from mvc.objects.visible import plural, size
from mvc.quality.files import ModelFiles
from mvc.quality.finding import Comparison, Judged
from mvc.quality.render.markdown import code, details, table
from mvc.quality.render.model_change import (
    DataChange,
    Version,
    comparable,
    datasets,
    error_of_change,
    file_changes,
    metric_rows,
    parse,
    training,
)
from mvc.quality.render.sparkline import sparkline
from mvc.quality.render.table import (
    STRIKING,
    Found,
    broken_rules,
    delta,
    name_of,
    number,
    slices_last,
    tag_of,
    verdict_of,
    verdict_without_metrics,
)
from mvc.quality.reports.report import is_sliced
from mvc.quality.side_by_side import MetricRow

_ROWS = 20
"""Metrics, and slices, before the rest is counted."""
_FEW = 5
"""Data sets, and files, before the rest is counted."""
_DRAWN = 3
"""Values at least of a metric that is drawn: two are in the table."""
_SPACE = "\u00a0"
"""Where a line should not break."""
_NOTHING = Version(None, None)


def section(model: Judged, files: Iterable[ModelFiles], found: Found, room: int) -> str:
    """Return the section of a model, with tables of at most `room` bytes; `files` are its versions, newest first."""
    versions = [parse(item) for item in files]
    new, old = (*versions, _NOTHING, _NOTHING)[:2]
    metrics = metric_rows(reversed(versions))
    rows = [_Row.of(model, item, metrics.get(item.metric), found) for item in slices_last(model.comparisons)]
    main, slices = ([row for row in rows if row.is_striking == side] for side in (True, False))
    tag = tag_of(model)
    facts = (*_content(old.pointer, new.pointer), *_data(old, new))
    parts = (
        f"#### {code(name_of(model))}{f' {code(tag)}' if tag != '-' else ''}",
        "" if rows else strong(verdict_without_metrics(model, found)),
        _table(main, room) if main else "",
        _slices(slices, room),
        "\n".join(f"- {line}" for line in facts),
    )
    return "\n\n".join(filter(None, parts))


def strong(verdict: str) -> str:
    """Return a verdict; one that says that something is wrong is in bold."""
    return f"**{verdict}**" if verdict in ("failed", "refused") else verdict


# Metrics.


class _Row(NamedTuple):
    """A metric of a model, its verdict, the error of its change, and its last values as a line."""

    item: Comparison
    verdict: str
    broken: list[str]
    error: float | None
    history: str

    @classmethod
    def of(cls, model: Judged, item: Comparison, row: MetricRow | None, found: Found) -> _Row:
        values = comparable(row) if row else []
        drawn = len(values) - values.count(None) >= _DRAWN
        error = error_of_change(item, row) if row else None
        verdict, broken = verdict_of(model, item, found), broken_rules(model, item, found)
        return cls(item, verdict, broken, error, sparkline(values) if drawn else "")

    @property
    def is_striking(self) -> bool:
        """Whether it is shown at once."""
        return self.verdict in STRIKING or not is_sliced(self.item.metric)


def _table(rows: Sequence[_Row], room: int) -> str:
    drawn = any(row.history for row in rows)
    history = ["history"] if drawn else []
    headings = ["metric", "base", "head", "Δ", *history, "rule", "verdict"]
    return table(headings, [_cells(row, drawn=drawn) for row in rows], room, _ROWS)


def _cells(row: _Row, *, drawn: bool) -> list[str]:
    item = row.item
    change = delta(item) if row.error is None else f"{delta(item)}{_SPACE}±{_SPACE}{row.error:.2g}"
    history = [row.history] if drawn else []
    return [
        code(item.metric), number(item.old), number(item.new), change, *history,
        code(item.rule) or "-", _SPACE.join([strong(row.verdict), *row.broken]),
    ]


def _slices(rows: Sequence[_Row], room: int) -> str:
    """Return the slices that moved, those that moved most first."""
    moved = sorted((row for row in rows if row.item.old != row.item.new), key=_movement, reverse=True)
    if not moved:
        return f"{plural(len(rows), 'slice')} as before" if rows else ""
    rest = f", {len(rows) - len(moved):,} did not" if len(moved) < len(rows) else ""
    return details(f"{plural(len(moved), 'slice')} moved{rest}", [_table(moved, room)])


def _movement(row: _Row) -> float:
    """Return by how much a metric moved; that of one which a side lacks is not known."""
    old, new = row.item.old, row.item.new
    return 0 if old is None or new is None else abs(new - old)


# Content and data.


def _content(old: Pointer | None, new: Pointer | None) -> Iterator[str]:
    """Yield size and files."""
    sides = [item for item in (old, new) if item]
    if new is None or not sides:
        return
    yield f"size: {_steps([size(item.total) for item in sides])}"
    if any(item.kind == "dir" for item in sides):
        changes = file_changes(old, new)
        listed = f": {_listed(map(_file, changes))}" if changes else ""
        yield f"files: {_steps([f'{item.files:,}' for item in sides])}{listed}"


def _steps(texts: Iterable[str]) -> str:
    return " → ".join(dict.fromkeys(texts))


def _file(change: EntryChange) -> str:
    sizes = _steps(size(item.size) for item in (change.old, change.new) if item)
    return f"{code(change.path)} {change.change}, {sizes}"


def _data(old: Version, new: Version) -> Iterator[str]:
    """Yield data sets and training data."""
    for title, changes in (("data", datasets), ("trained on", training)):
        if new.report and (listed := _listed(map(_data_set, changes(old.report, new.report)))):
            yield f"{title}: {listed}"


def _data_set(item: DataChange) -> str:
    examples = "" if item.examples is None else f"{item.examples:,} examples"
    return " ".join(filter(None, (code(item.name), ", ".join(filter(None, (examples, item.what))))))


def _listed(parts: Iterable[str]) -> str:
    parts = list(parts)
    more = [f"{len(parts) - _FEW:,} more"] if len(parts) > _FEW else []
    return "; ".join([*parts[:_FEW], *more])
