"""Which columns drifted: a decision over all tests of all columns.

A column drifted if one of its tests is significant with the false discovery rate controlled over all tests, and if its
effect is at least `LEAST_EFFECT`. Without the second condition, any two samples of millions of rows would differ.
"""

from __future__ import annotations

from collections.abc import Iterable

from mvc.drift.compare import ColumnDrift
from mvc.drift.distributions import adjusted

LEAST_EFFECT = 0.01
"""The share of rows that must at least differ: the statistic of Kolmogorov-Smirnov, the total variation of categories,
the difference of the shares of missing values. Of fewer than about 30,000 rows, numbers that differ significantly
differ by more."""


def judge(columns: Iterable[ColumnDrift], level: float) -> tuple[ColumnDrift, ...]:
    """Return the columns with their verdicts, those that drifted first, then by p and effect.

    Args:
        columns: all that were compared; one whose type changed has drifted already.
        level: the false discovery rate, between 0 and 1.
    """
    columns = list(columns)
    found = iter(adjusted([test.p for column in columns for test in column.tests if test.p is not None]))
    judged = []
    for column in columns:
        tests = tuple(test if test.p is None else test._replace(adjusted=next(found)) for test in column.tests)
        judged.append(_judged(column._replace(tests=tests), level))
    return tuple(sorted(judged, key=_rank))


def _judged(column: ColumnDrift, level: float) -> ColumnDrift:
    found = [(test.adjusted, test.effect) for test in column.tests if test.adjusted is not None]
    return column._replace(
        drifted=column.drifted or any(p <= level and effect >= LEAST_EFFECT for p, effect in found),
        p=min((p for p, _ in found), default=None), effect=max((effect for _, effect in found), default=column.effect),
    )


def _rank(column: ColumnDrift) -> tuple[bool, float, float, str]:
    return not column.drifted, 2.0 if column.p is None else column.p, -column.effect, column.name
