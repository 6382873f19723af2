"""Files with metrics in the formats of several tools: docs/reports.md, "Files with metrics"."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator
from math import isfinite
from typing import Any, NamedTuple, TypeAlias

from mvc.errors import InvalidFormat
from mvc.quality.reports.metrics import finite, given, is_number, named
from mvc.quality.reports.report import Metric, Run, label

MAX_BYTES = 16 << 20
MAX_DEPTH = 32
SHAPES = """mvc help reports  # lists the supported formats, such as {"auc": 0.93}"""

Document: TypeAlias = dict[str, Any]


class FoundMetrics(NamedTuple):
    """The metrics in a file."""

    metrics: tuple[Metric, ...]
    run: Run | None = None
    """The run of a tracking server that they come from."""
    skipped: tuple[str, ...] = ()
    """Names of non-numeric entries, such as a confusion matrix."""


def read_metrics(raw: bytes, what: str, datasets: Collection[str] = ()) -> FoundMetrics:
    """Return the metrics in a JSON file; `what` names it in errors, `datasets` are the known ids.

    Raises:
        InvalidFormat: it is too large, not JSON, of an unknown format, or a value is not a finite number.
    """
    if len(raw) > MAX_BYTES:
        raise InvalidFormat(f"{what}: {len(raw):,} bytes, expected at most {MAX_BYTES:,}", SHAPES)
    try:
        data = json.loads(raw, object_pairs_hook=_unique)
    except InvalidFormat as error:
        raise InvalidFormat(f"{what}: {error.message}", SHAPES) from None
    except (ValueError, RecursionError) as error:
        reason = "nested too deep" if isinstance(error, RecursionError) else error
        raise InvalidFormat(f"{what}: not JSON: {reason}", SHAPES) from None
    return find_metrics(data, what, datasets)


def _unique(pairs: list[tuple[str, Any]]) -> Document:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise InvalidFormat(f"duplicate key {next(name for name in names if names.count(name) > 1)!r}")
    return found


def find_metrics(data: object, what: str, datasets: Collection[str] = ()) -> FoundMetrics:
    """Return the metrics in plain data of any supported format.

    Raises:
        InvalidFormat: the format is unknown, or there is no metric, or a value is not a finite number.
    """
    try:
        found = _read(data, datasets)
        if not found.metrics:
            raise InvalidFormat(f"no metrics found in {_summary(data)}")
        _check_unique(found.metrics)
    except InvalidFormat as error:
        raise InvalidFormat(f"{what}: {error.message}", SHAPES) from None
    return found


def _check_unique(metrics: tuple[Metric, ...]) -> None:
    names = [label(metric) for metric in metrics]
    if len(set(names)) < len(names):
        raise InvalidFormat(f"duplicate metric {next(name for name in names if names.count(name) > 1)}")


def _summary(data: object) -> str:
    """Describe data without metrics."""
    if isinstance(data, dict):
        names = ", ".join(map(repr, list(data)[:5]))
        return f"an object with {names}{', ...' if len(data) > 5 else ''}" if data else "an empty object"  # noqa: PLR2004
    if isinstance(data, list):
        return f"a list of {len(data)} items" if data else "an empty list"
    return json.dumps(data)[:40]


def _read(data: object, datasets: Collection[str]) -> FoundMetrics:
    """Return the metrics in `data`, read by the first format that matches."""
    if isinstance(data, list):
        return FoundMetrics(_listed(data, datasets))
    if not isinstance(data, dict):
        raise InvalidFormat(f"no metrics found in {_summary(data)}")
    for fits, read in _SHAPES:
        if fits(data):
            return read(data, datasets)
    return _tree(data, datasets)


# A list of metrics, as in a report or from MLflow.


def _listed(items: list[Any], datasets: Collection[str]) -> tuple[Metric, ...]:
    latest: dict[str, tuple[tuple[float, float], Metric]] = {}
    for position, item in enumerate(items, 1):
        if not isinstance(item, dict) or not isinstance(item.get("name", item.get("key")), str) or "value" not in item:
            raise InvalidFormat(f"invalid item {position} of the list: expected a metric with a name and a value")
        if "key" in item:  # MLflow: a value for each step
            metric = named(item["key"], item["value"], datasets)
            when = (_order(item.get("step")), _order(item.get("timestamp")))
            if label(metric) not in latest or latest[label(metric)][0] <= when:
                latest[label(metric)] = (when, metric)
            continue
        metric = _listed_metric(item, datasets)
        if label(metric) in latest:
            raise InvalidFormat(f"duplicate metric {label(metric)}")
        latest[label(metric)] = ((0, 0), metric)
    return tuple(metric for _, metric in latest.values())


