"""What a run says about its model, as a report takes it: nothing of it is proven."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from math import isnan, nan
from typing import Any, NamedTuple

from msgspec.structs import replace

from mvc.errors import InvalidFormat
from mvc.ops.interop.mlflow.answers import LoggedMetric, LoggedModel, Pair, Run
from mvc.ops.interop.mlflow.logged import Logged
from mvc.quality.reports.metric_files import find_metrics
from mvc.quality.reports.report import ABOUT_RUN, Model, Parameter, Report
from mvc.quality.reports.report_document import emit

_LONGEST_NAME, _LONGEST_VALUE = 250, 8000
"""Characters: the limits of MLflow's own, https://github.com/mlflow/mlflow/blob/master/mlflow/utils/validation.py."""
_MOST = 512 << 10
"""Bytes in a report, which has at most 1 MiB with all else."""
_TAGS = frozenset({"mlflow.user", "mlflow.source.name", "mlflow.source.git.commit", "mlflow.parentRunId"})
"""Of MLflow's own tags, those that say where a run comes from."""


class Reported(NamedTuple):
    """What a run reports."""

    metrics: tuple[dict[str, Any], ...]
    """As in a file with metrics."""
    params: tuple[tuple[str, Parameter], ...]
    about: dict[str, Any]
    """Names, tags, and data sets with digests of MLflow's kind."""
    left_out: tuple[str, ...]
    """What has no place in a report."""


def reported(logged: Logged) -> Reported | None:
    """Return what is known of a model; None if no run made it.

    Raises:
        InvalidFormat: it is too much for a report.
    """
    run = logged.run
    if run is None:
        return None
    left_out: list[str] = []
    metrics = [*_finite(_metrics(run, logged.model), left_out)]
    params = [*_short("parameter", run.data.params, left_out)]
    tags = [*_short("tag", (tag for tag in run.data.tags if _is_kept(tag)), left_out)]
    about = {
        "run": run.info.run_name,
        "model": f"{logged.version.name}/{logged.version.version}" if logged.version else "",
        "logged_model": logged.model.info.model_id if logged.model else "",
        "tags": {tag.key: tag.value for tag in tags},
        "datasets": [*_datasets(run)],
    }
    about = {key: value for key, value in about.items() if value}
    found = Reported(
        tuple({"name": item.key, "value": item.value} for item in metrics),
        tuple({item.key: item.value for item in params}.items()), about, tuple(left_out),
    )
    _check(run.info.run_id, found)
    return found


def _check(run: str, found: Reported) -> None:
    """Check that a report can say it, before anything is written."""
    try:
        metrics = find_metrics(list(found.metrics), "the run").metrics if found.metrics else ()
        about = {ABOUT_RUN: found.about}
        size = len(emit(Report(1, Model("0" * 64), params=dict(found.params), metrics=list(metrics), extra=about)))
    except InvalidFormat as error:
        raise InvalidFormat(f"run {run} cannot be reported: {error.message}", _by_hand(run)) from None
    if size > _MOST:
        raise InvalidFormat(f"run {run} says {size:,} bytes, expected at most {_MOST:,}", _by_hand(run))


def _by_hand(run: str) -> str:
    return f"mlflow artifacts download -r {run} -d DIR && mvc add DIR"


def _metrics(run: Run, model: LoggedModel | None) -> Iterable[LoggedMetric]:
    """Return the metrics at their last steps. Of a run with several models, only those that are tied to `model`."""
    if model is None or len({item.model_id for item in run.outputs.model_outputs}) <= 1:
        return run.data.metrics
    not_numbers = {item.key for item in run.data.metrics if isnan(item.value)}
    last: dict[str, LoggedMetric] = {}
    for item in sorted(model.data.metrics, key=lambda item: (item.step, item.timestamp)):
        last[item.key] = replace(item, value=nan) if item.key in not_numbers else item  # MLflow keeps 0.0 for a model
    return last.values()


def _finite(metrics: Iterable[LoggedMetric], left_out: list[str]) -> Iterable[LoggedMetric]:
    for item in metrics:
        if not item.key or len(item.key) > _LONGEST_NAME:
            left_out.append(f"a metric with a name of {len(item.key):,} characters")
        elif not abs(item.value) < sys.float_info.max:  # a database of MLflow's has this number for infinity
            left_out.append(f"{item.key} is {'NaN' if isnan(item.value) else 'infinite'}")
        else:
            yield item


def _short(what: str, pairs: Iterable[Pair], left_out: list[str]) -> Iterable[Pair]:
    for pair in pairs:
        if len(pair.key) > _LONGEST_NAME or len(pair.value) > _LONGEST_VALUE:
            left_out.append(f"the {what} {pair.key[:40]!r} of {len(pair.key) + len(pair.value):,} characters")
        else:
            yield pair


def _is_kept(tag: Pair) -> bool:
    return not tag.key.startswith("mlflow.") or tag.key in _TAGS


def _datasets(run: Run) -> Iterable[dict[str, str]]:
    for item in run.inputs.dataset_inputs:
        context = next((tag.value for tag in item.tags if tag.key == "mlflow.data.context"), "")
        yield {"name": item.dataset.name, "digest": item.dataset.digest, **({"context": context} if context else {})}
