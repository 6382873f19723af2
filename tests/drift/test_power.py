"""Data without drift is rarely said to drift, and drift that was planted is found."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from scipy import stats

from mvc.drift.columns import Numbers, Texts
from mvc.drift.compare import ColumnDrift, compare
from mvc.drift.judge import LEAST_EFFECT, judge

LEVEL, SETS = 0.05, 1000


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(23)


def numbers(values: np.ndarray) -> Numbers:
    there = values[~np.isnan(values)]
    return Numbers(np.sort(there), len(values) - len(there))


def texts(values: np.ndarray, missing: int = 0) -> Texts:
    return Texts(Counter(values.tolist()), len(values) + missing, missing)


def with_gaps(random: np.random.Generator, values: np.ndarray, share: float) -> np.ndarray:
    return np.where(random.random(len(values)) < share, np.nan, values)


def sample(
    random: np.random.Generator, n: int, mean: float = 0.0, std: float = 1.0, share: float = 0.3, gaps: float = 0.1,
) -> list[Numbers | Texts]:
    """Return columns: numbers, correlated ones, tied ones, with gaps, categories, rare ones."""
    normal = random.normal(mean, std, n)
    shares = np.array([share, *[(1 - share) / 4] * 4])
    rare = 1 / np.arange(1, 13) ** 1.5
    return [
        numbers(normal), numbers(normal + random.normal(0, 0.5, n)), numbers(np.round(random.exponential(2, n), 1)),
        numbers(with_gaps(random, random.normal(size=n), gaps)), texts(random.choice(list("abcde"), n, p=shares)),
        texts(random.choice(list("abcdefghijkl"), n, p=rare / rare.sum())),
    ]


def drift(one: list[Numbers | Texts], other: list[Numbers | Texts]) -> dict[str, ColumnDrift]:
    pairs = zip("nmtgcr", one, other, strict=True)
    return {column.name: column for column in judge([compare(*pair) for pair in pairs], LEVEL)}


def test_null_data_drifts_no_more_often_than_the_level(random: np.random.Generator) -> None:
    found = (drift(sample(random, 150), sample(random, 100)) for _ in range(SETS))
    rejected = sum(any(column.drifted for column in columns.values()) for columns in found)
    assert 0 < rejected <= stats.binom.ppf(0.99, SETS, LEVEL)


@pytest.mark.parametrize(("column", "shift"), [
    ("n", {"mean": 0.3}), ("n", {"std": 1.5}), ("c", {"share": 0.42}), ("g", {"gaps": 0.2}),
])
def test_planted_drift_is_found_and_only_there(
    column: str, shift: dict[str, float], random: np.random.Generator,
) -> None:
    found = [drift(sample(random, 1000), sample(random, 800, **shift)) for _ in range(20)]
    assert sum(item[column].drifted for item in found) >= 19
    others = set("nmtgcr") - {column} - ({"m"} if column == "n" else set())
    assert sum(any(item[name].drifted for name in others) for item in found) <= 4


def test_p_values_are_adjusted_over_all_tests_of_all_columns(random: np.random.Generator) -> None:
    columns = drift(sample(random, 300), sample(random, 200, mean=0.25))
    tests = [test for column in columns.values() for test in column.tests if test.p is not None]
    expected = stats.false_discovery_control([test.p for test in tests])
    assert [test.adjusted for test in tests] == pytest.approx(list(expected))
    assert len(tests) == 7
    least = [min(test.adjusted for test in column.tests if test.p is not None) for column in columns.values()]
    assert [column.p for column in columns.values()] == least


def test_a_difference_without_effect_is_no_drift() -> None:
    n = 10_000_000
    near, far = ({"a": int(n * share), "b": n - int(n * share)} for share in (0.509, 0.511))
    base = Texts({"a": n // 2, "b": n // 2}, n, 0)
    for counts, expected in ((near, False), (far, True)):
        (column,) = judge([compare("x", base, Texts(counts, n, 0))], LEVEL)
        assert column.p < 1e-100
        assert column.drifted is expected
        assert (column.effect >= LEAST_EFFECT) is expected
