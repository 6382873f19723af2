"""The metrics of a report: from the command line, from a file or from plain data."""

from __future__ import annotations

import os
import shlex
from collections.abc import Collection, Iterable

from msgspec.structs import replace

from mvc.errors import UsageError
from mvc.ops.reports.options import RecordOptions
from mvc.quality.reports.directions import higher_is_better
from mvc.quality.reports.metrics import parse_metric
from mvc.quality.reports.readers.found import FoundMetrics, StatedData
from mvc.quality.reports.report import Dataset, Metric, label


def given_metrics(cwd: str, options: RecordOptions, ids: Collection[str]) -> FoundMetrics:
    """Return the given metrics; those on the command line replace others of the same name.

    Raises:
        UsageError: a metric is given twice, or the file cannot be read.
        InvalidFormat: the file or the data is invalid.
    """
    found = _in_file_or_data(cwd, options, ids)
    on_command_line = _by_label((parse_metric(word, ids) for word in options.metrics), ids)
    if options.measured and (both := sorted(_by_label(found.metrics, ids).keys() & on_command_line.keys())):
        raise UsageError(f"{both[0]} is computed from the predictions", "name that metric otherwise")
    return found._replace(metrics=tuple({**_by_label(found.metrics, ids), **on_command_line}.values()))


def _by_label(metrics: Iterable[Metric], ids: Collection[str]) -> dict[str, Metric]:
    """Return metrics by label; a single data set is that of every metric whose own data set is not named."""
    only = next(iter(ids)) if len(ids) == 1 else ""
    labelled: dict[str, Metric] = {}
    for metric in metrics:
        placed = metric if "dataset" in metric.slice else replace(metric, dataset=metric.dataset or only)
        if (name := label(placed)) in labelled:
            raise UsageError(f"duplicate metric {name}", f"--metric {shlex.quote(f'{name}=NUMBER')}  # once")
        labelled[name] = placed
    return labelled


def _in_file_or_data(cwd: str, options: RecordOptions, ids: Collection[str]) -> FoundMetrics:
    if not options.file and options.data is None:
        return FoundMetrics(options.measured)
    from mvc.quality.reports.metric_files import find_metrics, read_file, read_metrics  # noqa: PLC0415 - import time

    if not options.file:
        return find_metrics(options.data, options.source, ids)
    try:
        with open(os.path.join(cwd, options.file), "rb") as file:
            raw = read_file(file, options.source)
    except OSError as error:
        raise UsageError(f"{options.source}: {error.strerror or error}", "--metrics FILE") from None
    return read_metrics(raw, options.source, ids)


def with_stated(datasets: Iterable[Dataset], stated: Iterable[StatedData], source: str) -> list[Dataset]:
    """Return the data sets with the numbers of examples that the metrics file has.

    Raises:
        UsageError: by the file, its metrics are of another content of a data set.
    """
    datasets, stated = [*datasets], [*stated]
    by_id = {item.id: item for item in stated}
    only = stated[0] if len(stated) == len(datasets) == 1 else None
    return [_with_counts(item, by_id.get(item.id, only), source) for item in datasets]


def _with_counts(item: Dataset, stated: StatedData | None, source: str) -> Dataset:
    if stated is None:
        return item
    if stated.blake3 not in ("", item.blake3):
        message = f"{source} is about other content of the data set {item.id}: {stated.blake3}, found {item.blake3}"
        raise UsageError(message, f"--dataset {shlex.quote(f'{item.id}=PATH')}")
    n = item.n if stated.n is None else stated.n
    return replace(item, n=n, used=stated.used if StatedData(item.id, n, stated.used).is_limited else None)


def with_directions(metrics: Iterable[Metric], options: RecordOptions, earlier: Iterable[Metric]) -> list[Metric]:
    """Return the metrics with their directions: from the options, the file, the `earlier` report, or the name.

    Raises:
        UsageError: an option names a metric that is not given.
    """
    from_earlier = {item.name: item.higher_is_better for item in earlier}
    from_options = {**dict.fromkeys(options.higher, True), **dict.fromkeys(options.lower, False)}
    metrics = list(metrics)
    if unknown := next((name for name in from_options if name not in {item.name for item in metrics}), ""):
        raise UsageError(f"no metric {unknown!r} is given", f"--metric {shlex.quote(f'{unknown}=NUMBER')}")

    def direction(metric: Metric) -> bool | None:
        name = metric.name
        known = (from_options.get(name), metric.higher_is_better, from_earlier.get(name), higher_is_better(name))
        return next((higher for higher in known if higher is not None), None)

    return [replace(item, higher_is_better=direction(item)) for item in metrics]
