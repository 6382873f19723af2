"""Two columns of the same name: what is tested, and how far they are apart."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Literal, NamedTuple, TypeAlias

import numpy as np

from mvc.drift import distributions
from mvc.drift.columns import Numbers, Texts, Values
from mvc.drift.numbers import distances, equal_bins, stability, whole_counts
from mvc.drift.shares import psi, table_of, total_variation
from mvc.evaluation.columns import Floats

Kind: TypeAlias = Literal["number", "category", "text", "none"]
NAMED = 10
"""New and vanished categories that are named."""
_CONSTANT = "the same value everywhere"
_BINS, _BARS = 20, 12
"""Bins of numbers and bars of categories in a picture."""


class Test(NamedTuple):
    """A test, or a distance that has no p."""

    test: Literal["ks", "chi2", "missing", "wasserstein", "psi"]
    statistic: float
    p: float | None = None
    method: str = ""
    """How the p was computed."""
    effect: float = 0.0
    """The share of rows that must at least differ: 0 to 1."""
    adjusted: float | None = None
    """The p after the control of the false discovery rate over all tests."""


class Side(NamedTuple):
    """One of the two columns."""

    rows: int
    missing: int
    """Without a value that could be compared."""
    infinite: int = 0
    """Of them, those with a number that is infinite or too large."""
    mean: float | None = None
    std: float | None = None
    """Standard deviation of the numbers; None without any."""


class Categories(NamedTuple):
    """Categories that only one side has."""

    different: int
    first: tuple[str, ...]
    """Some of them, the most frequent first."""
    share: float
    """Of the rows with a value that have them."""


class Picture(NamedTuple):
    """Counts by bin or category, to draw."""

    labels: tuple[str, ...] = ()
    """Edges of the bins, or categories."""
    reference: tuple[int, ...] = ()
    current: tuple[int, ...] = ()


class ColumnDrift(NamedTuple):
    """A column on both sides."""

    name: str
    kind: Kind
    reference: Side
    current: Side
    tests: tuple[Test, ...] = ()
    drifted: bool = False
    p: float | None = None
    """The least adjusted p of its tests; None before `judge` and without a test."""
    effect: float = 0.0
    """The largest effect of its tests."""
    new: Categories | None = None
    vanished: Categories | None = None
    picture: Picture = Picture()
    note: str = ""
    """What is special, such as why values were not compared."""


def compare(name: str, reference: Values, current: Values) -> ColumnDrift:
    """Compare two columns, both of numbers or both of texts; each side has at least one row."""
    missing = _missing_test(reference, current)
    if isinstance(reference, Numbers) and isinstance(current, Numbers):
        return _numbers(name, reference, current, missing)
    if isinstance(reference, Texts) and isinstance(current, Texts):
        sides = _side(reference), _side(current)
        if reference.is_free or current.is_free:
            return ColumnDrift(name, "text", *sides, missing, note="too many or too long texts for categories")
        return _categories(name, sides, (reference.counts, current.counts), missing)
    raise TypeError(f"{name}: numbers on one side, texts on the other")


def _numbers(name: str, reference: Numbers, current: Numbers, missing: tuple[Test, ...]) -> ColumnDrift:
    sides = _side(reference), _side(current)
    one, other = reference.values, current.values
    if not len(one) or not len(other):
        return ColumnDrift(name, "none", *sides, missing, note=_empty(len(one), len(other)))
    if min(one[0], other[0]) == max(one[-1], other[-1]):
        return ColumnDrift(name, "number", *sides, missing, note=_CONSTANT)
    found = distances(one, other)
    if found.is_category:
        return _categories(name, sides, (whole_counts(one), whole_counts(other)), missing)
    ks = Test("ks", found.ks, *distributions.ks(found.ks, one, other), found.ks)
    tests = [ks, *missing, Test("psi", stability(one, other))]
    std = sides[0].std
    if std and isfinite(distance := found.wasserstein / std):
        tests.append(Test("wasserstein", distance, method="in standard deviations of the reference"))
    edges, bars, others = equal_bins(one, other, _BINS)
    picture = Picture(tuple(f"{edge:.6g}" for edge in edges), tuple(bars), tuple(others))
    return ColumnDrift(name, "number", *sides, tuple(tests), picture=picture)


def _categories(
    name: str, sides: tuple[Side, Side], counts: tuple[Mapping[str, int], Mapping[str, int]],
    missing: tuple[Test, ...],
) -> ColumnDrift:
    reference, current = counts
    if not reference or not current:
        return ColumnDrift(name, "none", *sides, missing, note=_empty(len(reference), len(current)))
    if reference.keys() == current.keys() and len(reference) == 1:
        return ColumnDrift(name, "category", *sides, missing, note=_CONSTANT)
    table = table_of(reference, current)
    tests = [Test("psi", psi(*table.astype(np.float64)))]
    if table.shape[1] > 1:
        statistic, p = distributions.chi_squared(table)
        method = "with Yates' correction" if table.shape[1] == 2 else "asymptotic"  # noqa: PLR2004 - 2 x 2
        tests.insert(0, Test("chi2", statistic, p, method, total_variation(table)))
    return ColumnDrift(
        name, "category", *sides, (*tests[:-1], *missing, tests[-1]), new=_only_in(current, reference),
        vanished=_only_in(reference, current), picture=_bars(reference, current),
    )


def _missing_test(reference: Values, current: Values) -> tuple[Test, ...]:
    """Return the exact test of Fisher of the share of missing values; nothing if no value, or all, are missing."""
    table = np.array([[side.missing, side.rows - side.missing] for side in (reference, current)], np.int64)
    if not table.sum(axis=0).all():
        return ()
    change = current.missing / current.rows - reference.missing / reference.rows
    return (Test("missing", change, distributions.fisher(table), "exact", abs(change)),)


def _side(values: Values) -> Side:
    if isinstance(values, Texts):
        return Side(values.rows, values.missing)
    return Side(values.rows, values.missing, values.infinite, *_moments(values.values))


def _moments(values: Floats) -> tuple[float | None, float | None]:
    if not len(values):
        return None, None
    if values[0] == values[-1]:  # else rounding makes a small deviation of it
        return float(values[0]), 0.0
    return float(values.mean()), float(values.std())


def _empty(one: int, other: int) -> str:
    where = "on both sides" if not one and not other else "in the reference" if not one else "in the current data"
    return f"no values {where}"


def _only_in(here: Mapping[str, int], there: Mapping[str, int]) -> Categories | None:
    found = {name: count for name, count in here.items() if name not in there}
    if not found:
        return None
    first = sorted(found, key=lambda name: (-found[name], name))[:NAMED]
    return Categories(len(found), tuple(first), sum(found.values()) / sum(here.values()))


def _bars(reference: Mapping[str, int], current: Mapping[str, int]) -> Picture:
    total = {name: reference.get(name, 0) + current.get(name, 0) for name in {**reference, **current}}
    names = sorted(total, key=lambda name: (-total[name], name))
    shown = names[:_BARS]
    sides = [[side.get(name, 0) for name in shown] for side in (reference, current)]
    if rest := names[_BARS:]:
        shown.append(f"{len(rest)} others")
        for counts, side in zip(sides, (reference, current), strict=True):
            counts.append(sum(side.get(name, 0) for name in rest))
    return Picture(tuple(shown), *map(tuple, sides))
