"""Each statistic and p value is what SciPy computes."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from mvc.drift.columns import MISSING, Numbers, Texts
from mvc.drift.compare import ColumnDrift, compare
from mvc.drift.distributions import MOST_EXACT, ks_asymptotic
from mvc.drift.numbers import distances, equal_bins, stability
from mvc.drift.shares import psi, table_of, total_variation

values = st.floats(-1e9, 1e9, allow_subnormal=False) | st.integers(-3, 3).map(float)
samples = st.lists(values, min_size=1, max_size=60).map(lambda found: np.sort(np.array(found)))
counts = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 60), min_size=1)


def of_numbers(one: np.ndarray, other: np.ndarray) -> ColumnDrift:
    return compare("x", Numbers(np.sort(one), 0), Numbers(np.sort(other), 0))


def of_counts(one: dict[str, int], other: dict[str, int]) -> ColumnDrift:
    return compare("x", *(Texts(side, sum(side.values()), 0) for side in (one, other)))


def by_name(column: ColumnDrift, name: str):
    return next((test for test in column.tests if test.test == name), None)


@settings(max_examples=200, deadline=None)
@given(samples, samples)
def test_distances_of_sorted_samples(one: np.ndarray, other: np.ndarray) -> None:
    found = distances(one, other)
    if min(len(one), len(other)) > 1:  # SciPy divides by 0 for one row on each side
        assert found.ks == stats.ks_2samp(one, other, method="asymp").statistic
    assert found.wasserstein == pytest.approx(stats.wasserstein_distance(one, other), rel=1e-12, abs=1e-300)
    different = np.unique(np.concatenate((one, other)))
    assert found.is_category == (len(different) <= 20 and bool((different % 1 == 0).all()))


@settings(max_examples=60, deadline=None)
@given(samples, samples)
def test_p_of_kolmogorov_smirnov(one: np.ndarray, other: np.ndarray) -> None:
    if min(len(one), len(other)) > 1:
        expected = stats.ks_2samp(one, other, method="asymp")
        assert ks_asymptotic(distances(one, other).ks, len(one), len(other)) == expected.pvalue
    test = by_name(of_numbers(one, other), "ks")
    if test and test.method == "exact":
        assert test.p == stats.ks_2samp(one, other, method="exact").pvalue
    elif test:
        assert test.p > 0.99


def test_many_rows_have_an_asymptotic_p_and_it_is_named() -> None:
    random = np.random.default_rng(1)
    one, other = random.normal(size=MOST_EXACT + 1), random.normal(0.02, 1, 3000)
    test, expected = by_name(of_numbers(one, other), "ks"), stats.ks_2samp(one, other)
    assert (test.statistic, test.p, test.method) == (expected.statistic, expected.pvalue, "asymptotic")


@settings(max_examples=150, deadline=None)
@given(counts, counts)
def test_chi_squared_of_categories_with_rare_ones_merged(one: dict[str, int], other: dict[str, int]) -> None:
    table = table_of(one, other)
    assert table.sum(axis=1).tolist() == [sum(one.values()), sum(other.values())]
    assert table.shape[1] == 1 or stats.contingency.expected_freq(table).min() >= 5
    test = by_name(of_counts(one, other), "chi2")
    assert (test is None) == (table.shape[1] == 1)
    if test:
        expected = stats.chi2_contingency(table)
        assert (test.statistic, test.p) == (expected.statistic, expected.pvalue)
        assert test.effect == total_variation(table)


def test_common_categories_stay_as_they_are() -> None:
    assert table_of({"a": 50, "b": 40}, {"b": 10, "a": 20}).tolist() == [[50, 40], [20, 10]]
    merged = table_of({"a": 50, "b": 40, "x": 4, "y": 6}, {"b": 40, "a": 50, "z": 8, "v": 2})
    assert merged.tolist() == [[50, 40, 10], [50, 40, 10]]
    assert table_of({"a": 50, "b": 40, "x": 1}, {"b": 40, "a": 50}).tolist() == [[50, 41], [50, 40]]
    assert table_of({"a": 1}, {"b": 1}).tolist() == [[1], [1]]


@pytest.mark.parametrize(("one", "other"), [((3, 97), (9, 41)), ((0, 50), (50, 50)), ((40, 60), (1, 9))])
def test_missing_values_by_the_exact_test_of_fisher(one: tuple[int, int], other: tuple[int, int]) -> None:
    sides = (Texts({"a": there}, missing + there, missing) for missing, there in (one, other))
    test = by_name(compare("x", *sides), "missing")
    assert test.p == pytest.approx(stats.fisher_exact([one, other]).pvalue)
    assert test.effect == pytest.approx(abs(one[0] / sum(one) - other[0] / sum(other)))


def test_psi_of_numbers_is_by_tenths_of_the_reference() -> None:
    random = np.random.default_rng(2)
    one, other = np.sort(random.normal(size=1000)), np.sort(random.normal(0.3, 1, 700))
    shares = np.histogram(other, [-np.inf, *np.nextafter(one[np.arange(100, 1000, 100)], np.inf), np.inf])[0] / 700
    reference = np.array([101, *[100] * 8, 99]) / 1000
    assert stability(one, other) == pytest.approx(((shares - reference) * np.log(shares / reference)).sum())


def test_psi_of_an_empty_bin_is_finite() -> None:
    assert psi(np.array([50.0, 50, 0]), np.array([50.0, 0, 50])) == pytest.approx(2 * 0.4999 * np.log(0.5 / 1e-4))


@settings(max_examples=100, deadline=None)
@given(samples, samples)
def test_a_histogram_counts_every_row(one: np.ndarray, other: np.ndarray) -> None:
    edges, *sides = equal_bins(one, other, 20)
    assert [sum(side) for side in sides] == [len(one), len(other)]
    assert all(len(side) == len(edges) - 1 for side in sides)
    assert edges == sorted(edges)


@settings(max_examples=100, deadline=None)
@given(samples, samples)
def test_no_pair_of_samples_makes_a_warning(one: np.ndarray, other: np.ndarray) -> None:
    column = of_numbers(one * 1e90, other * 1e90)  # warnings are errors
    assert all(np.isfinite(test.statistic) for test in column.tests)


def test_of_a_constant_reference_there_is_no_distance_in_standard_deviations() -> None:
    column = of_numbers(np.full(1000, 0.1), np.linspace(0, 1, 500))
    assert (column.reference.mean, column.reference.std) == (0.1, 0.0)
    assert by_name(column, "wasserstein") is None
    assert by_name(of_numbers(np.array([0, 1e-300, 1.5e-300]), np.array([1e99, 2.5e99])), "wasserstein") is None


def test_few_whole_numbers_are_categories() -> None:
    whole = np.repeat(np.arange(21.0), 30)
    assert of_numbers(whole[whole < 20], whole[whole < 20]).kind == "category"
    assert of_numbers(whole[whole < 20], whole[whole > 0]).kind == "number"
    assert of_numbers(whole[whole < 5] / 2, whole[whole < 5] / 2).kind == "number"
    assert of_numbers(np.zeros(50), np.linspace(0, 1, 50)).kind == "number"


def test_new_and_vanished_categories_are_named_the_most_frequent_first() -> None:
    column = of_counts({"a": 50, "old": 50}, {"a": 70, "n1": 10, "n2": 20})
    assert (column.new.different, column.new.first, column.new.share) == (2, ("n2", "n1"), 0.3)
    assert (column.vanished.different, column.vanished.first, column.vanished.share) == (1, ("old",), 0.5)


@pytest.mark.parametrize(("one", "other", "note"), [
    ([], [], "no values on both sides"), ([], [1.5], "no values in the reference"),
    ([1.5], [], "no values in the current data"), ([1.5, 1.5], [1.5], "the same value everywhere"),
])
def test_what_cannot_be_compared_has_a_note(one: list[float], other: list[float], note: str) -> None:
    column = compare("x", *(Numbers(np.array(side), 3 - len(side)) for side in (one, other)))
    assert column.note == note
    texts = compare("x", *(Texts(Counter(map(str, side)), 3, 3 - len(side)) for side in (one, other)))
    assert texts.note == note


def test_texts_for_missing_values_are_those_of_pyarrow() -> None:
    from pyarrow.csv import ConvertOptions

    assert set(MISSING) == set(ConvertOptions().null_values)
