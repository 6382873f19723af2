"""Two reports compared example by example, from the predictions in the cache."""

from __future__ import annotations

from collections.abc import Sequence

from mvc.errors import MvcError
from mvc.evaluation.extra import require
from mvc.ops.shared.evidence.recomputed import problem_of
from mvc.project import Project
from mvc.quality.judge.facts import PairedTests
from mvc.quality.reports.report import Metric, Predictions, Report, label


def paired_tests(project: Project, old: Report, new: Report, metrics: Sequence[Metric]) -> PairedTests | None:
    """Return the tests of some metrics of `new`; None where one of the reports names no predictions.

    Raises:
        UsageError: the packages of the extra `eval` are not installed.
    """
    if old.predictions is None or new.predictions is None:
        return None
    require()
    for predictions in (old.predictions, new.predictions):
        if problem := problem_of(project.cache, predictions):
            line = project.shell.line("mvc fetch", predictions.path)
            return PairedTests(old.predictions.blake3, problem=problem, fix=line)
    try:
        return _compared(project, old.predictions, new.predictions, new, metrics)
    except MvcError as error:
        return PairedTests(old.predictions.blake3, problem=error.message, fix=error.fix)


def _compared(
    project: Project, old: Predictions, new: Predictions, report: Report, metrics: Sequence[Metric],
) -> PairedTests:
    from mvc.evaluation.paired import compare  # noqa: PLC0415 - takes a second
    from mvc.evaluation.recompute import load_predictions  # noqa: PLC0415 - as above

    with project.cache.buffered(old.blake3) as file:
        before = load_predictions(old, (), file)
    with project.cache.buffered(new.blake3) as file:
        after = load_predictions(new, metrics, file)
    names = {label(report.placed(item)): label(item) for item in metrics}
    tests = compare(before, after, names, report.dataset_of(new))
    return PairedTests(old.blake3, tuple(item._replace(metric=names[item.metric]) for item in tests))
