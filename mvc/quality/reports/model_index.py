"""Metrics in Hugging Face's formats: the `model-index` of a model card, and `.eval_results`.

Formats: https://github.com/huggingface/hub-docs, `modelcard.md` and `eval_results.yaml`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import msgspec

from mvc.errors import InvalidFormat
from mvc.quality.reports.metrics import error_estimate, finite, is_number, shown
from mvc.quality.reports.report import Dataset, Metric, label

UNSPECIFIED = "unspecified"
"""The data set of a metric, or the task, where a report has none: a model card demands one."""
_BLAKE3 = re.compile(r"[0-9a-f]{64}")


class Reported(NamedTuple):
    """What a model card reports."""

    metrics: tuple[Metric, ...] = ()
    datasets: tuple[Dataset, ...] = ()
    """The data sets with a known digest. Name, configuration and split of others become the slice of the metric."""
    task: str = ""
    left_out: tuple[str, ...] = ()
    """What has no place in a report."""

    @property
    def data(self) -> list[dict[str, Any]]:
        """The metrics as plain data, as in a report."""
        return [msgspec.to_builtins(metric) for metric in self.metrics]


def front_matter(raw: bytes) -> bytes:
    """Return the YAML at the beginning of a model card; empty without it."""
    found = re.match(rb"\A(?:\xef\xbb\xbf)?---[ \t]*\r?\n(.*?)^---[ \t]*\r?$", raw, re.DOTALL | re.MULTILINE)
    return found[1] if found else b""


def joined(parts: Iterable[Reported]) -> Reported:
    """Return all of it as one; of two metrics with one name, the first."""
    parts = list(parts)
    every = [metric for part in parts for metric in part.metrics]
    metrics = {label(metric): metric for metric in reversed(every)}
    others = [item for item in every if metrics[label(item)] != item]
    left_out = [text for part in parts for text in part.left_out]
    left_out += [f"another value of {label(metric)}: {metric.value}" for metric in others]
    datasets = {dataset.id: dataset for part in reversed(parts) for dataset in reversed(part.datasets)}
    tasks = {part.task for part in parts if part.task}
    task = next(iter(tasks)) if len(tasks) == 1 else ""
    ordered = tuple(reversed(metrics.values())), tuple(reversed(datasets.values()))
    return Reported(*ordered, task, tuple(left_out))


# The model-index.


def read_model_index(index: object, what: str) -> Reported:
    """Return the metrics of a `model-index`; `what` names its file.

    Raises:
        InvalidFormat: it is not a list of models with results.
    """
    if index is None:
        return Reported()
    return joined(_result(result, what) for model in _list(index, what) for result in _list(model.get("results"), what))


def _list(value: object, what: str) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise InvalidFormat(f"{what}: not a model-index of Hugging Face")
    return value


def _result(result: dict[str, Any], what: str) -> Reported:
    task, data = _dict(result.get("task")), _dict(result.get("dataset"))
    dataset = _dataset(data)
    place = {} if dataset else _place(data)
    metrics, left_out = [], []
    for item in _list(result.get("metrics"), what):
        name = _text(item.get("type")) or _text(item.get("name"))
        if not name or not is_number(item.get("value")):
            left_out.append(_unusable(what, name, item.get("value")))
            continue
        metrics.append(_metric(name, item, dataset, place))
    kept = (dataset,) if dataset else ()
    kind = _text(task.get("type"))
    return Reported(tuple(metrics), kept, kind if kind != UNSPECIFIED else "", tuple(left_out))


def _metric(name: str, item: dict[str, Any], dataset: Dataset | None, place: dict[str, str]) -> Metric:
    """Return a metric; what mvc wrote into its `args` is read again."""
    args = _dict(item.get("args"))
    config = _text(item.get("config"))
    part = {key: _text(text) for key, text in _dict(args.get("slice")).items()}
    better = args.get("higher_is_better")
    return Metric(
        name,
        finite(name, item["value"]),
        better if isinstance(better, bool) else None,
        dataset.id if dataset else "",
        error_estimate(args.get("stderr")),
        {**place, **part, **({"metric_config": config} if config else {})},
        _count(args.get("n")),
        _interval(args.get("ci")),
        _text(args.get("method")),
    )


def _interval(ends: object) -> tuple[float, float] | None:
    if not isinstance(ends, list) or len(ends) != 2 or not all(map(is_number, ends)):  # noqa: PLR2004
        return None
    low, high = (finite("ci", end) for end in ends)
    return low, high


def _dataset(data: dict[str, Any]) -> Dataset | None:
    """Return the data set if its digest is known: mvc writes it into `args`."""
    args = _dict(data.get("args"))
    digest = _text(args.get("blake3"))
    if not _BLAKE3.fullmatch(digest) or not (name := _text(data.get("type"))):
        return None
    return Dataset(name, digest, "", _text(data.get("split")), _count(args.get("n")), _count(args.get("used")))


def _place(data: dict[str, Any]) -> dict[str, str]:
    """Return name, configuration and split of a data set, as a slice."""
    if data.get("type") == UNSPECIFIED:
        return {}
    found = {
        "dataset": _text(data.get("type")) or _text(data.get("name")), "config": _text(data.get("config")),
        "split": _text(data.get("split")),
    }
    return {key: text for key, text in found.items() if text}


def _unusable(what: str, name: str, value: object) -> str:
    return f"{what}: {name} is {shown(value)}, expected a number" if name else f"{what}: {shown(value)} has no name"


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _text(value: object) -> str:
    return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


# .eval_results.


def read_eval_results(data: object, what: str) -> Reported:
    """Return the scores of a file in `.eval_results`: metrics with the names of their benchmarks.

    Raises:
        InvalidFormat: it is not a list of scores.
    """
    if not isinstance(data, list) or not all(isinstance(item, dict) for item in data):
        raise InvalidFormat(f"{what}: not evaluation results of Hugging Face")
    found = [*_scores(data, what)]
    metrics = tuple(item for item in found if isinstance(item, Metric))
    return Reported(metrics, left_out=tuple(item for item in found if isinstance(item, str)))


def _scores(items: list[dict[str, Any]], what: str) -> Iterator[Metric | str]:
    for item in items:
        data, notes = _dict(item.get("dataset")), _text(item.get("notes"))
        name, task = _text(data.get("id")), _text(data.get("task_id"))
        if not name or not is_number(item.get("value")):
            yield _unusable(what, name, item.get("value"))
            continue
        part = {key: text for key, text in (("task", task), ("notes", notes)) if text}
        yield Metric(name, finite(name, item["value"]), slice=part)
