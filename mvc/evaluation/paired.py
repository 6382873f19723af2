"""Two models on the same examples: whether a metric differs, example by example. SciPy is imported only here.

The exact test of McNemar, 1947, tells whether one is right more often: of all examples for the accuracy, of the
positive ones for the recall. All other metrics are compared by a bootstrap over examples (Efron and Tibshirani, 1993)
of the difference of their influences, which for a mean is the bootstrap of the mean difference.

If the models are equally good, each example that they predict differently favours one or the other, as a coin falls.
So k such examples cannot show a difference with a p below that of k equal tosses, which a bootstrap does not know.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from mvc.errors import InvalidFormat
from mvc.evaluation.columns import Coded, Examples, Floats, Labelled, Measured, Ranked
from mvc.evaluation.estimate import Z
from mvc.evaluation.roles import Loaded
from mvc.evaluation.score import estimates, influences
from mvc.quality.judge.facts import PairedTest
from mvc.quality.reports.report import Metric, label

Answers: TypeAlias = NDArray[np.bool_]
"""Whether each example is predicted rightly."""
REPLICATES = 4000
SEED = 0
UNITS = 10_000
"""More examples than these are first put into as many random groups, which changes neither mean nor spread."""
MCNEMAR, BOOTSTRAP = "McNemar", "paired bootstrap"
_BY_LABEL = frozenset({
    "accuracy", "balanced_accuracy",
    *(f"{name}{average}" for name in ("precision", "recall", "f1") for average in ("", "_macro", "_weighted")),
})
"""The metrics that look at predicted labels alone."""


def compare(old: Loaded, new: Loaded, dataset: str = "") -> Iterator[PairedTest]:
    """Yield a test for each metric of all examples, and of the slices of `new`.

    Raises:
        InvalidFormat: the files are not of the same examples in the same order.
    """
    _check_same(old, new)
    yield from _tests(old.examples, new.examples, dataset, {})
    for column, coded in new.slices.items():
        for place, value in enumerate(coded.labels):
            if len(rows := np.flatnonzero(coded.codes == place)):
                yield from _tests(old.examples.take(rows), new.examples.take(rows), dataset, {column: value})


def _check_same(old: Loaded, new: Loaded) -> None:
    if (old.roles.kind, old.roles.positive) != (new.roles.kind, new.roles.positive):
        raise InvalidFormat("the predictions are of different tasks, or of another positive label")
    if old.n != new.n:
        raise InvalidFormat(f"the predictions have {old.n:,} and {new.n:,} rows: these are not the same examples")
    for what, one, other in _given(old.examples, new.examples):
        if other.shape != one.shape:
            raise InvalidFormat("the predictions have other rows with a weight: these are not the same examples")
        if not np.array_equal(one, other):
            row = int(np.flatnonzero(one != other)[0]) + 1
            raise InvalidFormat(f"the predictions differ in the {what} of row {row:,}: these are not the same examples")


def _given(old: Examples, new: Examples) -> Iterator[tuple[str, Floats, Floats]]:
    """Yield what both files must agree in."""
    if isinstance(old, Labelled) and isinstance(new, Labelled):
        yield "truth", _numbers(old.truth, new.truth), new.truth.codes.astype(np.float64)
    elif not isinstance(old, Labelled) and not isinstance(new, Labelled):
        yield "truth", old.truth, new.truth
    if isinstance(old, Ranked) and isinstance(new, Ranked):
        yield "query", old.group.astype(np.float64), new.group.astype(np.float64)
    elif not isinstance(old, Ranked) and not isinstance(new, Ranked):
        ones = np.ones(1)
        weights = [ones if item.weight is None else item.weight for item in (old, new)]
        if weights[0].shape != weights[1].shape:
            raise InvalidFormat("only one of the predictions has weights")
        yield "weight", weights[0], weights[1]


def _numbers(column: Coded, as_in: Coded) -> Floats:
    """Return the codes of a column with the labels of another one; -1 where that has no such label."""
    place = {text: index for index, text in enumerate(as_in.labels)}
    return np.array([place.get(text, -1) for text in column.labels], np.float64)[column.codes]


def _tests(old: Examples, new: Examples, dataset: str, part: dict[str, str]) -> Iterator[PairedTest]:
    before, after = ({item.name: item.value for item in estimates(one) if not item.label} for one in (old, new))
    then, now = influences(old), influences(new)
    weight = None if isinstance(new, Ranked) else new.weight
    for name in after:
        if name not in before or name not in then or name not in now:
            continue
        metric, effect = label(Metric(name, 0, dataset=dataset, slice=part)), after[name] - before[name]
        answers = _answers(name, old, new)
        if answers and weight is None:
            yield _mcnemar(metric, effect, *answers)
        else:
            found = _bootstrap(metric, effect, now[name] - then[name], weight)
            yield found._replace(p=min(1.0, max(found.p, 2.0 * 0.5 ** _differing(name, old, new))))


def _answers(name: str, old: Examples, new: Examples) -> tuple[Answers, Answers] | None:
    """Return which examples each model gets right, if the metric is their share."""
    if not isinstance(old, Labelled) or not isinstance(new, Labelled) or name not in ("accuracy", "recall"):
        return None
    rows = slice(None) if name == "accuracy" else old.truth.codes == old.positive
    before, after = (one.predicted.codes[rows] == one.truth.codes[rows] for one in (old, new))
    return before, after


def _differing(name: str, old: Examples, new: Examples) -> int:
    """Return how many examples, or queries, are predicted differently as far as a metric sees it."""
    if isinstance(old, Ranked) and isinstance(new, Ranked):
        return len(np.unique(new.group[old.scores != new.scores]))
    if isinstance(old, Measured) and isinstance(new, Measured):
        return int((old.predicted != new.predicted).sum())
    if not isinstance(old, Labelled) or not isinstance(new, Labelled):
        raise TypeError("examples of different tasks")
    differ = _numbers(old.predicted, new.predicted) != new.predicted.codes
    if name not in _BY_LABEL and old.scores is not None and new.scores is not None:
        moved = old.scores != new.scores
        differ |= moved if moved.ndim == 1 else moved.any(1)
    return int(differ.sum())


def _mcnemar(metric: str, effect: float, before: Answers, after: Answers) -> PairedTest:
    from scipy.stats import binomtest  # noqa: PLC0415 - takes a second

    lost, won = int((before & ~after).sum()), int((after & ~before).sum())
    p = float(binomtest(lost, lost + won).pvalue) if lost + won else 1.0
    n = len(before)
    half = Z * sqrt(max(lost + won - (won - lost) ** 2 / n, 0)) / n
    return PairedTest(metric, MCNEMAR, n, p, effect, (effect - half, effect + half))


def _bootstrap(metric: str, effect: float, difference: Floats, weight: Floats | None) -> PairedTest:
    """Resample examples, or groups of them; p is two-sided, and never 0."""
    random, n = np.random.default_rng(SEED), len(difference)
    sums, sizes = difference if weight is None else difference * weight, np.ones(n) if weight is None else weight
    if n > UNITS:
        order = random.permutation(n)
        starts = np.linspace(0, n, UNITS, endpoint=False).astype(np.int64)
        sums, sizes = (np.add.reduceat(values[order], starts) for values in (sums, sizes))
    found = np.empty(REPLICATES)
    step = max(1, 1_000_000 // len(sums))
    for start in range(0, REPLICATES, step):
        chosen = random.integers(0, len(sums), (min(step, REPLICATES - start), len(sums)))
        found[start : start + step] = effect + sums[chosen].sum(1) / np.maximum(sizes[chosen].sum(1), 1e-300)
    below, above = int((found <= 0).sum()), int((found >= 0).sum())
    p = min(1.0, 2 * (1 + min(below, above)) / (REPLICATES + 1))
    low, high = (float(end) for end in np.quantile(found, (0.025, 0.975)))
    return PairedTest(metric, BOOTSTRAP, n, p, effect, (low, high))
