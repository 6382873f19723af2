"""Metrics of a confusion matrix: scikit-learn computes them from its cells, of which there are few."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mvc.evaluation import scikit
from mvc.evaluation.columns import Floats, Labelled
from mvc.evaluation.estimate import BINOMIAL, DELTA, SHARE, Estimate, estimate, proportion

_Ints: TypeAlias = NDArray[np.int64]


class Confusion(NamedTuple):
    """The sums of the weights of examples, by true and predicted label, and of the squares of the weights."""

    weights: Floats
    squares: Floats
    weighted: bool

    @property
    def seen(self) -> _Ints:
        """The labels that are true or predicted somewhere."""
        return np.flatnonzero(self.weights.sum(0) + self.weights.sum(1))

    @property
    def cells(self) -> scikit.Cells:
        """The cells that are not empty."""
        truth, predicted = np.nonzero(self.weights)
        return scikit.Cells(truth, predicted, self.weights[truth, predicted])


def confusion(examples: Labelled) -> Confusion:
    """Count the examples by true and predicted label."""
    count = len(examples.truth.labels)
    cell = examples.truth.codes * np.int32(count) + examples.predicted.codes

    def added(weight: Floats | None) -> Floats:
        return np.bincount(cell, weight, count * count).astype(np.float64).reshape(count, count)

    weights = added(examples.weight)
    squares = weights if examples.weight is None else added(examples.weight**2)
    return Confusion(weights, squares, examples.weight is not None)


_Influence: TypeAlias = Callable[[Floats], Floats]
"""Returns the influence of an example in each cell on the sum of a metric over all classes, times their shares."""


def _divided(one: Floats, other: Floats) -> Floats:
    return np.divide(one, other, out=np.zeros_like(one), where=other > 0)


def _influences(found: Confusion, of: scikit.PerClass) -> dict[str, _Influence]:
    """Return the influence functions of precision, recall and F1, whose values for each class are in `of`."""
    total = found.weights.sum()
    true, predicted = found.weights.sum(1), found.weights.sum(0)
    same = np.eye(len(true))

    def precision(share: Floats) -> Floats:
        return (share * _divided(np.full_like(true, total), predicted)) * (same - of.precision)

    def recall(share: Floats) -> Floats:
        return (share * _divided(np.full_like(true, total), true))[:, None] * (same - of.recall[:, None])

    def f1(share: Floats) -> Floats:
        part = share * _divided(np.full_like(true, total), true + predicted)
        return np.diag(2 * part) - (part * of.f1)[:, None] - (part * of.f1)[None, :]

    return {"precision": precision, "recall": recall, "f1": f1}


class CellMetric(NamedTuple):
    """A metric, and the influence of an example in each cell of the confusion matrix."""

    estimate: Estimate
    influence: Floats


def metrics(found: Confusion, positive: int | None, labels: tuple[str, ...]) -> Iterator[CellMetric]:
    """Yield the metrics; those of the positive class, or averages and those of each class."""
    count = len(labels)
    every = np.arange(count)
    of = scikit.by_class(found.cells, every)
    influences = _influences(found, of)
    accuracy, balanced = scikit.accuracy(found.cells)
    true = found.weights.sum(1)
    yield _share(found, "accuracy", accuracy, np.eye(count) - accuracy, found.weights.sum())
    yield _delta(found, "balanced_accuracy", balanced, influences["recall"]((true > 0) / max(1, (true > 0).sum())))
    for label in every if positive is None else [positive]:
        yield from _of_class(found, of, influences, int(label), "" if positive is not None else labels[label])
    if positive is None:
        yield from _averages(found, of, influences)


def _of_class(
    found: Confusion, of: scikit.PerClass, influences: dict[str, _Influence], label: int, name: str,
) -> Iterator[CellMetric]:
    share = np.zeros(len(of.f1))
    share[label] = 1
    trials = {"precision": found.weights[:, label].sum(), "recall": found.weights[label].sum()}
    for metric, influence in influences.items():
        value = float(getattr(of, metric)[label])
        if metric in trials:
            yield _share(found, metric, value, influence(share), trials[metric], name)
        else:
            yield _delta(found, metric, value, influence(share), name)


def _averages(found: Confusion, of: scikit.PerClass, influences: dict[str, _Influence]) -> Iterator[CellMetric]:
    seen = found.seen
    total, true = found.weights.sum(), found.weights.sum(1)
    equal = np.zeros(len(true))
    equal[seen] = 1 / len(seen)
    for average, share in (("macro", equal), ("weighted", true / total)):
        values = scikit.averaged(found.cells, seen, "macro" if average == "macro" else "weighted")
        for (metric, influence), value in zip(influences.items(), values, strict=True):
            change = influence(share)
            if average == "weighted":  # the shares themselves are measured
                change = change + (getattr(of, metric) - value)[:, None]
            yield _delta(found, f"{metric}_{average}", value, change)


def _stderr(found: Confusion, influence: Floats) -> float:
    return float(np.sqrt((found.squares * influence**2).sum()) / found.weights.sum())


def _share(
    found: Confusion, name: str, value: float, influence: Floats, trials: float, label: str = "",
) -> CellMetric:
    if found.weighted:
        told = estimate(name, value, _stderr(found, influence), BINOMIAL, SHARE, higher=True)
    else:
        told = proportion(name, value, float(trials))
    return CellMetric(told._replace(label=label), influence)


def _delta(found: Confusion, name: str, value: float, influence: Floats, label: str = "") -> CellMetric:
    told = estimate(name, value, _stderr(found, influence), DELTA, SHARE, higher=True)
    return CellMetric(told._replace(label=label), influence)
