"""Two models on the same examples, tested as SciPy and statsmodels test them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as sk
from statsmodels.stats.contingency_tables import mcnemar

from mvc.errors import InvalidFormat
from mvc.evaluation.columns import Coded, Labelled, Measured, Ranked
from mvc.evaluation.paired import UNITS, compare
from mvc.evaluation.roles import Loaded, Roles
from mvc.quality.judge.facts import PairedTest

RANDOM = np.random.default_rng(5)
N = 800
TRUTH = RANDOM.integers(0, 2, N)
BEFORE = np.clip(0.5 + 0.4 * (TRUTH - 0.5) + RANDOM.normal(0, 0.25, N), 0, 1)
AFTER = np.clip(BEFORE + RANDOM.normal(0, 0.1, N), 0, 1)


def labelled(scores: np.ndarray, truth: np.ndarray = TRUTH) -> Loaded:
    codes = truth.astype(np.int32)
    predicted = (scores >= 0.5).astype(np.int32)
    examples = Labelled(Coded(("0", "1"), codes), Coded(("0", "1"), predicted), scores, 1)
    return Loaded(Roles("classification", positive="1"), len(truth), examples, {})


def measured(predicted: np.ndarray, truth: np.ndarray) -> Loaded:
    return Loaded(Roles("regression"), len(truth), Measured(truth, predicted), {})


def found_by(old: Loaded, new: Loaded) -> dict[str, PairedTest]:
    return {item.metric: item for item in compare(old, new)}


def test_accuracy_by_the_exact_test_of_mcnemar() -> None:
    found = found_by(labelled(BEFORE), labelled(AFTER))["accuracy"]
    old, new = (BEFORE >= 0.5) == TRUTH, (AFTER >= 0.5) == TRUTH
    table = [[(old & new).sum(), (old & ~new).sum()], [(~old & new).sum(), (~old & ~new).sum()]]
    assert found.test == "McNemar"
    assert found.p == pytest.approx(mcnemar(table, exact=True).pvalue)
    assert (found.n, found.effect) == (N, pytest.approx(new.mean() - old.mean()))


def test_recall_by_the_exact_test_of_mcnemar_on_the_positive_examples() -> None:
    found = found_by(labelled(BEFORE), labelled(AFTER))["recall"]
    lost, won = (((a >= 0.5) & (b < 0.5))[TRUTH == 1].sum() for a, b in ((BEFORE, AFTER), (AFTER, BEFORE)))
    assert found.test == "McNemar"
    assert found.p == pytest.approx(mcnemar([[0, lost], [won, 0]], exact=True).pvalue)
    assert (found.n, found.effect) == (TRUTH.sum(), pytest.approx((won - lost) / TRUTH.sum()))


def few(changed: int) -> Loaded:
    """Return predictions that are right on `changed` negative examples more than those of `BEFORE`."""
    scores = BEFORE.copy()
    wrong = np.flatnonzero((TRUTH == 0) & (BEFORE >= 0.5))[:changed]
    scores[wrong] -= 0.5
    return labelled(scores)


@pytest.mark.parametrize(("changed", "least"), [(1, 1), (3, 0.25), (5, 0.0625), (6, 0.03125)])
def test_few_differing_examples_show_no_more_than_as_many_coins(changed: int, least: float) -> None:
    """As in the exact test, which is that of such coins."""
    found = found_by(labelled(BEFORE), few(changed))
    assert found["accuracy"].p == pytest.approx(least)
    assert all(item.p >= least for item in found.values())
    assert found["auc"].p == found["precision"].p == least


def test_few_differing_values_and_queries() -> None:
    truth = RANDOM.normal(size=100)
    old = truth + 1
    new = np.where(np.arange(100) < 3, truth, old)
    assert found_by(measured(old, truth), measured(new, truth))["mae"].p == 0.25
    group, relevance = np.repeat(np.arange(50), 4).astype(np.int32), np.tile([1.0, 0, 0, 0], 50)
    worst = -relevance
    some = np.where(group < 4, relevance, worst)
    roles = Roles("ranking", group="q")
    found = found_by(*(Loaded(roles, 200, Ranked(relevance, scores, group), {}) for scores in (worst, some)))
    assert found["ndcg"].p == 0.125


@pytest.mark.parametrize("name", ["mae", "auc"])
def test_other_metrics_by_a_paired_bootstrap(name: str) -> None:
    """SciPy computes the metric of each resample; a linear one of a mean is the same, of the others nearly."""
    if name == "mae":
        found = found_by(measured(BEFORE, TRUTH + 0.0), measured(AFTER, TRUTH + 0.0))[name]
    else:
        found = found_by(labelled(BEFORE), labelled(AFTER))[name]
    metrics = {"mae": sk.mean_absolute_error, "auc": sk.roc_auc_score}

    def difference(truth: np.ndarray, old: np.ndarray, new: np.ndarray) -> float:
        return metrics[name](truth, new) - metrics[name](truth, old)

    expected = stats.bootstrap(
        (TRUTH, BEFORE, AFTER), difference, paired=True, vectorized=False, n_resamples=400, method="percentile",
        rng=np.random.default_rng(1),
    )
    width = expected.confidence_interval.high - expected.confidence_interval.low
    assert found.effect == pytest.approx(difference(TRUTH, BEFORE, AFTER))
    assert found.ci == pytest.approx(tuple(expected.confidence_interval), abs=0.12 * width)
    likely = 2 * min(np.mean(expected.bootstrap_distribution <= 0), np.mean(expected.bootstrap_distribution >= 0))
    assert found.p == pytest.approx(likely, abs=0.08)


def test_the_same_predictions_are_not_different() -> None:
    for item in compare(labelled(BEFORE), labelled(BEFORE)):
        assert (item.effect, item.p, item.ci) == (0, 1, (0, 0))


def test_chance_is_found_as_often_as_it_should_be() -> None:
    """Of models that are equally good, one in twenty differs by p < 0.05."""
    found = []
    for seed in range(100):
        random = np.random.default_rng(seed)
        truth = random.normal(size=60)
        old, new = (measured(truth + random.normal(size=60), truth) for _ in range(2))
        found.append(found_by(old, new)["mae"].p)
    assert 0.01 <= np.mean(np.array(found) < 0.05) <= 0.12


def test_many_examples_in_groups() -> None:
    random = np.random.default_rng(0)
    truth = random.normal(size=4 * UNITS + 3)
    old, new = (truth + random.normal(size=len(truth)) for _ in range(2))
    found = found_by(measured(old, truth), measured(new, truth))["mae"]
    difference = np.abs(new - truth) - np.abs(old - truth)
    assert found.n == len(truth)
    assert found.ci[1] - found.ci[0] == pytest.approx(2 * 1.96 * np.std(difference) / len(truth) ** 0.5, rel=0.05)


def test_rankings_by_query() -> None:
    group = np.repeat(np.arange(50), 8).astype(np.int32)
    relevance = (RANDOM.random(400) < 0.3).astype(float)
    good, bad = (Ranked(relevance, relevance + RANDOM.normal(0, noise, 400), group) for noise in (0.3, 3))
    roles = Roles("ranking", group="q")
    found = found_by(Loaded(roles, 400, good, {}), Loaded(roles, 400, bad, {}))["ndcg"]
    assert (found.n, found.p < 0.01, found.effect < 0) == (50, True, True)


def test_slices_are_compared_too() -> None:
    part = Coded(("DE", "FR"), (np.arange(N) % 2).astype(np.int32))
    found = found_by(labelled(BEFORE), labelled(AFTER)._replace(slices={"country": part}))
    assert found["accuracy[country=DE]"].n == N // 2


OTHERS = {
    "rows": (labelled(AFTER[:-1], TRUTH[:-1]), "800 and 799 rows"),
    "truth": (labelled(AFTER, 1 - TRUTH), "truth of row 1"),
    "kind": (measured(AFTER, TRUTH + 0.0), "different tasks"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_examples_are_refused(name: str) -> None:
    new, says = OTHERS[name]
    with pytest.raises(InvalidFormat, match=says):
        found_by(labelled(BEFORE), new)
