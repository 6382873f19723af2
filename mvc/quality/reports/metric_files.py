"""Files with metrics in the formats of several tools: docs/reports.md, "Files with metrics"."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

from mvc.errors import InvalidFormat
from mvc.quality.reports.metrics import error_estimate, finite, given, is_error_estimate, is_number, named, shown
from mvc.quality.reports.report import Metric, Parameter, Run, label
from mvc.quality.reports.settings import settings

MAX_BYTES = 16 << 20
MAX_DEPTH = 32
_MOST_DIGITS = 1000
SHAPES = """mvc help reports  # lists the supported formats, such as {"auc": 0.93}"""

Document: TypeAlias = dict[str, Any]


class FoundMetrics(NamedTuple):
    """The metrics in a file."""

    metrics: tuple[Metric, ...]
    run: Run | None = None
    """The run of a tracking server that they come from."""
    params: Mapping[str, Parameter] = MappingProxyType({})
    """The settings of the evaluation that the file has."""
    skipped: tuple[str, ...] = ()
    """Names of non-numeric entries, such as a confusion matrix."""
    no_errors: tuple[str, ...] = ()
    """Standard errors that are not numbers: `arc/acc_stderr is NaN`."""


class _NoError(NamedTuple):
    """A standard error that is not a number; its metric may be one."""

    name: str
    value: object

    def __str__(self) -> str:
        return f"{self.name} is {shown(self.value)}"


def _found(items: Iterable[Metric | _NoError]) -> FoundMetrics:
    items = [*items]
    return FoundMetrics(
        tuple(item for item in items if isinstance(item, Metric)),
        no_errors=tuple(str(item) for item in items if isinstance(item, _NoError)),
    )


def _metric(name: str, value: object, datasets: Collection[str]) -> Metric | _NoError:
    """Return a metric; one that is the standard error of another one may have no value."""
    if is_error_estimate(name) and error_estimate(value) is None:
        return _NoError(name, value)
    return named(name, value, datasets)


def read_metrics(raw: bytes, what: str, datasets: Collection[str] = ()) -> FoundMetrics:
    """Return the metrics in a JSON file; `what` names it in errors, `datasets` are the known ids.

    Raises:
        InvalidFormat: it is too large, not JSON, of an unknown format, or a value is not a finite number.
    """
    if len(raw) > MAX_BYTES:
        raise InvalidFormat(f"{what}: {len(raw):,} bytes, expected at most {MAX_BYTES:,}", SHAPES)
    try:
        data = json.loads(raw, object_pairs_hook=_unique, parse_int=_integer)
    except InvalidFormat as error:
        raise InvalidFormat(f"{what}: {error.message}", SHAPES) from None
    except (ValueError, RecursionError) as error:
        reason = "nested too deep" if isinstance(error, RecursionError) else error
        raise InvalidFormat(f"{what}: not JSON: {reason}", SHAPES) from None
    return find_metrics(data, what, datasets)


def _integer(digits: str) -> int | float:
    """Return an integer; one beyond the range of floats becomes infinite, so that an error names its metric."""
    return int(digits) if len(digits) <= _MOST_DIGITS else float(digits)


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
        return _listed(data, datasets)
    if not isinstance(data, dict):
        raise InvalidFormat(f"no metrics found in {_summary(data)}")
    for fits, read in _SHAPES:
        if fits(data):
            return read(data, datasets)
    return _tree(data, datasets)


# A list of metrics, as in a report or from MLflow.


def _listed(items: list[Any], datasets: Collection[str]) -> FoundMetrics:
    latest: dict[str, tuple[tuple[float, float], list[Metric | _NoError]]] = {}
    for position, item in enumerate(items, 1):
        if not isinstance(item, dict) or not isinstance(item.get("name", item.get("key")), str) or "value" not in item:
            raise InvalidFormat(f"invalid item {position} of the list: expected a metric with a name and a value")
        is_step = "key" in item  # MLflow: a value for each step
        found = [_metric(item["key"], item["value"], datasets)] if is_step else [*_listed_metric(item, datasets)]
        name = label(found[0]) if isinstance(found[0], Metric) else found[0].name
        if name in latest and not is_step:
            raise InvalidFormat(f"duplicate metric {name}")
        when = (_order(item.get("step")), _order(item.get("timestamp"))) if is_step else (0.0, 0.0)
        if name not in latest or latest[name][0] <= when:
            latest[name] = (when, found)
    return _found(item for _, found in latest.values() for item in found)


