"""Which of several reports is the best by a metric."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from mvc.errors import UsageError
from mvc.project import Project
from mvc.quality.files import POLICY, FileAt
from mvc.quality.judge.rules.figures import ModelReport
from mvc.quality.policy.demands import demands
from mvc.quality.policy.parsed_policy import read_policy
from mvc.quality.policy.policy import Policy
from mvc.quality.reports.report import is_sliced
from mvc.quality.side_by_side import MetricRow, side_by_side
from mvc.scm.commits import committed_file, head
from mvc.scm.refs import local_base


def policy_of(project: Project) -> Policy:
    """Return the policy of the default branch, else of HEAD; the defaults without one."""
    commit = local_base(project.git) or head(project.git)
    raw = committed_file(project.git, commit, POLICY) if commit else None
    return read_policy(None if raw is None else FileAt("100644", raw)).policy


def metric_rows(policy: Policy, path: str, reports: Sequence[ModelReport | None]) -> tuple[MetricRow, ...]:
    """Return the metrics of all reports, with the directions that the policy gives for `path`."""
    return side_by_side(reports, {item.name: item.direction for item in demands(policy, path).metrics})


def deciding_row(metrics: tuple[MetricRow, ...], by: str, line: str, without: str) -> MetricRow:
    """Return the metric called `by`; without a data set in the name it must be on one only.

    `line` is the command line up to the metric, `without` one that needs none.

    Raises:
        UsageError: no report has it, or neither a report nor the policy says which direction is better.
    """
    named = [row for row in metrics if row.name == by] or [row for row in metrics if row.is_called(by)]
    if len(named) != 1:
        raise _unclear(metrics, named, by, line) or UsageError(f"no report has the metric {by!r}, or any", without)
    if named[0].higher_is_better is None:
        message = f"{named[0].name}: direction not known from the policy or a report"
        raise UsageError(message, "mvc explain MVC204")
    return named[0]


def _unclear(metrics: Sequence[MetricRow], named: Sequence[MetricRow], by: str, line: str) -> UsageError | None:
    """Return the error that names the metrics that there are; None without any."""
    known = [row.name for row in named or metrics if named or not is_sliced(row.name)]
    if not known:
        return None
    what = f"{by!r} was measured on several data sets" if named else f"no report has the metric {by!r}"
    return UsageError(f"{what}; there is {', '.join(known)}", f"{line} {shlex.quote(known[0])}")
