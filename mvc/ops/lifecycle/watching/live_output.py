"""What `mvc monitor score` writes: series for Prometheus, and live reports."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from mvc.ops.lifecycle.watching.reported import slice_of
from mvc.ops.lifecycle.watching.score import LiveMetric, LiveScore, LiveVersion
from mvc.quality.render.exposition import Sample, gauge
from mvc.quality.reports.live_report import DATASET, SUFFIX, emit_live
from mvc.quality.reports.report import Dataset, Metric, Model, Report

_Of = dict[str, str]


def document(found: LiveScore) -> dict[str, Any]:
    """Return the result as plain data, for `--json`."""
    versions = [
        {**item._asdict(), "unlabelled": item.unlabelled, "metrics": [_metric(one) for one in item.metrics]}
        for item in found.versions
    ]
    return {**found._asdict(), "versions": versions}


def _metric(one: LiveMetric) -> dict[str, Any]:
    found, reference = one.metric, one.reference
    return {
        "name": found.name, "slice": found.slice, "value": found.value, "stderr": found.stderr, "n": found.n,
        "higher_is_better": found.higher_is_better, "reference": reference and reference.value,
        "reference_stderr": reference and reference.stderr, "difference_stderr": one.stderr,
    }


def series(found: LiveScore, now: float) -> str:
    """Return gauges; `now` is the time of the computation in seconds since the epoch."""
    return "".join(_series(found, now))


def _series(found: LiveScore, now: float) -> Iterator[str]:
    versions = [(_labels(found, item), item) for item in found.versions]
    live = [(_named(of, one), one) for of, item in versions for one in item.metrics]
    pairs = [(of, one.metric) for of, one in live]
    references = [(of, one.reference) for of, one in live if one.reference]
    yield from gauge("mvc_live_metric", "A metric of labelled predictions.", _values(pairs))
    yield from gauge("mvc_live_metric_stderr", "Its standard error.", _errors(pairs))
    yield from gauge("mvc_live_metric_reference", "The same in the report of the version.", _values(references))
    yield from gauge("mvc_live_metric_reference_stderr", "Its standard error.", _errors(references))
    yield from gauge("mvc_live_rows", "Predictions with a label.", [(of, item.labelled) for of, item in versions])
    yield from gauge(
        "mvc_live_unmatched_rows", "Predictions without one.", [(of, item.unlabelled) for of, item in versions],
    )
    yield from gauge("mvc_live_timestamp_seconds", "When it was computed.", [(of, now) for of, _ in versions])


def _labels(found: LiveScore, item: LiveVersion) -> _Of:
    return {"model": found.model, "version": item.version, "blake3": item.blake3}


def _named(of: _Of, one: LiveMetric) -> _Of:
    return {**of, "metric": one.metric.name, "slice": slice_of(one.metric)}


def _values(metrics: list[tuple[_Of, Metric]]) -> Iterator[Sample]:
    return ((of, item.value) for of, item in metrics)


def _errors(metrics: list[tuple[_Of, Metric]]) -> Iterator[Sample]:
    return ((of, item.stderr) for of, item in metrics if item.stderr is not None)


def reports(found: LiveScore, path: str, now: float) -> Iterator[tuple[str, bytes]]:
    """Yield the name and content of a live report for each version with labels; the labels are in the file `path`.

    `now` is the time of the computation in seconds since the epoch.

    Raises:
        InvalidFormat: as `emit_live`.
    """
    for item in found.versions:
        if item.metrics:
            report = _report(found, item, Dataset(DATASET, found.blake3, path, n=found.labels, used=item.labelled), now)
            yield f"{found.model.replace('/', '=')}@{_title(found, item)}{SUFFIX}", emit_live(report)


def _title(found: LiveScore, item: LiveVersion) -> str:
    """Return what distinguishes a version: of several with one name, as of a tag that was moved, also the digest."""
    is_alone = sum(other.version == item.version for other in found.versions) == 1
    return item.version if item.version and is_alone else f"{item.version}-{item.blake3[:12]}".lstrip("-")


def _report(found: LiveScore, item: LiveVersion, labels: Dataset, now: float) -> Report:
    return Report(
        2, Model(item.blake3, name=found.model), tag=item.version, task=found.task,
        created_at=datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        datasets=[labels], metrics=[one.metric for one in item.metrics],
    )
