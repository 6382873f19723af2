"""Choosing a side of a conflict: the one that is named, or the better one by a metric."""

from __future__ import annotations

from typing import NamedTuple

from mvc.errors import Refused
from mvc.ops.shared.best_metric import deciding_row, metric_rows, policy_of
from mvc.ops.shared.conflicts.versions import SIDES, SideName, Version
from mvc.project import Project
from mvc.quality.judge.rules.figures import ModelReport


class Choice(NamedTuple):
    """What the user chose: a side, or the metric that decides."""

    side: SideName | None = None
    metric: str = ""


class Reason(NamedTuple):
    """The metric that decided, with its value on both sides."""

    metric: str
    higher_is_better: bool
    ours: float
    theirs: float


def choose(project: Project, both: tuple[Version, Version], choice: Choice) -> tuple[Version, Reason | None]:
    """Return the version of the chosen side, and why it is the better one.

    Raises:
        UsageError: no report has the metric, or its direction is not known.
        Refused: the values cannot be compared, or are equal.
    """
    if choice.side:
        return both[SIDES.index(choice.side)], None
    path = both[0].path
    reports = [ModelReport(path, version.report) if version.report else None for version in both]
    line = project.shell.line("mvc resolve", path)
    by_hand = f"{line} --ours  # or --theirs"
    row = deciding_row(metric_rows(policy_of(project), path, reports), choice.metric, f"{line} --best", by_hand)
    if row.missing:
        side = SIDES[row.missing[0]]
        raise Refused(f"{path}: {side} has no report of its content with {row.name}", by_hand)
    ours, theirs = (item.value for item in row.values if item)
    if row.incomparable:
        message = f"{path}: {row.name} was measured on different data: ours {ours:.6g}, theirs {theirs:.6g}"
        raise Refused(message, by_hand)
    if len(row.best) != 1:
        raise Refused(f"{path}: {row.name} is {ours:.6g} on both sides", by_hand)
    return both[row.best[0]], Reason(row.name, bool(row.higher_is_better), ours, theirs)