def _order(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _listed_metric(item: Document, datasets: Collection[str]) -> Metric:
    metric = named(item["name"], item["value"], datasets)
    known = {"name", "value", "higher_is_better", "dataset", "stderr", "slice", "n"}
    if strange := sorted(set(item) - known):
        raise InvalidFormat(f"metric {metric.name!r}: unknown key {strange[0]!r}")
    better, stderr, part = item.get("higher_is_better"), item.get("stderr"), item.get("slice")
    if better is not None and not isinstance(better, bool):
        raise InvalidFormat(f"invalid higher_is_better of {metric.name!r}: expected true or false")
    if part is not None and not isinstance(part, dict):
        raise InvalidFormat(f"invalid slice of {metric.name!r}: expected an object")
    return Metric(
        metric.name,
        metric.value,
        better,
        given(metric.name, str(item.get("dataset") or metric.dataset), datasets),
        None if stderr is None else finite(f"stderr of {metric.name}", stderr),
        {key: str(text) for key, text in part.items()} if part else metric.slice,
        _count(item.get("n")),
    )


# MLflow: a run as printed by its client, server or command line.


def _is_run(data: Document) -> bool:
    inner = data.get("run", data)
    return isinstance(inner, dict) and isinstance(inner.get("data"), dict) and "metrics" in inner["data"]


def _run(data: Document, datasets: Collection[str]) -> FoundMetrics:
    inner = data.get("run", data)
    info = inner.get("info")
    name = info.get("run_id") if isinstance(info, dict) else None
    found = _read_inner(inner["data"]["metrics"], datasets)
    return found._replace(run=Run("mlflow", name)) if isinstance(name, str) else found


def _has_metrics(data: Document) -> bool:
    inner = data.get("metrics")
    return isinstance(inner, list) or (isinstance(inner, dict) and not any(map(is_number, data.values())))


def _read_inner(metrics: object, datasets: Collection[str]) -> FoundMetrics:
    if isinstance(metrics, list):
        return FoundMetrics(_listed(metrics, datasets))
    return _tree(metrics, datasets) if isinstance(metrics, dict) else FoundMetrics(())


# DVC: `dvc metrics show --json`.


def _is_dvc(data: Document) -> bool:
    inner = next(iter(data.values()), None)
    return len(data) == 1 and isinstance(inner, dict) and set(inner) == {"data"} and all(map(_has_data, _files(inner)))


def _files(revision: Document) -> list[Any]:
    return list(revision["data"].values()) if isinstance(revision["data"], dict) else [None]


def _has_data(file: object) -> bool:
    return isinstance(file, dict) and isinstance(file.get("data"), dict)


def _dvc(data: Document, datasets: Collection[str]) -> FoundMetrics:
    (revision,) = data.values()
    parts = [_tree(file["data"], datasets) for file in _files(revision)]
    return FoundMetrics(
        tuple(metric for part in parts for metric in part.metrics),
        skipped=tuple(name for part in parts for name in part.skipped),
    )


# lm-eval: `results` with an object for each task: `METRIC,FILTER` and `METRIC_stderr,FILTER`.


def _is_lm_eval(data: Document) -> bool:
    results = data.get("results")
    if not isinstance(results, dict) or not results or not all(isinstance(task, dict) for task in results.values()):
        return False
    return "versions" in data or any("," in name for task in results.values() for name in task)


def _lm_eval(data: Document, datasets: Collection[str]) -> FoundMetrics:
    metrics: list[Metric] = []
    for task, results in data["results"].items():
        better = _inside(data, "higher_is_better", task)
        count = _inside(data, "n-samples", task).get("effective")
        for key, value in results.items():
            name, _, how = key.partition(",")
            if name in ("alias", "name", "sample_len", "sample_count", " ") or name.endswith("_stderr"):
                continue
            error = results.get(f"{name}_stderr,{how}" if how else f"{name}_stderr")
            metric = _of_dataset(task, name if how in ("", "none") else f"{name}/{how}", value, datasets)
            metrics.append(Metric(
                metric.name,
                metric.value,
                better.get(name) if isinstance(better.get(name), bool) else None,
                metric.dataset,
                float(error) if is_number(error) else None,  # "N/A" where it was not computed
                metric.slice,
                _count(count),
            ))
    return FoundMetrics(tuple(metrics))


def _inside(data: Document, key: str, task: str) -> Document:
    part = data.get(key)
    inner = part.get(task) if isinstance(part, dict) else None
    return inner if isinstance(inner, dict) else {}


# scikit-learn: `classification_report(output_dict=True)`.

_AVERAGES = {"macro avg": "macro", "weighted avg": "weighted", "micro avg": "micro", "samples avg": "samples"}
_SCORES = {"precision": "precision", "recall": "recall", "f1-score": "f1"}


def _is_classification(data: Document) -> bool:
    return any(isinstance(data.get(name), dict) and set(_SCORES) <= set(data[name]) for name in _AVERAGES)


def _classification(data: Document, datasets: Collection[str]) -> FoundMetrics:
    """Return averages as separate metrics, such as `f1_macro`, and each class as a slice."""
    metrics: list[Metric] = []
    for name, scores in data.items():
        if not isinstance(scores, dict):
            metrics.append(named(name, scores, datasets))
            continue
        average = f"_{_AVERAGES[name]}" if name in _AVERAGES else ""
        part = {} if average else {"class": name}
        count = _count(scores.get("support"))
        for key, metric in _SCORES.items():
            if key in scores:
                value = finite(f"{key} of {name}", scores[key])
                metrics.append(Metric(f"{metric}{average}", value, slice=part, n=count))
    return FoundMetrics(tuple(metrics))


def _count(value: object) -> int | None:
    """Return a number of examples; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if isfinite(value) and value == int(value) and 0 <= value < 1 << 63 else None


# Flat or nested: `{"train": {"loss": 0.1}}` as DVC writes it, or `{"holdout": {"auc": 0.9}}` for a data set.

_COUNTERS = ("step", "epoch", "global_step")
"""Progress of the training, written by DVCLive and others next to the metrics."""


def _tree(data: Document, datasets: Collection[str]) -> FoundMetrics:
    metrics: list[Metric] = []
    skipped: list[str] = []
    for path, value in _leaves(data, (), 0):
        name = "/".join(path)
        counter = name in _COUNTERS and len(data) > 1
        if counter or isinstance(value, list) or (isinstance(value, str) and not _is_not_finite(value)):
            skipped.append(name)
        elif len(path) > 1:
            metrics.append(_of_dataset(path[0], "/".join(path[1:]), value, datasets))
        else:
            metrics.append(named(name, value, datasets))
    return FoundMetrics(tuple(metrics), skipped=tuple(skipped))


def _is_not_finite(text: str) -> bool:
    """Whether a text is NaN or infinity, as DVCLive writes them."""
    return text.strip().lower().lstrip("+-") in ("nan", "inf", "infinity")


def _leaves(data: Document, above: tuple[str, ...], depth: int) -> Iterator[tuple[tuple[str, ...], object]]:
    if depth > MAX_DEPTH:
        raise InvalidFormat(f"nested deeper than {MAX_DEPTH}")
    for key, value in data.items():
        if isinstance(value, dict):
            yield from _leaves(value, (*above, key), depth + 1)
        else:
            yield (*above, key), value


def _of_dataset(first: str, rest: str, value: object, datasets: Collection[str]) -> Metric:
    """Return a metric of the data set `first`; an unknown one becomes a part of the name."""
    if first in datasets:
        return named(f"{rest}@{first}", value, datasets)
    return named(f"{first}/{rest}", value, datasets)


_SHAPES: tuple[tuple[Callable[[Document], bool], Callable[[Document, Collection[str]], FoundMetrics]], ...] = (
    (_is_lm_eval, _lm_eval),
    (_is_run, _run),
    (_is_dvc, _dvc),
    (_has_metrics, lambda data, datasets: _read_inner(data["metrics"], datasets)),
    (_is_classification, _classification),
)
