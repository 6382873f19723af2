"""Whether the numbers of a report are those that its predictions give. The gate computes them; here they are judged."""

from __future__ import annotations

from collections.abc import Iterator

from mvc.quality.finding import Finding, Severity
from mvc.quality.judge import fixes, report_fixes
from mvc.quality.judge.facts import Difference, Recomputed
from mvc.quality.judge.rules.model import ParsedModel
from mvc.quality.reports.report import Report, label
from mvc.quality.words import clipped, number

FROM_PREDICTIONS = frozenset({
    "accuracy", "balanced_accuracy", "precision", "recall", "f1", "precision_macro", "recall_macro", "f1_macro",
    "precision_weighted", "recall_weighted", "f1_weighted", "auc", "auc_macro", "average_precision", "log_loss",
    "brier", "ece", "mae", "rmse", "r2", "mape", "error_p50", "error_p90", "error_p99", "ndcg", "ndcg@5", "ndcg@10",
    "mrr", "map",
})
"""The names of the metrics that predictions give. Others, such as a latency, cannot be computed again."""


def judge_recomputed(model: ParsedModel) -> Iterator[Finding]:
    """Yield MVC227 for numbers that the predictions do not give, and MVC229 where nothing was computed."""
    report, found = model.matching_report, model.facts.recomputed
    if report is None or report.predictions is None:
        return
    if found is None:
        if model.demands.evidence:
            message = "the policy demands that the gate computes the metrics again"
            yield model.finding("MVC229", message, fixes.recomputed())
    elif found.problem:
        severity: Severity = "error" if model.demands.evidence else "warning"
        message = f"the metrics cannot be computed again: {found.problem}"
        yield Finding.of("MVC229", model.path, message, found.fix or report_fixes.scored(model.path, report), severity)
    else:
        yield from _differences(model, report, found)


def _differences(model: ParsedModel, report: Report, found: Recomputed) -> Iterator[Finding]:
    fix = report_fixes.scored(model.path, report)
    for difference in found.differences:
        yield model.finding("MVC227", difference_text(difference), fix)
    demanded = model.demands
    judged = {wanted.name for wanted in demanded.metrics} | {gap.metric for gap in demanded.gaps}
    for metric in report.metrics if demanded.evidence else ():
        if metric.name in judged & FROM_PREDICTIONS and label(metric) not in found.metrics:
            message = f"{clipped(label(metric))} is not of the data of the predictions, so it cannot be computed again"
            yield model.finding("MVC227", message, fix)


def difference_text(difference: Difference) -> str:
    """Return a difference in words."""
    there = "not there" if difference.computed is None else number(difference.computed)
    return f"{clipped(difference.metric)} is {number(difference.reported)} in the report, {there} by its predictions"
