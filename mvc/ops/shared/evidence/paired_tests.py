"""Two reports compared example by example, from the predictions in the cache."""

from __future__ import annotations

from mvc.errors import MvcError
from mvc.evaluation.extra import require
from mvc.ops.shared.evidence.recomputed import opened, problem_of
from mvc.project import Project
from mvc.quality.judge.facts import PairedTests
from mvc.quality.reports.report import Predictions, Report, label


def paired_tests(project: Project, old: Report, new: Report) -> PairedTests | None:
    """Return the tests of all metrics of two reports; None where one of them names no predictions.

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
        return _compared(project, old.predictions, new.predictions, new)
    except MvcError as error:
        return PairedTests(old.predictions.blake3, problem=error.message, fix=error.fix)


def _compared(project: Project, old: Predictions, new: Predictions, report: Report) -> PairedTests:
    from mvc.evaluation.paired import compare  # noqa: PLC0415 - takes a second
    from mvc.evaluation.recompute import load_predictions  # noqa: PLC0415 - as above

    with opened(project.cache, old) as file:
        before = load_predictions(old, (), file)
    with opened(project.cache, new) as file:
        after = load_predictions(new, report.predicted, file)
    names = {label(report.placed(item)): label(item) for item in report.predicted}
    tests = compare(before, after, report.dataset_of(new))
    return PairedTests(old.blake3, tuple(item._replace(metric=names.get(item.metric, item.metric)) for item in tests))
