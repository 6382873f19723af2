"""`dvc metrics show --json`: https://dvc.org/doc/command-reference/metrics/show."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from mvc.quality.reports.readers.found import Document, FoundMetrics
from mvc.quality.reports.readers.plain import read_tree


def fits(data: Document) -> bool:
    """Whether it is what DVC prints."""
    revision = next(iter(data.values()), None)
    if len(data) != 1 or not isinstance(revision, dict) or set(revision) != {"data"}:
        return False
    return all(map(_has_data, _files(revision)))


def _files(revision: Document) -> list[Any]:
    return list(revision["data"].values()) if isinstance(revision["data"], dict) else [None]


def _has_data(file: object) -> bool:
    return isinstance(file, dict) and isinstance(file.get("data"), dict)


def read(data: Document, datasets: Collection[str]) -> FoundMetrics:
    """Return the metrics of all files."""
    (revision,) = data.values()
    parts = [read_tree(file["data"], datasets) for file in _files(revision)]
    return FoundMetrics(
        tuple(metric for part in parts for metric in part.metrics),
        skipped=tuple(name for part in parts for name in part.skipped),
        no_errors=tuple(text for part in parts for text in part.no_errors),
    )
