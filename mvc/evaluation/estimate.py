"""Metrics with their standard errors, from the influence of each example.

The influence of an example is how much the metric changes with its weight, so that the mean of the influences is 0 and
their spread gives the standard error: Hampel, "The influence curve and its role in robust estimation", 1974. For a mean
this is the usual error, for the area under the ROC curve that of DeLong et al., 1988.
"""

from __future__ import annotations

from math import isfinite, sqrt
from typing import NamedTuple

import numpy as np

from mvc.evaluation.columns import Floats

Z = 1.959963984540054
"""Standard errors on each side of a 95 % confidence interval."""
MEAN, BINOMIAL, DELTA, DELONG, ORDER = "mean", "binomial", "delta method", "DeLong", "order statistics"


class Estimate(NamedTuple):
    """A metric of some examples."""

    name: str
    value: float
    higher_is_better: bool
    stderr: float | None = None
    ci: tuple[float, float] | None = None
    """95 % confidence interval."""
    method: str = ""
    """How the error was computed."""
    n: int | None = None
    """Examples, or queries; None if that is the number of all rows."""
    label: str = ""
    """The class that it is of; empty for all."""


def spread(influence: Floats, weight: Floats | None) -> float:
    """Return the standard error of a metric whose examples have this influence, in its units; of one example NaN."""
    n = len(influence)
    if n < 2:  # noqa: PLR2004 - no spread
        return float("nan")
    if weight is None:
        return float(np.sqrt(np.dot(influence, influence) / n / (n - 1)))
    return float(np.sqrt(np.dot(weight * weight, influence * influence))) / float(weight.sum())


SHARE, AMOUNT, UP_TO_ONE = (0.0, 1.0), (0.0, float("inf")), (float("-inf"), 1.0)
"""Ranges of metrics."""


def estimate(
    name: str, value: float, stderr: float, method: str, within: tuple[float, float], *, higher: bool,
) -> Estimate:
    """Return a metric with a symmetric interval, cut off at the metric's range; without one if `stderr` is NaN."""
    if not isfinite(stderr):
        return Estimate(name, value, higher)
    ci = (max(within[0], value - Z * stderr), min(within[1], value + Z * stderr))
    return Estimate(name, value, higher, stderr, ci, method)


def proportion(name: str, value: float, trials: float) -> Estimate:
    """Return a share of `trials` with the interval of Wilson, 1927; higher is better."""
    if trials <= 0:
        return Estimate(name, value, higher_is_better=True)
    middle = (value + Z * Z / (2 * trials)) / (1 + Z * Z / trials)
    half = Z / (1 + Z * Z / trials) * sqrt(value * (1 - value) / trials + Z * Z / (4 * trials * trials))
    ci = (max(0.0, middle - half), min(1.0, middle + half))
    stderr = sqrt(value * (1 - value) / trials)
    return Estimate(name, value, higher_is_better=True, stderr=stderr, ci=ci, method=BINOMIAL)


def mean(values: Floats, weight: Floats | None) -> float:
    """Return the weighted mean."""
    return float(values.mean()) if weight is None else float(np.dot(values, weight) / weight.sum())