def _order(value: object) -> float:
    """Return a step or a time; 0 for anything else."""
    return float(value) if isinstance(value, int | float) and abs(value) < 1 << 63 else 0.0


def _listed_metric(item: Document, datasets: Collection[str]) -> Iterator[Metric | _NoError]:
    metric = _metric(item["name"], item["value"], datasets)
    if isinstance(metric, _NoError):
        yield metric
        return
    known = {"name", "value", "higher_is_better", "dataset", "stderr", "slice", "n"}
    if strange := sorted(set(item) - known):
        raise InvalidFormat(f"metric {metric.name!r}: unknown key {strange[0]!r}")
    better, error, part = item.get("higher_is_better"), item.get("stderr"), item.get("slice")
    if better is not None and not isinstance(better, bool):
        raise InvalidFormat(f"invalid higher_is_better of {metric.name!r}: expected true or false")
    if part is not None and not isinstance(part, dict):
        raise InvalidFormat(f"invalid slice of {metric.name!r}: expected an object")
    read = Metric(
        metric.name,
        metric.value,
        better,
        given(metric.name, str(item.get("dataset") or metric.dataset), datasets),
        error_estimate(error),
        {key: str(text) for key, text in part.items()} if part else metric.slice,
        _count(item.get("n")),
    )
    yield read
    if error is not None and read.stderr is None:
        yield _NoError(f"stderr of {label(read)}", error)


# MLflow: a run as printed by its client, server or command line.


def _is_run(data: Document) -> bool:
    inner = data.get("run", data)
    return isinstance(inner, dict) and isinstance(inner.get("data"), dict) and "metrics" in inner["data"]


def _run(data: Document, datasets: Collection[str]) -> FoundMetrics:
    inner = data.get("run", data)
    info = inner.get("info")
    name = info.get("run_id") if isinstance(info, dict) else None
    found = _read_inner(inner["data"]["metrics"], datasets)._replace(params=settings(inner["data"].get("params")))
    return found._replace(run=Run("mlflow", name)) if isinstance(name, str) else found


def _has_metrics(data: Document) -> bool:
    inner = data.get("metrics")
    return isinstance(inner, list) or (isinstance(inner, dict) and not any(map(is_number, data.values())))


def _beside_params(data: Document, datasets: Collection[str]) -> FoundMetrics:
    return _read_inner(data["metrics"], datasets)._replace(params=settings(data.get("params")))


def _read_inner(metrics: object, datasets: Collection[str]) -> FoundMetrics:
    if isinstance(metrics, list):
        return _listed(metrics, datasets)
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
        no_errors=tuple(text for part in parts for text in part.no_errors),
    )


# lm-eval: `results` with an object for each task: `METRIC,FILTER` and `METRIC_stderr,FILTER`.


def _is_lm_eval(data: Document) -> bool:
    results = data.get("results")
    if not isinstance(results, dict) or not results or not all(isinstance(task, dict) for task in results.values()):
        return False
    return "versions" in data or any("," in name for task in results.values() for name in task)


_NOT_COMPUTED: tuple[object, ...] = (None, "N/A", "", [])
"""What lm-eval writes instead of a standard error that it did not estimate."""


def _lm_eval(data: Document, datasets: Collection[str]) -> FoundMetrics:
    found = _found(item for task in data["results"] for item in _task(data, task, datasets))
    return found._replace(params=settings({**_object(data, "config"), "n-shot": _object(data, "n-shot")}))


