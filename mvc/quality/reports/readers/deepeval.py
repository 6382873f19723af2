"""deepeval: a test run, as in `DEEPEVAL_RESULTS_FOLDER` or `.deepeval/.latest_test_run.json`.

Format: https://deepeval.com/docs/evaluation-introduction; tested with deepeval 4.3.1. It has no version.
"""

from __future__ import annotations

from collections.abc import Iterator

from mvc.quality.reports.metrics import finite
from mvc.quality.reports.readers.found import Document, FoundMetrics, below, examples, free_name, objects_in
from mvc.quality.reports.report import Metric
from mvc.quality.reports.settings import settings


def fits(data: Document) -> bool:
    """Whether it is a test run."""
    return {"testCases", "metricsScores"} <= _run(data).keys()


def _run(data: Document) -> Document:
    return below(data, "testRunData") or data


def read(data: Document, _: object) -> FoundMetrics:
    """Return the pass rate of the test cases, and mean score and pass rate of each metric.

    Raises:
        InvalidFormat: a score is not a finite number.
    """
    run = _run(data)
    metrics = [*_pass_rate("", run.get("testPassed"), run.get("testFailed"))]
    metrics += [metric for item in objects_in(run, "metricsScores") for metric in _scores(item)]
    params = settings({"identifier": run.get("identifier"), "hyperparameters": below(run, "hyperparameters")})
    return FoundMetrics(tuple(metrics), params=params)


def _scores(item: Document) -> Iterator[Metric]:
    """Yield the mean over the test cases that have a score; one with an error has none, and did not pass."""
    name, scores = free_name(item.get("metric")), item.get("scores")
    values = [finite(name, score) for score in scores if score is not None] if isinstance(scores, list) else []
    if values:
        yield Metric(name, sum(values) / len(values), n=len(values))
    yield from _pass_rate(f"{name}/", item.get("passes"), item.get("fails"), item.get("errors"))


def _pass_rate(prefix: str, passed: object, *failed: object) -> Iterator[Metric]:
    done = examples(passed) or 0
    if n := done + sum(examples(number) or 0 for number in failed):
        yield Metric(f"{prefix}pass_rate", done / n, higher_is_better=True, n=n)
