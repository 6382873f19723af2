"""The result for Prometheus."""

from __future__ import annotations

from collections.abc import Iterator

from mvc.drift.result import Drift
from mvc.quality.render.exposition import gauge


def render(found: Drift, now: float) -> str:
    """Return gauges; `now` is the time of the comparison in seconds since the epoch."""
    return "".join(_lines(found, now))


def _lines(found: Drift, now: float) -> Iterator[str]:
    of = {"model": found.model, "version": found.version, "blake3": found.blake3}
    tests = [(column.name, test) for column in found.columns for test in column.tests]
    yield from gauge("mvc_drift_detected", "1 if the data drifted.", [(of, found.drifted)])
    yield from gauge("mvc_drift_columns", "Columns that were compared.", [(of, len(found.columns))])
    yield from gauge("mvc_drift_drifted_columns", "Columns that drifted.", [(of, len(found.drifted_columns))])
    yield from gauge("mvc_drift_p_value", "The p of a test, adjusted for all tests.", [
        ({**of, "column": name, "test": test.test}, test.adjusted) for name, test in tests if test.adjusted is not None
    ])
    yield from gauge("mvc_drift_statistic", "The statistic of a test, or a distance.", [
        ({**of, "column": name, "test": test.test}, test.statistic) for name, test in tests
    ])
    yield from gauge("mvc_drift_rows", "Rows of the current data.", [(of, found.current.rows)])
    yield from gauge("mvc_drift_timestamp_seconds", "When the data was compared.", [(of, now)])
