"""Metrics in the text format of Prometheus, which its node exporter reads from files.

Source: https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

Sample: TypeAlias = tuple[Mapping[str, str], float]
"""Labels and a value."""
_ESCAPES = str.maketrans({"\\": r"\\", '"': r'\"', "\n": r"\n"})


def gauge(name: str, about: str, samples: Iterable[Sample]) -> Iterator[str]:
    """Yield the lines of a gauge."""
    yield f"# HELP {name} {about}\n"
    yield f"# TYPE {name} gauge\n"
    for labels, value in samples:
        yield f"{name}{_labels(labels)} {float(value)!r}\n"


def _labels(labels: Mapping[str, str]) -> str:
    escaped = {name: value.translate(_ESCAPES) for name, value in labels.items()}
    return "{" + ",".join(f'{name}="{value}"' for name, value in escaped.items()) + "}"
