"""Metrics of scores by their order: the area under the ROC curve, and the average precision."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mvc.evaluation import scikit
from mvc.evaluation.columns import Floats
from mvc.evaluation.estimate import DELONG, DELTA, SHARE, Estimate, estimate


class Levels(NamedTuple):
    """The influences of a positive and of a negative example with each of the scores, the highest first."""

    positive: Floats
    negative: Floats


class Ordered(NamedTuple):
    """The examples at each of the scores, the highest first."""

    positives: Floats
    negatives: Floats
    """Sums of weights at the score."""
    positive_squares: Floats
    negative_squares: Floats
    """Sums of the squares of weights."""
    scores: Floats
    weighted: bool

    @property
    def curve(self) -> tuple[Floats, Floats]:
        """The shares of negatives and of positives at or above each score, from 0 to 1."""
        return _shares(self.negatives), _shares(self.positives)


def ordered(truth: NDArray[np.bool_], scores: Floats, weight: Floats | None) -> Ordered:
    """Sort examples of both classes by their scores."""
    found = scikit.thresholds(truth, scores, weight)
    sums = (np.diff(found.positives, prepend=0), np.diff(found.negatives, prepend=0))
    if weight is None:
        return Ordered(*sums, *sums, found.scores, weighted=False)
    squared = scikit.thresholds(truth, scores, weight**2)
    squares = (np.diff(squared.positives, prepend=0), np.diff(squared.negatives, prepend=0))
    return Ordered(*sums, *squares, found.scores, weighted=True)


def _shares(sums: Floats) -> Floats:
    found: Floats = np.concatenate(([0.0], np.cumsum(sums)))
    return found / float(found[-1])


def auc(found: Ordered) -> tuple[Estimate, Levels]:
    """Return the area under the ROC curve, with the error of DeLong et al., 1988."""
    value = scikit.area(*found.curve)
    levels = placements(found, value)
    positives, negatives = found.positives.sum(), found.negatives.sum()
    lost = (0, 0) if found.weighted else (1, 1)
    variance = sum(
        float((squares * (level * size / (positives + negatives)) ** 2).sum()) / size / max(size - less, less)
        for squares, level, size, less in zip(
            (found.positive_squares, found.negative_squares), levels, (positives, negatives), lost, strict=True,
        )
    )
    return estimate("auc", value, variance**0.5, DELONG, SHARE, higher=True), levels


def placements(found: Ordered, value: float) -> Levels:
    """Return the influences on the area: how many examples of the other class each is ranked right against."""
    positives, negatives = found.positives.sum(), found.negatives.sum()
    total = positives + negatives
    below = (negatives - np.cumsum(found.negatives) + found.negatives / 2) / negatives
    above = (np.cumsum(found.positives) - found.positives / 2) / positives
    return Levels((below - value) * total / positives, (above - value) * total / negatives)


def average_precision(found: Ordered) -> tuple[Estimate, Levels]:
    """Return the average precision: precision summed over the steps of recall."""
    total, positives = found.positives.sum() + found.negatives.sum(), found.positives.sum()
    chosen = np.cumsum(found.positives + found.negatives)
    precision = np.cumsum(found.positives)
    precision /= chosen
    value = float(np.dot(found.positives, precision) / positives)
    gain = np.divide(found.positives, chosen, out=chosen)  # in place: these may be large
    loss = gain * precision
    for sums in (gain, loss):
        np.cumsum(sums[::-1], out=sums[::-1])
    precision += gain
    precision -= loss
    precision -= value
    levels = Levels(precision * (total / positives), np.multiply(loss, -total / positives, out=loss))
    spread = np.dot(found.positive_squares, levels.positive**2) + np.dot(found.negative_squares, levels.negative**2)
    return estimate("average_precision", value, float(spread) ** 0.5 / total, DELTA, SHARE, higher=True), levels


def at(levels: Levels, found: Ordered, truth: NDArray[np.bool_], scores: Floats) -> Floats:
    """Return the influence of each example."""
    level = len(found.scores) - 1 - np.searchsorted(found.scores[::-1], scores)
    return np.where(truth, levels.positive[level], levels.negative[level])
