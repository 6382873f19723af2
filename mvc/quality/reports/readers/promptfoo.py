"""promptfoo: the results of `promptfoo eval -o FILE.json`.

Format: https://www.promptfoo.dev/docs/configuration/outputs; tested with promptfoo 0.123.1, which writes version 3.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mvc.errors import InvalidFormat
from mvc.quality.reports.metrics import finite
from mvc.quality.reports.readers.found import (
    Document,
    FoundMetrics,
    below,
    check_version,
    examples,
    free_name,
    objects_in,
)
from mvc.quality.reports.report import Metric, Run
from mvc.quality.reports.settings import settings

_VERSION = "3"
_LONGEST_LABEL = 100
_ID = 12
_ONE = "promptfoo eval --filter-providers PROVIDER -o FILE.json  # for the model that the report is of"


def fits(data: Document) -> bool:
    """Whether it has results of promptfoo."""
    return {"version", "stats"} <= below(data, "results").keys()


def read(data: Document, _: object) -> FoundMetrics:
    """Return pass rate, score and named scores; of several prompts, as a slice each.

    Raises:
        InvalidFormat: the results are of several models, or of another version.
    """
    results = data["results"]
    check_version("promptfoo's results", results["version"], _VERSION)
    prompts = objects_in(results, "prompts")
    providers = sorted({free_name(prompt.get("provider")) for prompt in prompts})
    if len(providers) > 1:
        raise InvalidFormat(f"results of several models: {', '.join(providers)}", _ONE)
    metrics = tuple(metric for prompt in prompts for metric in _prompt(prompt, several=len(prompts) > 1))
    run, version = data.get("evalId"), below(data, "metadata").get("promptfooVersion")
    # The configuration may hold keys of the provider.
    params = settings({"model": providers[0] if providers else None, "packages": {"promptfoo": version}})
    return FoundMetrics(metrics, Run("promptfoo", run) if isinstance(run, str) and run else None, params)


def _prompt(prompt: Document, *, several: bool) -> Iterator[Metric]:
    part = {"prompt": _prompt_name(prompt)} if several else {}
    found = below(prompt, "metrics")
    passed, failed, errors = (examples(found.get(f"test{kind}Count")) or 0 for kind in ("Pass", "Fail", "Error"))
    if n := passed + failed + errors:
        yield Metric("pass_rate", passed / n, higher_is_better=True, slice=part, n=n)
        yield Metric("score", finite("score", found.get("score")) / n, higher_is_better=True, slice=part, n=n)
    for key, total in below(found, "namedScores").items():
        name, count = free_name(key), examples(below(found, "namedScoresCount").get(key))
        yield Metric(name, finite(name, total) / _weight(found, key), slice=part, n=count)


def _prompt_name(prompt: Document) -> str:
    """Return the label; for one that is the text of a long prompt, its id."""
    label = free_name(prompt.get("label"))
    return label if len(label) <= _LONGEST_LABEL and label.isprintable() else free_name(prompt.get("id"))[:_ID]


def _weight(found: Document, name: str) -> float:
    """Return by what a sum of scores is divided; 1 for a derived metric, which is no sum."""
    weights: list[Any] = [below(found, key).get(name) for key in ("namedScoreWeights", "namedScoresCount")]
    return next((finite(name, weight) for weight in weights if weight), 1.0)
