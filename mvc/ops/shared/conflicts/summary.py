"""A conflict as a person reads it: what each side has, in one line, and how to resolve it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import NamedTuple

from mvc.objects.visible import size
from mvc.ops.shared.conflicts.lines import taking_line
from mvc.ops.shared.conflicts.versions import SideName, Version
from mvc.ops.shared.reports import metric_values
from mvc.project import Shell

_FEW = 3
"""Metrics in a line."""


class SideSummary(NamedTuple):
    """One side of a conflict; what is from a report is empty without one of this content."""

    side: SideName
    state: str
    """`tracked`, `deleted`, or `invalid` if the pointer cannot be read."""
    size: int
    """Bytes of content."""
    files: int
    blake3: str
    tag: str
    metrics: dict[str, float]
    """By label."""
    commit: str
    """That brought this version; empty where it is not known, as are the next two."""
    author: str
    date: str
    """ISO 8601."""


def summarize(version: Version) -> SideSummary:
    """Return what a person wants to know of a side."""
    pointer, report, origin = version.item and version.item.pointer, version.report, version.origin
    state = "tracked" if pointer else "deleted" if version.item is None else "invalid"
    about = (pointer.total, pointer.files, pointer.digest.blake3) if pointer else (0, 0, "")
    measured = (report.tag, metric_values(report)) if report else ("", {})
    return SideSummary(version.side, state, *about, *measured, origin.commit, origin.author, origin.date)


def in_one_line(found: SideSummary) -> str:
    """Return tag, metrics, size, date and author of a side."""
    if found.state != "tracked":
        return _listed(found.state, found.date[:10], found.author)
    overall = [f"{name} {value:.6g}" for name, value in found.metrics.items() if "[" not in name]
    more = f"{len(overall) - _FEW} more" if len(overall) > _FEW else ""
    tag = found.tag or "no report"
    return _listed(tag, *overall[:_FEW], more, size(found.size), found.date[:10], found.author)


def _listed(*parts: str) -> str:
    return ", ".join(filter(None, parts))


def choosing_line(shell: Shell, sides: Sequence[SideSummary], path: str) -> str:
    """Return the command line that resolves the conflict at `path`, and in a comment the alternatives."""
    ours, theirs = (side.metrics for side in sides)
    metric = next((name for name in ours if name in theirs), "")
    gone = next((side.side for side in sides if side.state == "deleted"), "")
    return taking_line(shell, (path,), gone, f", or --best {shlex.quote(metric)}" if metric else "")
