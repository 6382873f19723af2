"""Forms of metrics that belong to no program: a list, and names with numbers, flat or nested."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from mvc.errors import InvalidFormat
from mvc.quality.reports.metrics import error_estimate, finite, given, shown
from mvc.quality.reports.readers.found import Document, FoundMetrics, NoError, examples, found_in, metric_of, of_dataset
from mvc.quality.reports.report import Metric, label

MAX_DEPTH = 32


def read_any(metrics: object, datasets: Collection[str]) -> FoundMetrics:
    """Return the metrics of a list or an object; none of anything else."""
    if isinstance(metrics, list):
        return read_list(metrics, datasets)
    return read_tree(metrics, datasets) if isinstance(metrics, dict) else FoundMetrics(())


# A list of metrics, as in a report, or from MLflow with a value for each step.


def read_list(items: list[Any], datasets: Collection[str]) -> FoundMetrics:
    """Return the metrics in a list.

    Raises:
        InvalidFormat: an item is invalid, or one comes twice.
    """
    latest: dict[str, tuple[tuple[float, float], list[Metric | NoError]]] = {}
    for position, item in enumerate(items, 1):
        if not isinstance(item, dict) or not isinstance(item.get("name", item.get("key")), str) or "value" not in item:
            raise InvalidFormat(f"invalid item {position} of the list: expected a metric with a name and a value")
        is_step = "key" in item  # MLflow: a value for each step
        found = [metric_of(item["key"], item["value"], datasets)] if is_step else [*_item(item, datasets)]
        name = label(found[0]) if isinstance(found[0], Metric) else found[0].name
        if name in latest and not is_step:
            raise InvalidFormat(f"duplicate metric {name}")
        when = (_order(item.get("step")), _order(item.get("timestamp"))) if is_step else (0.0, 0.0)
        if name not in latest or latest[name][0] <= when:
            latest[name] = (when, found)
    return found_in(item for _, found in latest.values() for item in found)


def _order(value: object) -> float:
    """Return a step or a time; 0 for anything else."""
    return float(value) if isinstance(value, int | float) and abs(value) < 1 << 63 else 0.0


def _item(item: Document, datasets: Collection[str]) -> Iterator[Metric | NoError]:
    metric = metric_of(item["name"], item["value"], datasets)
    if isinstance(metric, NoError):
        yield metric
        return
    known = {"name", "value", "higher_is_better", "dataset", "stderr", "slice", "n", "ci", "method"}
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
        examples(item.get("n")),
        _interval(metric.name, item.get("ci")),
        str(item.get("method") or ""),
    )
    yield read
    if error is not None and read.stderr is None:
        yield NoError(f"stderr of {label(read)}", error)


def _interval(name: str, ends: object) -> tuple[float, float] | None:
    if ends is None:
        return None
    if not isinstance(ends, list | tuple) or len(ends) != 2:  # noqa: PLR2004
        raise InvalidFormat(f"ci of {name} is {shown(ends)}, expected [LOW, HIGH]")
    low, high = (finite(f"ci of {name}", end) for end in ends)
    return low, high


# Flat or nested: `{"train": {"loss": 0.1}}` as DVC writes it, or `{"holdout": {"auc": 0.9}}` for a data set.

_COUNTERS = ("step", "epoch", "global_step")
"""Progress of the training, written by DVCLive and others next to the metrics."""


def read_tree(data: Document, datasets: Collection[str]) -> FoundMetrics:
    """Return the numbers in nested objects.

    Raises:
        InvalidFormat: one is not a finite number, or it is nested too deep.
    """
    metrics: list[Metric | NoError] = []
    skipped: list[str] = []
    for path, value in _leaves(data, (), 0):
        name = "/".join(path)
        counter = name in _COUNTERS and len(data) > 1
        if counter or isinstance(value, list) or (isinstance(value, str) and not _is_not_finite(value)):
            skipped.append(name)
        elif len(path) > 1:
            metrics.append(of_dataset(path[0], "/".join(path[1:]), value, datasets))
        else:
            metrics.append(metric_of(name, value, datasets))
    return found_in(metrics)._replace(skipped=tuple(skipped))


def _is_not_finite(text: str) -> bool:
    """Whether a text is NaN or infinity, as DVCLive and YAML write them."""
    return text.strip().lower().lstrip("+-.") in ("nan", "inf", "infinity")


def _leaves(data: Document, above: tuple[str, ...], depth: int) -> Iterator[tuple[tuple[str, ...], object]]:
    if depth > MAX_DEPTH:
        raise InvalidFormat(f"nested deeper than {MAX_DEPTH}")
    for key, value in data.items():
        if isinstance(value, dict):
            yield from _leaves(value, (*above, key), depth + 1)
        else:
            yield (*above, key), value
