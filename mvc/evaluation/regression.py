"""Metrics of a regression."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import sqrt

import numpy as np

from mvc.evaluation import scikit
from mvc.evaluation.columns import Floats, Measured
from mvc.evaluation.estimate import AMOUNT, DELTA, MEAN, ORDER, UP_TO_ONE, Estimate, Z, estimate, mean, spread

LEAST, MOST_RATIO = 1e-50, 1e140
"""Of smaller true values, or larger ratios, squares would not fit in a float: their metrics are not defined."""
QUANTILES = (50, 90, 99)
"""Percentiles of the absolute error."""


def estimates(examples: Measured) -> Iterator[Estimate]:
    """Yield the metrics; R² and the percentage error are left out where they are not defined."""
    values = dict(_values(examples))
    for name, influence in _influences(examples, values):
        is_share, error = name == "r2", spread(influence, examples.weight)
        method, within = DELTA if name in {"rmse", "r2"} else MEAN, UP_TO_ONE if is_share else AMOUNT
        yield estimate(name, values[name], error, method, within, higher=is_share)
    if examples.weight is None:
        yield from _quantiles(np.sort(np.abs(examples.truth - examples.predicted)))


def influences(examples: Measured) -> Mapping[str, Floats]:
    """Return the influence of each example on the metrics, by name."""
    return dict(_influences(examples, dict(_values(examples))))


def _values(examples: Measured) -> Iterator[tuple[str, float]]:
    found = scikit.regression(*examples)
    yield "mae", found.mae
    yield "rmse", found.rmse
    spread_out = mean(_squares(examples), examples.weight) >= LEAST**2
    if examples.truth.min() < examples.truth.max() and spread_out and found.r2 > -MOST_RATIO:
        yield "r2", found.r2
    if np.abs(examples.truth).min() >= LEAST:
        yield "mape", found.mape


def _influences(examples: Measured, values: Mapping[str, float]) -> Iterator[tuple[str, Floats]]:
    truth, predicted, weight = examples
    error = np.abs(truth - predicted)
    yield "mae", error - values["mae"]
    yield "rmse", (error**2 - values["rmse"] ** 2) / (2 * values["rmse"]) if values["rmse"] else error
    if "r2" in values:
        centred = _squares(examples)
        yield "r2", (centred * (1 - values["r2"]) - error**2) / mean(centred, weight)
    if "mape" in values:
        yield "mape", error / np.abs(truth) - values["mape"]


def _squares(examples: Measured) -> Floats:
    """Return the squares of the distances of the true values from their mean."""
    return (examples.truth - mean(examples.truth, examples.weight)) ** 2


def _quantiles(error: Floats) -> Iterator[Estimate]:
    """Yield quantiles of sorted errors, with the interval between two of the errors that the binomial law gives."""
    n = len(error)
    for percent in QUANTILES:
        share = percent / 100
        half = Z * sqrt(n * share * (1 - share))
        places = (int(n * share - half), max(0, -int(-n * share // 1) - 1), int(n * share + half))
        low, value, high = (float(error[min(n - 1, max(0, place))]) for place in places)
        stderr = (high - low) / (2 * Z)
        yield Estimate(f"error_p{percent}", value, higher_is_better=False, stderr=stderr, ci=(low, high), method=ORDER)
