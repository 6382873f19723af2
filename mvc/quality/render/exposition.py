"""Metrics in the text format of Prometheus, which its node exporter reads from files.

Source: https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

from mvc.objects.visible import visible

Sample: TypeAlias = tuple[Mapping[str, str], float]
"""Labels and a value."""


def gauge(name: str, about: str, samples: Iterable[Sample]) -> Iterator[str]:
    """Yield the lines of a gauge."""
    yield f"# HELP {name} {about}\n"
    yield f"# TYPE {name} gauge\n"
    for labels, value in samples:
        yield f"{name}{_labels(labels)} {float(value)!r}\n"


def _labels(labels: Mapping[str, str]) -> str:
    """Return labels as written. `visible` left no line end to escape."""
    escaped = {name: visible(value).replace("\\", "\\\\").replace('"', '\\"') for name, value in labels.items()}
    return "{" + ",".join(f'{name}="{value}"' for name, value in escaped.items()) + "}"
