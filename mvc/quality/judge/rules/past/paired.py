"""A metric that is worse than before, judged by a test on the same examples: `max_regression: paired`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from mvc.quality.finding import Finding, Severity
from mvc.quality.judge import fixes, report_fixes
from mvc.quality.judge.facts import PairedTest, PairedTests
from mvc.quality.judge.rules.figures import ModelReport
from mvc.quality.reports.report import Metric, Report, label
from mvc.quality.words import clipped, number, rounded

LEVEL = 0.05
"""A test below it shows a difference."""


class Worse(NamedTuple):
    """A metric that is worse than before."""

    old: Metric
    new: Metric
    before: str
    """What it is compared with, in words: `before`."""
    severity: Severity


def judge_paired(
    judged: ModelReport, earlier: Report, tests: Iterable[PairedTests], metric: Worse,
) -> Iterator[Finding]:
    """Yield MVC221 if a test shows that a metric is worse, MVC231 if it does not, and MVC230 if there is no test."""
    name = clipped(label(metric.new))
    values = f"{name} is {number(metric.new.value)}, {metric.before} {number(metric.old.value)}"
    named = earlier.predictions.blake3 if earlier.predictions else ""
    found = next((item for item in tests if item.old == named), None) if named else None
    test = next((item for item in found.tests if item.metric == label(metric.new)), None) if found else None
    if test is None:
        reason, fix = _missing(judged, earlier, found)
        yield judged.finding("MVC230", f"{values}, not compared example by example: {reason}", fix, metric.severity)
    elif test.p < LEVEL:
        fix = report_fixes.next_report(judged.path, judged.report, "once it is trained again")
        yield judged.finding("MVC221", f"{values}: worse, by {test_text(test)}", fix, metric.severity)
    else:
        message = f"{values}: not shown to be worse, by {test_text(test)}"
        yield judged.finding("MVC231", message, fixes.shown(judged.path), "note")


def _missing(judged: ModelReport, earlier: Report, found: PairedTests | None) -> tuple[str, str]:
    """Return why there is no test, and what to type."""
    again = report_fixes.scored(judged.path, judged.report)
    if judged.report.predictions is None:
        return "the report names no predictions", again
    if earlier.predictions is None:
        return "the earlier report names no predictions", f"{again}  # of the earlier version, in a separate change"
    if found is None:
        return "the gate ran without --recompute", fixes.recomputed()
    if found.problem:
        return found.problem, found.fix or again
    return "the predictions give no test of it", again


def test_text(test: PairedTest) -> str:
    """Return a test in words."""
    low, high = test.ci
    return (
        f"{test.test}: difference {rounded(test.effect)} [{rounded(low)}, {rounded(high)}], "
        f"n = {test.n:,}, p = {test.p:.2g}"
    )
