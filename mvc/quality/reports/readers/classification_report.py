"""`classification_report(output_dict=True)` of scikit-learn."""

from __future__ import annotations

from collections.abc import Collection

from mvc.quality.reports.metrics import finite
from mvc.quality.reports.readers.found import Document, FoundMetrics, NoError, examples, found_in, metric_of
from mvc.quality.reports.report import Metric

_AVERAGES = {"macro avg": "macro", "weighted avg": "weighted", "micro avg": "micro", "samples avg": "samples"}
_SCORES = {"precision": "precision", "recall": "recall", "f1-score": "f1"}


def fits(data: Document) -> bool:
    """Whether it has averages."""
    return any(isinstance(data.get(name), dict) and set(_SCORES) <= set(data[name]) for name in _AVERAGES)


def read(data: Document, datasets: Collection[str]) -> FoundMetrics:
    """Return averages as separate metrics, such as `f1_macro`, and each class as a slice."""
    metrics: list[Metric | NoError] = []
    for name, scores in data.items():
        if not isinstance(scores, dict):
            metrics.append(metric_of(name, scores, datasets))
            continue
        average = f"_{_AVERAGES[name]}" if name in _AVERAGES else ""
        part = {} if average else {"class": name}
        count = examples(scores.get("support"))
        for key, metric in _SCORES.items():
            if key in scores:
                value = finite(f"{key} of {name}", scores[key])
                metrics.append(Metric(f"{metric}{average}", value, slice=part, n=count))
    return found_in(metrics)
