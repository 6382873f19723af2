"""Metrics of a classification."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mvc.evaluation import ranks, scikit
from mvc.evaluation.columns import Floats, Labelled
from mvc.evaluation.confusion import CellMetric, confusion, metrics
from mvc.evaluation.estimate import AMOUNT, DELTA, MEAN, SHARE, Estimate, estimate, mean, spread

BINS = 15
"""Bins of equal width of the calibration error: Guo et al., "On calibration of modern neural networks", 2017."""
_ROUNDED = 1e-3
"""How far from 1 the sum of probabilities may be that were written with 4 digits."""
_EXACT = 1e-9
"""The same of those that were not rounded: scikit-learn warns of 1.5e-8."""
_TINY = float(np.finfo(np.float64).eps)
"""The least probability in a logistic loss, as in scikit-learn."""


def estimates(examples: Labelled) -> Iterator[Estimate]:
    """Yield the metrics. Those of scores are left out where there is one class only."""
    yield from (item.estimate for item in _cells(examples))
    if examples.scores is None:
        return
    for ordering in _orders(examples):
        yield ordering.estimate
    for loss in _losses(examples):
        yield loss.estimate


def influences(examples: Labelled) -> Mapping[str, Floats]:
    """Return the influence of each example on the metrics of all examples, by name."""
    truth, predicted = examples.truth.codes, examples.predicted.codes
    cells = (item for item in _cells(examples) if not item.estimate.label)
    found = {item.estimate.name: item.influence[truth, predicted] for item in cells}
    if examples.scores is not None:
        for ordering in _orders(examples):
            found[ordering.estimate.name] = ordering.influence()
        for loss in _losses(examples):
            found[loss.estimate.name] = loss.values - loss.estimate.value
    return found


def _cells(examples: Labelled) -> Iterator[CellMetric]:
    return metrics(confusion(examples), examples.positive, examples.truth.labels)


# Metrics of the order of scores.


class _Order(NamedTuple):
    """A metric, and what returns the influence of each example."""

    estimate: Estimate
    influence: Callable[[], Floats]


def one_against_others(examples: Labelled, label: int) -> ranks.Ordered | None:
    """Return the examples in the order of the scores of a label; None where it is always true, or never."""
    if examples.scores is None:
        return None
    truth = examples.truth.codes == label
    return ranks.ordered(truth, _scores(examples, label), examples.weight) if truth.any() and not truth.all() else None


def _scores(examples: Labelled, label: int) -> Floats:
    scores = np.empty(0) if examples.scores is None else examples.scores
    return scores if scores.ndim == 1 else scores[:, label]


def _orders(examples: Labelled) -> Iterator[_Order]:
    """Yield the metrics of the positive label, or the mean over all labels, each against the others."""
    label = examples.positive
    if label is None:
        yield from _each_against_others(examples)
    elif found := one_against_others(examples, label):
        truth, scores = examples.truth.codes == label, _scores(examples, label)
        for estimate_, levels in (ranks.auc(found), ranks.average_precision(found)):
            yield _Order(estimate_, partial(ranks.at, levels, found, truth, scores))


def _each_against_others(examples: Labelled) -> Iterator[_Order]:
    influence = np.zeros(len(examples.truth.codes))
    values: list[float] = []
    for label in range(len(examples.truth.labels)):
        if found := one_against_others(examples, label):
            area, levels = ranks.auc(found)
            influence += ranks.at(levels, found, examples.truth.codes == label, _scores(examples, label))
            values.append(area.value)
    if values:
        influence /= len(values)
        value, error = sum(values) / len(values), spread(influence, examples.weight)
        yield _Order(estimate("auc_macro", value, error, DELTA, SHARE, higher=True), lambda: influence)


# Losses of probabilities.


class Loss(NamedTuple):
    """A metric that is a mean of values, one for each example."""

    estimate: Estimate
    values: Floats


def is_probability(examples: Labelled) -> bool:
    """Whether the scores can be probabilities: from 0 to 1, and those of several labels add up to 1."""
    scores = examples.scores
    if scores is None or not (scores.min() >= 0 and scores.max() <= 1):
        return False
    return scores.ndim == 1 or bool(np.abs(scores.sum(1) - 1).max() < _ROUNDED)


def _losses(examples: Labelled) -> Iterator[Loss]:
    scores, weight = examples.scores, examples.weight
    if scores is None or not is_probability(examples):
        return
    truth = examples.truth.codes
    if examples.positive == 0 and scores.ndim == 1:  # scikit-learn takes the second of two labels as positive
        truth = 1 - truth
    scores = _summing_to_one(scores)
    likelihood = np.where(truth == 1, scores, 1 - scores) if scores.ndim == 1 else scores[np.arange(len(truth)), truth]
    log = -np.log(np.clip(likelihood, _TINY, 1 - _TINY))
    yield _loss("log_loss", scikit.log_loss(truth, scores, weight), log, weight)
    squares = (1 - likelihood) ** 2 if scores.ndim == 1 else (scores**2).sum(1) - 2 * likelihood + 1
    yield _loss("brier", scikit.brier(truth, scores, weight), squares, weight)
    yield _calibration(examples)


def _summing_to_one(scores: Floats) -> Floats:
    """Return probabilities without rounding errors in their sum."""
    sums: Floats = scores.sum(-1)
    return scores if scores.ndim == 1 or np.abs(sums - 1).max() < _EXACT else scores / sums[:, None]


def _loss(name: str, value: float, values: Floats, weight: Floats | None) -> Loss:
    return Loss(estimate(name, value, spread(values - value, weight), MEAN, AMOUNT, higher=False), values)


class Bins(NamedTuple):
    """Examples by their confidence, which is the score of the positive or of the most likely label."""

    bin: NDArray[np.int64]
    """Of each example, counted from 0."""
    surplus: Floats
    """Of each example: whether the label is right, less the confidence."""


def bins(examples: Labelled) -> Bins:
    """Sort examples into bins of equal width; they need scores that are probabilities."""
    scores = examples.scores
    if scores is None:
        raise ValueError("no scores")
    if scores.ndim == 1:
        confidence, right = scores, examples.truth.codes == examples.positive
    else:
        confidence, right = scores.max(1), examples.truth.codes == scores.argmax(1)
    return Bins(np.minimum((confidence * BINS).astype(np.int64), BINS - 1), right - confidence)


def _calibration(examples: Labelled) -> Loss:
    """Return the expected calibration error: how far confidence and accuracy are apart, bin by bin."""
    found, weight = bins(examples), examples.weight
    added = found.surplus if weight is None else found.surplus * weight
    sign = np.sign(np.bincount(found.bin, added, BINS))
    values = sign[found.bin] * found.surplus
    value = mean(values, weight)
    return Loss(estimate("ece", value, spread(values - value, weight), DELTA, SHARE, higher=False), values)
