"""Inspect: its log as JSON, and the header of its `.eval` file.

Format: https://inspect.aisi.org.uk/eval-logs.html; tested with inspect-ai 0.3.285, which writes version 2.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

from mvc.errors import InvalidFormat
from mvc.quality.reports.directions import higher_is_better
from mvc.quality.reports.metrics import error_estimate, finite, shown
from mvc.quality.reports.readers.found import (
    Document,
    FoundMetrics,
    NoError,
    StatedData,
    below,
    check_version,
    examples,
    found_in,
    free_name,
    objects_in,
)
from mvc.quality.reports.report import Metric, Parameter, Run, label
from mvc.quality.reports.settings import settings

_VERSION = "2"
_RETRY = "inspect eval-retry LOG  # then record the log that it writes"
_MEANS = ("accuracy", "mean")
"""The metrics that a standard error is one of."""
_ERRORS = {"stderr": "", "bootstrap_stderr": "bootstrap"}
"""The metrics that are standard errors, and how they are computed."""


class _Entry(NamedTuple):
    """A value in the log: of all samples, or of a group."""

    name: str
    value: object
    part: tuple[tuple[str, str], ...]
    """The group, as the one pair of a slice."""
    method: str


def fits(data: Document) -> bool:
    """Whether it is a log."""
    return "task" in below(data, "eval") and isinstance(data.get("status"), str)


def read(data: Document, datasets: Collection[str]) -> FoundMetrics:
    """Return the metrics of all scorers: `TASK/SCORER/METRIC`, with a slice for each group of a grouped metric.

    Raises:
        InvalidFormat: the evaluation did not succeed, or the log is of another version.
    """
    check_version("an Inspect log", data.get("version"), _VERSION)
    if data["status"] != "success":
        raise InvalidFormat(f"the evaluation has the status {shown(data['status'])}, expected 'success'", _RETRY)
    if data.get("invalidated"):
        raise InvalidFormat("samples of the log were invalidated", _RETRY)
    spec, results = data["eval"], below(data, "results")
    task, about = free_name(spec["task"]), _data(data)
    place = next((name for name in (task, about.id) if name in datasets), "")
    prefix = "" if place else f"{task}/"
    metrics = (item for score in objects_in(results, "scores") for item in _score(score, prefix, place))
    run = spec.get("run_id")
    return found_in(_once(metrics))._replace(
        run=Run("inspect", run) if isinstance(run, str) and run else None,
        params=_params(spec), data=(about._replace(id=place or task),),
    )


def _data(log: Document) -> StatedData:
    """Return the data set, with the number of samples that were completed in each epoch."""
    dataset, completed = below(log, "eval", "dataset"), examples(below(log, "results").get("completed_samples"))
    epochs = examples(below(log, "eval", "config").get("epochs")) or 1
    name = dataset.get("name")
    used = None if completed is None else completed // epochs
    return StatedData(name if isinstance(name, str) else "", examples(dataset.get("samples")), used)


def _params(spec: Document) -> dict[str, Parameter]:
    config = below(spec, "config")
    chosen = ("limit", "sample_id", "sample_shuffle", "epochs", "epochs_reducer")
    return settings({
        "model": spec.get("model"), "model_args": below(spec, "model_args"), "packages": below(spec, "packages"),
        "task_version": spec.get("task_version"), "task_args": below(spec, "task_args_passed"),
        "generate": below(spec, "model_generate_config"),
        "config": {key: config[key] for key in chosen if config.get(key) is not None},
    })


def _score(score: Document, prefix: str, place: str) -> Iterator[Metric | NoError]:
    """Yield the metrics of a scorer; those of an average with its standard error."""
    scorer, reducer, n = free_name(score.get("name")), score.get("reducer"), examples(score.get("scored_samples"))
    how = f"/{free_name(reducer)}" if reducer not in (None, "mean") else ""
    entries = [_entry(key, metric) for key, metric in below(score, "metrics").items()]
    errors = {entry.part: entry for entry in reversed(entries) if entry.name in _ERRORS}
    means = {entry.part for entry in entries if entry.name in _MEANS}
    for entry in entries:
        if entry.name in _ERRORS and entry.part in means:
            continue
        name, error = f"{prefix}{scorer}/{entry.name}{how}", errors.get(entry.part) if entry.name in _MEANS else None
        stderr = error_estimate(error.value) if error else None
        metric = Metric(
            name, finite(name, entry.value), higher_is_better(entry.name), place, stderr, dict(entry.part),
            None if entry.part else n, method=error.method if error and stderr is not None else "",
        )
        yield metric
        if error and stderr is None:
            yield NoError(f"stderr of {label(metric)}", error.value)


def _entry(key: str, metric: object) -> _Entry:
    if not isinstance(metric, dict):
        raise InvalidFormat(f"invalid metric {key!r}: expected an object")
    name, options = free_name(metric.get("name", key)), below(metric, "params")
    group, inner = options.get("group_key"), below(options, "metric")
    if not isinstance(group, str) or not inner:
        return _Entry(name, metric.get("value"), (), _method(name, options))
    part = ((group, name),) if name != options.get("all_label", "all") else ()
    whole = "" if part or options.get("all", "samples") == "samples" else "/mean_of_groups"
    of = free_name(inner.get("name")).rpartition("/")[2]
    return _Entry(f"{of}{whole}", metric.get("value"), part, _method(of, below(inner, "params")))


def _method(name: str, options: Document) -> str:
    cluster = options.get("cluster")
    return f"clustered by {cluster}" if isinstance(cluster, str) else _ERRORS.get(name, "")


def _once(metrics: Iterator[Metric | NoError]) -> Iterator[Metric | NoError]:
    """Yield the metrics; that of all samples, which a grouped metric repeats, once."""
    seen: dict[str, Metric | NoError] = {}
    for metric in metrics:
        name = label(metric) if isinstance(metric, Metric) else str(metric)
        if seen.get(name) != metric:
            yield metric
        seen[name] = metric
