"""Two samples of numbers: Kolmogorov-Smirnov, the distance of Wasserstein and the population stability index (PSI)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mvc.drift.shares import psi
from mvc.evaluation.columns import Floats

BINS = 10
"""Bins of the PSI, with equal shares of the reference where values are not tied."""
MOST_WHOLE = 20
"""Different whole numbers up to which they are categories."""


class Distances(NamedTuple):
    """How far two samples are apart."""

    ks: float
    """The largest difference of the distribution functions."""
    wasserstein: float
    """The area between the distribution functions, in the units of the values."""
    is_category: bool
    """Whether both samples together have few different values, all of them whole."""


def distances(one: Floats, other: Floats) -> Distances:
    """Compare two sorted samples that are not empty, in one pass over both in their order."""
    values = np.concatenate((one, other))
    order = np.argsort(values, kind="stable")  # merges two sorted runs
    values = values[order]
    steps = np.diff(values)
    seen = np.cumsum(order < len(one))
    seen_other = np.arange(1, len(values) + 1) - seen
    differences = np.abs(seen / len(one) - seen_other / len(other))
    ends = steps > 0  # in the middle of ties, only a part of them is counted
    different = int(ends.sum()) + 1
    is_whole = different <= MOST_WHOLE and bool((np.append(values[:-1][ends], values[-1]) % 1 == 0).all())
    ks = float(differences[:-1][ends].max(initial=0.0))
    return Distances(ks, float(np.sum(differences[:-1] * steps)), is_whole)


def whole_counts(values: Floats) -> dict[str, int]:
    """Return the rows with each of few different whole numbers."""
    found, counts = np.unique(values, return_counts=True)
    return {str(int(value)): int(count) for value, count in zip(found, counts, strict=True)}


def stability(reference: Floats, current: Floats) -> float:
    """Return the PSI of two sorted samples that are not empty, by quantiles of the reference."""
    places = np.arange(1, BINS) * len(reference) // BINS
    edges = np.unique(reference[places])
    return psi(_binned(reference, edges), _binned(current, edges))


def _binned(values: Floats, edges: Floats) -> Floats:
    """Count the values up to each edge, and above the last one."""
    up_to = np.searchsorted(values, edges, "right")
    return np.diff(up_to, prepend=0, append=len(values)).astype(np.float64)


def equal_bins(reference: Floats, current: Floats, bins: int) -> tuple[list[float], list[int], list[int]]:
    """Return the edges of bins of equal width and the counts in them; the first and the last have all beyond, too.

    The bins span the inner 98 % of both samples, so that a few far values do not fill the picture.
    """
    there = [values for values in (reference, current) if len(values)]
    low = min(float(values[len(values) // 100]) for values in there)
    high = max(float(values[-1 - len(values) // 100]) for values in there)
    edges = np.linspace(low, high, bins + 1) if low < high else np.array([low, high])
    counts = [_binned(values, edges[1:-1]).astype(int).tolist() for values in (reference, current)]
    return edges.tolist(), counts[0], counts[1]