def _task(data: Document, task: str, datasets: Collection[str]) -> Iterator[Metric | _NoError]:
    better = _inside(data, "higher_is_better", task)
    count = _inside(data, "n-samples", task).get("effective")
    results = data["results"][task]
    for key, value in results.items():
        name, _, how = key.partition(",")
        if name in ("alias", "name", "sample_len", "sample_count", " ") or name.endswith("_stderr"):
            continue
        error = f"{name}_stderr,{how}" if how else f"{name}_stderr"
        metric = _of_dataset(task, name if how in ("", "none") else f"{name}/{how}", value, datasets)
        if isinstance(metric, Metric):
            yield Metric(
                metric.name,
                metric.value,
                better.get(name) if isinstance(better.get(name), bool) else None,
                metric.dataset,
                stderr := error_estimate(results.get(error)),
                metric.slice,
                _count(count),
            )
            if stderr is None and results.get(error) not in _NOT_COMPUTED:
                yield _NoError(f"{task}/{error}", results[error])


def _inside(data: Document, key: str, task: str) -> Document:
    return _object(_object(data, key), task)


def _object(data: Document, key: str) -> Document:
    inner = data.get(key)
    return inner if isinstance(inner, dict) else {}


# scikit-learn: `classification_report(output_dict=True)`.

_AVERAGES = {"macro avg": "macro", "weighted avg": "weighted", "micro avg": "micro", "samples avg": "samples"}
_SCORES = {"precision": "precision", "recall": "recall", "f1-score": "f1"}


def _is_classification(data: Document) -> bool:
    return any(isinstance(data.get(name), dict) and set(_SCORES) <= set(data[name]) for name in _AVERAGES)


def _classification(data: Document, datasets: Collection[str]) -> FoundMetrics:
    """Return averages as separate metrics, such as `f1_macro`, and each class as a slice."""
    metrics: list[Metric | _NoError] = []
    for name, scores in data.items():
        if not isinstance(scores, dict):
            metrics.append(_metric(name, scores, datasets))
            continue
        average = f"_{_AVERAGES[name]}" if name in _AVERAGES else ""
        part = {} if average else {"class": name}
        count = _count(scores.get("support"))
        for key, metric in _SCORES.items():
            if key in scores:
                value = finite(f"{key} of {name}", scores[key])
                metrics.append(Metric(f"{metric}{average}", value, slice=part, n=count))
    return _found(metrics)


def _count(value: object) -> int | None:
    """Return a number of examples; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if 0 <= value < 1 << 63 and value == int(value) else None


# Flat or nested: `{"train": {"loss": 0.1}}` as DVC writes it, or `{"holdout": {"auc": 0.9}}` for a data set.

_COUNTERS = ("step", "epoch", "global_step")
"""Progress of the training, written by DVCLive and others next to the metrics."""


def _tree(data: Document, datasets: Collection[str]) -> FoundMetrics:
    metrics: list[Metric | _NoError] = []
    skipped: list[str] = []
    for path, value in _leaves(data, (), 0):
        name = "/".join(path)
        counter = name in _COUNTERS and len(data) > 1
        if counter or isinstance(value, list) or (isinstance(value, str) and not _is_not_finite(value)):
            skipped.append(name)
        elif len(path) > 1:
            metrics.append(_of_dataset(path[0], "/".join(path[1:]), value, datasets))
        else:
            metrics.append(_metric(name, value, datasets))
    return _found(metrics)._replace(skipped=tuple(skipped))


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


def _of_dataset(first: str, rest: str, value: object, datasets: Collection[str]) -> Metric | _NoError:
    """Return a metric of the data set `first`; an unknown one becomes a part of the name."""
    name = f"{rest}@{first}" if first in datasets else f"{first}/{rest}"
    if is_error_estimate(rest) and error_estimate(value) is None:
        return _NoError(name, value)
    return named(name, value, datasets)


_SHAPES: tuple[tuple[Callable[[Document], bool], Callable[[Document, Collection[str]], FoundMetrics]], ...] = (
    (_is_lm_eval, _lm_eval),
    (_is_run, _run),
    (_is_dvc, _dvc),
    (_has_metrics, _beside_params),
    (_is_classification, _classification),
)
