"""Probabilities of the tests. SciPy is imported only here.

Sources: Hodges, "The significance probability of the Smirnov two-sample test", 1958 (exact p of Kolmogorov-Smirnov);
Yates, 1934 (correction of a table of 2 x 2); Fisher, 1922 (exact test of such a table); Benjamini and Hochberg, 1995.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from mvc.evaluation.columns import Floats

MOST_EXACT = 10_000
"""Rows of the larger side up to which the exact p of Kolmogorov-Smirnov is computed, as SciPy does."""
_LEAST_SCALED = 0.35
"""Below this statistic, times the root of the effective size, p is asymptotic: it is above 0.99 anyway, and
the exact sum of SciPy may exceed 1 by rounding, and then it warns."""


def ks(statistic: float, one: Floats, other: Floats) -> tuple[float, str]:
    """Return the p of Kolmogorov-Smirnov, two-sided, and how it was computed: `exact` or `asymptotic`.

    With ties the exact p is an upper bound.
    """
    n, m = len(one), len(other)
    if max(n, m) > MOST_EXACT or statistic * sqrt(n * m / (n + m)) < _LEAST_SCALED:
        return ks_asymptotic(statistic, n, m), "asymptotic"
    from scipy.stats import ks_2samp  # noqa: PLC0415 - takes a second

    return float(ks_2samp(one, other, method="exact").pvalue), "exact"


def ks_asymptotic(statistic: float, n: int, m: int) -> float:
    """Return the p from the distribution for one sample of the effective size nm / (n + m), rounded as SciPy does."""
    from scipy.stats import kstwo  # noqa: PLC0415 - as above

    return float(np.clip(kstwo.sf(statistic, max(1.0, np.round(n * m / (n + m)))), 0, 1))


def chi_squared(table: NDArray[np.int64]) -> tuple[float, float]:
    """Return statistic and p of the test of homogeneity of a table, corrected as Yates did if it is 2 x 2."""
    from scipy.stats import chi2_contingency  # noqa: PLC0415 - as above

    found = chi2_contingency(table)
    return float(found.statistic), float(found.pvalue)


def fisher(table: NDArray[np.int64]) -> float:
    """Return the p of Fisher's exact test of a table of 2 x 2, two-sided."""
    from scipy.stats import fisher_exact  # noqa: PLC0415 - as above

    return float(fisher_exact(table).pvalue)


def adjusted(values: Sequence[float]) -> list[float]:
    """Return p values adjusted so that those up to a level have at most that false discovery rate."""
    from scipy.stats import false_discovery_control  # noqa: PLC0415 - as above

    return [float(value) for value in false_discovery_control(values)] if values else []
