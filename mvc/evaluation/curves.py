"""The curves of a classification, in few points."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from mvc.evaluation import classification
from mvc.evaluation.columns import Floats, Labelled
from mvc.evaluation.confusion import confusion
from mvc.quality.render.evaluation_charts import Curve, Matrix

POINTS = 200
"""The most points of a curve."""
MAX_LABELS = 20
"""The most labels of a confusion matrix that can be read."""


def curves(examples: Labelled) -> Iterator[Curve]:
    """Yield the ROC curve, precision against recall, and the calibration, as far as they are defined."""
    positive = examples.positive
    label = "" if positive is None else examples.truth.labels[positive]
    if positive is not None and (found := classification.one_against_others(examples, positive)):
        false, true = found.curve
        yield Curve("roc", "ROC", "false positive rate", "true positive rate", _thin(false, true), "chance", label)
        hits = np.cumsum(found.positives)
        precision, recall = hits / np.cumsum(found.positives + found.negatives), hits / hits[-1]
        title = "Precision and recall"
        yield Curve("precision-recall", title, "recall", "precision", _thin(recall, precision), positive=label)
    if classification.is_probability(examples):
        axes = ("confidence", "share that is right") if positive is None else ("score", "share of positives")
        points, counts = _calibration(examples)
        yield Curve("calibration", "Calibration", *axes, points, "perfect calibration", label, counts)


def _thin(x: Floats, y: Floats) -> tuple[tuple[float, float], ...]:
    rows = np.unique(np.linspace(0, len(x) - 1, min(POINTS, len(x))).astype(np.int64))
    return tuple((float(one), float(other)) for one, other in zip(x[rows], y[rows], strict=True))


def _calibration(examples: Labelled) -> tuple[tuple[tuple[float, float], ...], tuple[int, ...]]:
    """Return confidence and accuracy of each bin that has examples, and their number."""
    found, weight = classification.bins(examples), examples.weight
    confidence = examples.scores if examples.scores is not None and examples.scores.ndim == 1 else None
    if confidence is None:
        confidence = np.empty(0) if examples.scores is None else examples.scores.max(1)
    sizes, sums, surplus = (
        np.bincount(found.bin, values, classification.BINS)
        for values in (weight, _weighted(confidence, weight), _weighted(found.surplus, weight))
    )
    there = sizes > 0
    x = sums[there] / sizes[there]
    points = ((float(one), float(one + more)) for one, more in zip(x, surplus[there] / sizes[there], strict=True))
    return tuple(points), tuple(map(int, np.bincount(found.bin, minlength=classification.BINS)[there]))


def _weighted(values: Floats, weight: Floats | None) -> Floats:
    return values if weight is None else values * weight


def matrix(examples: Labelled) -> Matrix | None:
    """Return the shares of the predicted labels; None for too many labels."""
    labels = examples.truth.labels
    if len(labels) > MAX_LABELS:
        return None
    weights = confusion(examples).weights
    shares = weights / weights.sum(1, keepdims=True)
    return Matrix(labels, tuple(tuple(map(float, row)) for row in shares))
