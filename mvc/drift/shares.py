"""Two samples of categories, as counts: rare ones merged, the PSI, the total variation."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from mvc.evaluation.columns import Floats

LEAST_EXPECTED = 5.0
"""Rows of the smaller sample that a category must be expected to have, for the chi-squared test: Cochran, 1954."""
LEAST_SHARE = 1e-4
"""What stands for a share of 0 in a PSI."""


def psi(reference: Floats, current: Floats) -> float:
    """Return the population stability index of counts by bin: the sum of (c - r) ln(c / r) over shares.

    Source: Siddiqi, "Credit Risk Scorecards", 2006, who calls less than 0.1 stable and more than 0.25 a shift.
    """
    r, c = (np.where(counts > 0, counts / counts.sum(), LEAST_SHARE) for counts in (reference, current))
    return float(np.sum((c - r) * np.log(c / r)))


def total_variation(table: NDArray[np.int64]) -> float:
    """Return the smallest share of rows that would have to change to make two rows of counts alike."""
    shares = table / table.sum(axis=1, keepdims=True)
    return float(np.abs(shares[0] - shares[1]).sum() / 2)


def table_of(reference: Mapping[str, int], current: Mapping[str, int]) -> NDArray[np.int64]:
    """Return the counts of each category in two rows. Rare categories are merged into one.

    A category is rare if the smaller sample is expected to have less than `LEAST_EXPECTED` rows with it. If that holds
    for all rare ones together, they are merged with the smallest other category. What is rare depends on both samples
    together, so merging favours no result.
    """
    names = {**reference, **current}
    counts = np.array([[side.get(name, 0) for name in names] for side in (reference, current)], np.int64)
    counts = counts[:, np.argsort(-counts.sum(axis=0), kind="stable")]
    sizes = counts.sum(axis=1)
    expected = counts.sum(axis=0) * sizes.min() / sizes.sum()
    common = int((expected >= LEAST_EXPECTED).sum())
    rest = float(expected[common:].sum())
    if common and 0 < rest < LEAST_EXPECTED:
        common -= 1
    merged = counts[:, common:].sum(axis=1, keepdims=True)
    return counts if common == counts.shape[1] else np.hstack((counts[:, :common], merged))
