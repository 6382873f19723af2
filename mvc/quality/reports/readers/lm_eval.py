"""lm-eval: `results` with an object for each task or group: `METRIC,FILTER` and `METRIC_stderr,FILTER`.

Format: https://github.com/EleutherAI/lm-evaluation-harness, what `lm_eval --output_path` writes; tested with 0.4.13.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from mvc.quality.reports.metrics import error_estimate
from mvc.quality.reports.readers.found import (
    Document,
    FoundMetrics,
    NoError,
    StatedData,
    below,
    examples,
    found_in,
    of_dataset,
)
from mvc.quality.reports.report import Metric
from mvc.quality.reports.settings import settings

_NOT_COMPUTED: tuple[object, ...] = (None, "N/A", "", [])
"""What lm-eval writes instead of a standard error that it did not estimate."""
_NO_METRICS = ("alias", "name", "sample_len", "sample_count", " ")
_IDENTITIES = ("chat_template_sha", "system_instruction_sha", "lm_eval_version", "git_hash")


def fits(data: Document) -> bool:
    """Whether it has results of tasks."""
    results = data.get("results")
    if not isinstance(results, dict) or not results or not all(isinstance(task, dict) for task in results.values()):
        return False
    return "versions" in data or any("," in name for task in results.values() for name in task)


def read(data: Document, datasets: Collection[str]) -> FoundMetrics:
    """Return the metrics of all tasks and groups, with the settings that the results depend on.

    `config` has what the harness knows of the model, such as `model_sha`.
    """
    found = found_in(item for task in data["results"] for item in _task(data, task, datasets))
    identities = {key: data[key] for key in _IDENTITIES if data.get(key)}
    by_task = {key: below(data, key) for key in ("n-shot", "versions", "task_hashes")}
    stated = tuple(_stated(data, task) for task in below(data, "n-samples"))
    return found._replace(params=settings({**below(data, "config"), **identities, **by_task}), data=stated)


def _stated(data: Document, task: str) -> StatedData:
    counts = below(data, "n-samples", task)
    return StatedData(task, examples(counts.get("original")), examples(counts.get("effective")))


def _task(data: Document, task: str, datasets: Collection[str]) -> Iterator[Metric | NoError]:
    better = below(data, "higher_is_better", task)
    n = below(data, "n-samples", task).get("effective")
    results = data["results"][task]
    for key, value in results.items():
        name, _, how = key.partition(",")
        if name in _NO_METRICS or name.endswith("_stderr"):
            continue
        error = f"{name}_stderr,{how}" if how else f"{name}_stderr"
        metric = of_dataset(task, name if how in ("", "none") else f"{name}/{how}", value, datasets)
        if isinstance(metric, Metric):
            yield Metric(
                metric.name,
                metric.value,
                better.get(name) if isinstance(better.get(name), bool) else None,
                metric.dataset,
                stderr := error_estimate(results.get(error)),
                metric.slice,
                examples(below(results, "sample_count").get(key, n)),
            )
            if stderr is None and results.get(error) not in _NOT_COMPUTED:
                yield NoError(f"{task}/{error}", results[error])
