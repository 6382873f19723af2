"""MLflow 2 and 3: a run as printed by its client, server or command line, and what an evaluation saves.

Formats: https://mlflow.org/docs/latest/rest-api.html, and `EvaluationResult.save`.
"""

from __future__ import annotations

from collections.abc import Collection

from msgspec.structs import replace

from mvc.errors import InvalidFormat
from mvc.quality.reports.metrics import is_number
from mvc.quality.reports.readers.found import Document, FoundMetrics, below, examples
from mvc.quality.reports.readers.plain import read_any
from mvc.quality.reports.report import Run
from mvc.quality.reports.settings import settings


def is_run(data: Document) -> bool:
    """Whether it is a run, with its data."""
    run = data.get("run", data)
    return isinstance(run, dict) and "metrics" in below(run, "data")


def read_run(data: Document, datasets: Collection[str]) -> FoundMetrics:
    """Return the metrics of a run, with its id and its parameters."""
    run = data.get("run", data)
    name = below(run, "info").get("run_id")
    found = read_any(run["data"]["metrics"], datasets)._replace(params=settings(run["data"].get("params")))
    return found._replace(run=Run("mlflow", name)) if isinstance(name, str) else found


def has_metrics(data: Document) -> bool:
    """Whether the metrics are below `metrics`."""
    metrics = data.get("metrics")
    return isinstance(metrics, list) or (isinstance(metrics, dict) and not any(map(is_number, data.values())))


def read_metrics(data: Document, datasets: Collection[str]) -> FoundMetrics:
    """Return the metrics, with the parameters beside them."""
    return read_any(data["metrics"], datasets)._replace(params=settings(data.get("params")))


# `mlflow.models.evaluate(…).save(DIR)`.

_COUNT = "example_count"


def is_evaluation(data: Document) -> bool:
    """Whether it is `metrics.json` of an evaluation, which has the number of examples."""
    return examples(data.get(_COUNT)) is not None


def read_evaluation(data: Document, datasets: Collection[str]) -> FoundMetrics:
    """Return the metrics, each of all examples."""
    n = examples(data[_COUNT])
    found = read_any({name: value for name, value in data.items() if name != _COUNT}, datasets)
    return found._replace(metrics=tuple(replace(metric, n=n) for metric in found.metrics))


def is_table(data: Document) -> bool:
    """Whether it is a table of an evaluation, with a row for each example."""
    return isinstance(data.get("columns"), list) and isinstance(data.get("data"), list)


def read_table(_: Document, __: Collection[str]) -> FoundMetrics:
    """Refuse it.

    Raises:
        InvalidFormat: always.
    """
    raise InvalidFormat("a table with a row for each example, expected the metrics.json of the evaluation")
