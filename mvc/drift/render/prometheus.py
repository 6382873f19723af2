"""The result for Prometheus, in the text format that its node exporter reads from files.

Source: https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format.
"""

from __future__ import annotations

from collections.abc import Iterator

from mvc.drift.result import Drift
from mvc.objects.visible import visible


def render(found: Drift, now: float) -> str:
    """Return gauges; `now` is the time of the comparison in seconds since the epoch."""
    return "".join(f"{line}\n" for line in _lines(found, now))


def _lines(found: Drift, now: float) -> Iterator[str]:
    of = {"model": found.model, "version": found.version, "blake3": found.blake3}
    tests = [(column.name, test) for column in found.columns for test in column.tests]
    yield from _family("mvc_drift_detected", "1 if the data drifted.", [(of, found.drifted)])
    yield from _family("mvc_drift_columns", "Columns that were compared.", [(of, len(found.columns))])
    yield from _family("mvc_drift_drifted_columns", "Columns that drifted.", [(of, len(found.drifted_columns))])
    yield from _family("mvc_drift_p_value", "The p of a test, adjusted for all tests.", [
        ({**of, "column": name, "test": test.test}, test.adjusted) for name, test in tests if test.adjusted is not None
    ])
    yield from _family("mvc_drift_statistic", "The statistic of a test, or a distance.", [
        ({**of, "column": name, "test": test.test}, test.statistic) for name, test in tests
    ])
    yield from _family("mvc_drift_rows", "Rows of the current data.", [(of, found.current.rows)])
    yield from _family("mvc_drift_timestamp_seconds", "When the data was compared.", [(of, now)])


def _family(name: str, about: str, samples: list[tuple[dict[str, str], float]]) -> Iterator[str]:
    yield f"# HELP {name} {about}"
    yield f"# TYPE {name} gauge"
    for labels, value in samples:
        yield f"{name}{_labels(labels)} {float(value)!r}"


def _labels(labels: dict[str, str]) -> str:
    """Return labels as written. `visible` left no line end to escape."""
    escaped = {name: visible(value).replace("\\", "\\\\").replace('"', '\\"') for name, value in labels.items()}
    return "{" + ",".join(f'{name}="{value}"' for name, value in escaped.items()) + "}"
