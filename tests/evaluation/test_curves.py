"""The curves are those of scikit-learn, in few points."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as sk
from sklearn.calibration import calibration_curve

from mvc.evaluation.classification import BINS
from mvc.evaluation.columns import Coded, Labelled
from mvc.evaluation.curves import POINTS, curves, matrix

RANDOM = np.random.default_rng(2)
TRUTH = RANDOM.integers(0, 2, 1000).astype(np.int32)
SCORE = np.clip(0.5 + 0.3 * (TRUTH - 0.5) + RANDOM.normal(0, 0.2, 1000), 0, 1)
PREDICTED = (SCORE >= 0.5).astype(np.int32)
EXAMPLES = Labelled(Coded(("0", "1"), TRUTH), Coded(("0", "1"), PREDICTED), SCORE, 1)
CURVES = {curve.name: curve for curve in curves(EXAMPLES)}
FOUND = {name: np.array(curve.points) for name, curve in CURVES.items()}


def test_roc() -> None:
    false, true, _ = sk.roc_curve(TRUTH, SCORE, drop_intermediate=False)
    assert len(FOUND["roc"]) == POINTS
    assert {tuple(point) for point in FOUND["roc"].round(9)} <= set(zip(false.round(9), true.round(9), strict=True))
    assert sk.auc(*FOUND["roc"].T) == pytest.approx(sk.roc_auc_score(TRUTH, SCORE), abs=0.005)


def test_precision_and_recall() -> None:
    precision, recall, _ = sk.precision_recall_curve(TRUTH, SCORE)
    there = set(zip(recall.round(9), precision.round(9), strict=True))
    assert {tuple(point) for point in FOUND["precision-recall"].round(9)} <= there


def test_calibration() -> None:
    right, confidence = calibration_curve(TRUTH, SCORE, n_bins=BINS)
    assert FOUND["calibration"].T.tolist() == [pytest.approx(confidence), pytest.approx(right)]
    counts = np.histogram(SCORE, BINS, (0, 1))[0]
    assert CURVES["calibration"].examples == tuple(counts[counts > 0])
    assert {curve.positive for curve in CURVES.values()} == {"1"}


def test_confusion() -> None:
    found = matrix(EXAMPLES)
    assert found
    assert np.array(found.shares) == pytest.approx(sk.confusion_matrix(TRUTH, PREDICTED, normalize="true"))
    many = Coded(tuple(map(str, range(21))), np.arange(21, dtype=np.int32))
    assert matrix(Labelled(many, many, None, None)) is None
