"""Every Eval Ever 0.3: the results of one model, as one JSON file of the shared database.

Format: https://github.com/evaleval/every_eval_ever, `eval.schema.json`; tested with the package every-eval-ever 0.3.0.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from mvc.errors import InvalidFormat
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
from mvc.quality.reports.report import Metric, Parameter, label
from mvc.quality.reports.settings import settings

_VERSION = "0.3"
_LEVEL = 0.95
"""The confidence level of a report's intervals."""


def fits(data: Document) -> bool:
    """Whether it is such a file."""
    return "schema_version" in data and "evaluation_results" in data


def read(data: Document, datasets: Collection[str]) -> FoundMetrics:
    """Return the metrics: `EVALUATION/METRIC`.

    Raises:
        InvalidFormat: a result has no score, or the schema is of another version.
    """
    version = str(data["schema_version"])
    check_version("Every Eval Ever", ".".join(version.split(".")[:2]), _VERSION)
    results = objects_in(data, "evaluation_results")
    found = found_in(item for result in results for item in _result(result, datasets))
    left_out = tuple(text for result in results for text in _left_out(result, datasets))
    return found._replace(params=_params(data), data=_stated(results, datasets), left_out=left_out)


def _params(data: Document) -> dict[str, Parameter]:
    """Return what the file says about model and source: its claims, which nothing is held against."""
    model, source, library = (below(data, key) for key in ("model_info", "source_metadata", "eval_library"))
    return settings({
        "model": model.get("id"), "inference_engine": below(model, "inference_engine"),
        "source": {key: source.get(key) for key in ("source_name", "source_type", "evaluator_relationship")},
        "eval_library": {key: library.get(key) for key in ("name", "version")},
        "evaluation_id": data.get("evaluation_id"),
    })


def _stated(results: Iterable[Document], datasets: Collection[str]) -> tuple[StatedData, ...]:
    """Return the numbers of examples of each evaluation, where all its results agree on them."""
    found: dict[str, StatedData] = {}
    for result in results:
        name = _dataset(result, datasets) or free_name(result.get("evaluation_name"))
        source, uncertainty = below(result, "source_data"), below(result, "score_details", "uncertainty")
        stated = StatedData(name, examples(source.get("samples_number")), examples(uncertainty.get("num_samples")))
        found[name] = stated if found.get(name, stated) == stated else StatedData(name)
    return tuple(found.values())


def _result(result: Document, datasets: Collection[str]) -> Iterator[Metric | NoError]:
    name, config, details = _name(result, datasets), below(result, "metric_config"), below(result, "score_details")
    score, uncertainty = finite(name, details.get("score")), below(details, "uncertainty")
    if config.get("has_unknown_level") is True and score == -1:
        raise InvalidFormat(f"{name} is unknown, expected a number")
    error, interval = below(uncertainty, "standard_error"), _interval(result)
    lower, stderr = config.get("lower_is_better"), error_estimate(error.get("value"))
    methods = (error.get("method") if stderr is not None else "", interval.get("method"))
    metric = Metric(
        name, score, not lower if isinstance(lower, bool) else None, _dataset(result, datasets), stderr,
        n=examples(uncertainty.get("num_samples")),
        ci=(_end(name, interval, "lower"), _end(name, interval, "upper")) if interval else None,
        method=next((text for text in methods if isinstance(text, str)), ""),
    )
    yield metric
    if error and stderr is None:
        yield NoError(f"stderr of {label(metric)}", error.get("value"))


def _interval(result: Document) -> Document:
    """Return the confidence interval, if its level is that of reports."""
    interval = below(result, "score_details", "uncertainty", "confidence_interval")
    return interval if interval.get("confidence_level") == _LEVEL else {}


def _end(name: str, interval: Document, end: str) -> float:
    return finite(f"{end} end of the interval of {name}", interval.get(end))


def _left_out(result: Document, datasets: Collection[str]) -> Iterator[str]:
    interval = below(result, "score_details", "uncertainty", "confidence_interval")
    if interval and not _interval(result):
        level = shown(interval.get("confidence_level"))
        yield f"the confidence interval of {_name(result, datasets)}: its level is {level}, expected {_LEVEL}"


def _name(result: Document, datasets: Collection[str]) -> str:
    config = below(result, "metric_config")
    metric = free_name(config.get("metric_name") or config.get("metric_id") or config.get("evaluation_description"))
    return metric if _dataset(result, datasets) else f"{free_name(result.get('evaluation_name'))}/{metric}"


def _dataset(result: Document, datasets: Collection[str]) -> str:
    names = (result.get("evaluation_name"), below(result, "source_data").get("dataset_name"))
    return next((name for name in names if isinstance(name, str) and name in datasets), "")
