"""Hugging Face: the `model-index` of a model card, and the scores of `.eval_results`."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from msgspec.structs import replace

from mvc.errors import InvalidFormat
from mvc.quality.reports.metrics import given
from mvc.quality.reports.model_index import Reported, read_eval_results, read_model_index
from mvc.quality.reports.readers.found import Document, FoundMetrics, StatedData, below
from mvc.quality.reports.report import Metric

_INDEX = "model-index"
_PLACE = ("dataset", "config", "split")


def is_card(data: Document) -> bool:
    """Whether it is the front matter of a card with results."""
    return _INDEX in data


def read_card(data: Document, datasets: Collection[str]) -> FoundMetrics:
    """Return the metrics of the model.

    Raises:
        InvalidFormat: there are results of several models, or it is not a model-index.
    """
    models = data[_INDEX]
    names = [str(model.get("name")) for model in models if isinstance(model, dict)] if isinstance(models, list) else []
    if len(names) > 1:
        raise InvalidFormat(f"results of several models: {', '.join(names)}")
    return _found(read_model_index(models, _INDEX), datasets)


def are_scores(items: list[Any]) -> bool:
    """Whether a list is that of a file in `.eval_results`."""
    return bool(items) and all(isinstance(item, dict) and "id" in below(item, "dataset") for item in items)


def read_scores(items: list[Any], datasets: Collection[str]) -> FoundMetrics:
    """Return the scores, each with the name of its benchmark."""
    return _found(read_eval_results(items, ".eval_results"), datasets)


def _found(reported: Reported, datasets: Collection[str]) -> FoundMetrics:
    """Return what a card reports; a data set in its own words becomes one of the given ones, if it is one."""
    return FoundMetrics(
        tuple(_placed(metric, datasets) for metric in reported.metrics),
        data=tuple(StatedData(item.id, item.n, item.used, item.blake3) for item in reported.datasets),
        task=reported.task, left_out=reported.left_out,
    )


def _placed(metric: Metric, datasets: Collection[str]) -> Metric:
    given(metric.name, metric.dataset, datasets)
    name = metric.slice.get("dataset", "")
    if name not in datasets:
        return metric
    return replace(metric, dataset=name, slice={key: text for key, text in metric.slice.items() if key not in _PLACE})
