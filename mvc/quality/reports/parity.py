"""Metrics of kind parity: how a converted model differs from its source. Their names begin with `parity/`."""

from __future__ import annotations

from msgspec.structs import replace

from mvc.quality.reports.report import Metric, Report

PREFIX = "parity/"
SAMPLE = "sample"
"""The id of the rows on which they were measured, among the data sets."""


def with_parity(earlier: Report, new: Report) -> Report:
    """Return a new report of the same content, with what the earlier one says of the conversion.

    A new report has other things to say if it has such metrics, or other data with the id of the sample.
    """
    kept = [item for item in earlier.metrics if is_parity(item)]
    samples = {item.id: item for item in earlier.datasets if item.id == SAMPLE}
    given = {item.id: item for item in new.datasets}
    if any(map(is_parity, new.metrics)) or any(samples[name] != given.get(name, samples[name]) for name in samples):
        return new
    datasets = [*given.values(), *(samples[name] for name in samples if name not in given)]
    return replace(new, metrics=[*new.metrics, *kept], datasets=datasets)


def without_parity(report: Report) -> Report:
    """Return a report as an evaluation alone would have it."""
    if not any(map(is_parity, report.metrics)):
        return report
    metrics = [item for item in report.metrics if not is_parity(item)]
    used = {item.dataset for item in metrics}
    datasets = [item for item in report.datasets if item.id != SAMPLE or item.id in used]
    return replace(report, metrics=metrics, datasets=datasets)


def is_parity(metric: Metric) -> bool:
    """Whether a metric is of that kind."""
    return metric.name.startswith(PREFIX)
