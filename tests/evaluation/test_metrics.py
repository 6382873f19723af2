"""Metrics are those of scikit-learn; their errors are those that other formulas, or a bootstrap, give."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from sklearn import metrics as sk

from mvc.evaluation import classification, ranking, regression
from mvc.evaluation.columns import Coded, Examples, Floats, Labelled, Measured, Ranked
from mvc.evaluation.score import estimates, influences
from mvc.quality.judge.rules.evidence import FROM_PREDICTIONS

N = 1500
RANDOM = np.random.default_rng(7)
TRUTH = RANDOM.integers(0, 2, N).astype(np.int32)
SCORE = np.clip(0.5 + 0.3 * (TRUTH - 0.5) + RANDOM.normal(0, 0.25, N), 0, 1).round(2)  # with ties, 0 and 1
PREDICTED = (SCORE >= 0.5).astype(np.int32)
WEIGHT = RANDOM.integers(1, 5, N).astype(float)
MANY = RANDOM.integers(0, 4, N).astype(np.int32)
GUESS = np.where(RANDOM.random(N) < 0.6, MANY, RANDOM.integers(0, 4, N)).astype(np.int32)
SHARES = RANDOM.dirichlet(np.ones(4), N)
AMOUNT = RANDOM.normal(5, 2, N)
ESTIMATE = AMOUNT + RANDOM.normal(0, 1, N)
LABELS = ("a", "b", "c", "d")
QUERY = np.sort(RANDOM.integers(0, 120, N)).astype(np.int32)
RELEVANCE = RANDOM.integers(0, 3, N) * (RANDOM.random(N) < 0.4).astype(float)
RANKED = (RELEVANCE + RANDOM.normal(0, 2, N)).round(0)

Metric = Callable[[np.ndarray], float]


def two(weight: Floats | None = None) -> Labelled:
    return Labelled(Coded(("0", "1"), TRUTH), Coded(("0", "1"), PREDICTED), SCORE, 1, weight)


EXAMPLES: dict[str, Examples] = {
    "two labels": two(),
    "four labels": Labelled(Coded(LABELS, MANY), Coded(LABELS, GUESS), SHARES, None),
    "amounts": Measured(AMOUNT, ESTIMATE),
    "queries": Ranked(RELEVANCE, RANKED, QUERY),
}
OF_TWO: dict[str, Metric] = {
    "accuracy": lambda i: sk.accuracy_score(TRUTH[i], PREDICTED[i]),
    "balanced_accuracy": lambda i: sk.balanced_accuracy_score(TRUTH[i], PREDICTED[i]),
    "precision": lambda i: sk.precision_score(TRUTH[i], PREDICTED[i]),
    "recall": lambda i: sk.recall_score(TRUTH[i], PREDICTED[i]),
    "f1": lambda i: sk.f1_score(TRUTH[i], PREDICTED[i]),
    "auc": lambda i: sk.roc_auc_score(TRUTH[i], SCORE[i]),
    "average_precision": lambda i: sk.average_precision_score(TRUTH[i], SCORE[i]),
    "log_loss": lambda i: sk.log_loss(TRUTH[i], SCORE[i]),
    "brier": lambda i: sk.brier_score_loss(TRUTH[i], SCORE[i]),
}
OF_FOUR: dict[str, Metric] = {
    "auc_macro": lambda i: sk.roc_auc_score(MANY[i], SHARES[i], multi_class="ovr"),
    "log_loss": lambda i: sk.log_loss(MANY[i], SHARES[i]),
    "brier": lambda i: sk.brier_score_loss(MANY[i], SHARES[i]),
    **{
        f"{name}_{average}": lambda i, of=of, average=average: of(MANY[i], GUESS[i], average=average)
        for name, of in (("precision", sk.precision_score), ("recall", sk.recall_score), ("f1", sk.f1_score))
        for average in ("macro", "weighted")
    },
}
OF_AMOUNTS: dict[str, Metric] = {
    "mae": lambda i: sk.mean_absolute_error(AMOUNT[i], ESTIMATE[i]),
    "rmse": lambda i: sk.root_mean_squared_error(AMOUNT[i], ESTIMATE[i]),
    "r2": lambda i: sk.r2_score(AMOUNT[i], ESTIMATE[i]),
    "mape": lambda i: sk.mean_absolute_percentage_error(AMOUNT[i], ESTIMATE[i]),
}
QUANTILES: dict[str, Metric] = {
    f"error_p{percent}": lambda i, share=percent / 100: np.quantile(
        np.abs(AMOUNT - ESTIMATE)[i], share, method="inverted_cdf",
    )
    for percent in (50, 90, 99)
}
CASES = {
    (kind, name): metric
    for kind, found in (("two labels", OF_TWO), ("four labels", OF_FOUR), ("amounts", OF_AMOUNTS | QUANTILES))
    for name, metric in found.items()
}
EVERY = np.arange(N)


def bootstrapped(metric: Metric, replicates: int = 80) -> float:
    random = np.random.default_rng(3)
    return float(np.std([metric(random.integers(0, N, N)) for _ in range(replicates)]))


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_a_metric_is_that_of_scikit_learn_and_its_error_that_of_a_bootstrap(kind: str, name: str) -> None:
    found = next(item for item in estimates(EXAMPLES[kind]) if (item.name, item.label) == (name, ""))
    assert found.value == pytest.approx(CASES[kind, name](EVERY), rel=1e-12)
    assert found.stderr == pytest.approx(bootstrapped(CASES[kind, name]), rel=0.35)
    assert found.ci
    assert found.ci[0] < found.value < found.ci[1]
    assert found.method


@pytest.mark.parametrize("kind", EXAMPLES)
def test_influences_have_the_mean_0_and_the_spread_of_the_error(kind: str) -> None:
    found = influences(EXAMPLES[kind])
    for item in estimates(EXAMPLES[kind]):
        if item.label or item.name in QUANTILES:
            continue
        influence = found[item.name]
        assert np.mean(influence) == pytest.approx(0, abs=1e-12)
        assert item.stderr == pytest.approx(np.std(influence) / len(influence) ** 0.5, rel=2e-2)


def test_the_error_of_the_area_is_that_of_delong() -> None:
    """DeLong et al., 1988, as it is written there: every positive against every negative."""
    positive, negative = SCORE[TRUTH == 1][:, None], SCORE[TRUTH == 0][None, :]
    kernel = (positive > negative) + 0.5 * (positive == negative)
    variance = np.var(kernel.mean(1), ddof=1) / len(positive) + np.var(kernel.mean(0), ddof=1) / negative.size
    found = next(item for item in estimates(two()) if item.name == "auc")
    assert (found.value, found.stderr) == (pytest.approx(kernel.mean()), pytest.approx(variance**0.5))


def test_the_error_of_a_mean_is_that_of_its_examples() -> None:
    found = next(item for item in estimates(EXAMPLES["amounts"]) if item.name == "mae")
    assert found.stderr == pytest.approx(np.std(np.abs(AMOUNT - ESTIMATE), ddof=1) / N**0.5)


def test_the_interval_of_a_share_is_that_of_wilson() -> None:
    from statsmodels.stats.proportion import proportion_confint

    found = next(item for item in estimates(two()) if item.name == "accuracy")
    assert found.ci == pytest.approx(proportion_confint(int((TRUTH == PREDICTED).sum()), N, method="wilson"))


def test_whole_weights_are_repeated_examples() -> None:
    rows = np.repeat(EVERY, WEIGHT.astype(int))
    repeated = {(item.name, item.label): item.value for item in estimates(two().take(rows))}
    weighted = {(item.name, item.label): item for item in estimates(two(WEIGHT))}
    assert {key: item.value for key, item in weighted.items()} == pytest.approx(repeated)
    unweighted = {item.name: item.stderr for item in estimates(two())}
    for (name, _), item in weighted.items():
        assert item.stderr == pytest.approx(unweighted[name], rel=0.4)


def test_metrics_of_each_class() -> None:
    found = {(item.name, item.label): item.value for item in estimates(EXAMPLES["four labels"]) if item.label}
    told = sk.classification_report(MANY, GUESS, target_names=LABELS, output_dict=True)
    keys = {"precision": "precision", "recall": "recall", "f1": "f1-score"}
    assert found == pytest.approx({(name, label): told[label][key] for name, key in keys.items() for label in LABELS})


def test_rankings_query_by_query() -> None:
    found = ranking.by_query(Ranked(RELEVANCE, RANKED, QUERY))
    rows = [query == QUERY for query in np.unique(QUERY)]
    for name, places in (("ndcg", None), ("ndcg@5", 5), ("ndcg@10", 10)):
        expected = [sk.ndcg_score([RELEVANCE[row]], [RANKED[row]], k=places) if row.sum() > 1 else None for row in rows]
        there = [(one, other) for one, other in zip(found[name], expected, strict=True) if other is not None]
        assert [one for one, _ in there] == pytest.approx([other for _, other in there])
    relevant = [row for row in rows if (RELEVANCE[row] > 0).any()]
    expected = [sk.average_precision_score(RELEVANCE[row] > 0, RANKED[row]) for row in relevant]
    assert [value for value in found["map"] if value] == pytest.approx(expected)
    assert found["mrr"].tolist() == pytest.approx([_reciprocal(RELEVANCE[row], RANKED[row]) for row in rows])


def _reciprocal(relevance: Floats, scores: Floats) -> float:
    """Return one by the place of the first relevant result, the last of those with its score."""
    if not relevance.any():
        return 0.0
    return 1 / int((scores >= scores[relevance > 0].max()).sum())


def test_calibration_is_bin_by_bin() -> None:
    found = next(item for item in estimates(two()) if item.name == "ece")
    places = np.minimum((SCORE * classification.BINS).astype(int), classification.BINS - 1)
    gaps = [abs((TRUTH - SCORE)[places == place].sum()) for place in range(classification.BINS)]
    assert found.value == pytest.approx(sum(gaps) / N)


def test_one_class_has_no_metrics_of_order() -> None:
    names = {item.name for item in estimates(two().take(np.flatnonzero(TRUTH == 1)))}
    assert {"accuracy", "log_loss", "brier"} <= names
    assert not {"auc", "average_precision"} & names


def test_scores_that_are_no_probabilities_are_only_ranked() -> None:
    names = {item.name for item in estimates(two()._replace(scores=SCORE * 9 - 4))}
    assert "auc" in names
    assert not {"log_loss", "brier", "ece"} & names


def test_probabilities_that_were_rounded_are_probabilities() -> None:
    rounded = SHARES.round(4)
    exact = rounded / rounded.sum(1, keepdims=True)
    many = Labelled(Coded(LABELS, MANY), Coded(LABELS, GUESS), rounded, None)
    found = {item.name: item.value for item in estimates(many)}
    assert found["log_loss"] == pytest.approx(sk.log_loss(MANY, exact), rel=1e-12)
    assert found["brier"] == pytest.approx(sk.brier_score_loss(MANY, exact, scale_by_half=False))
    assert {"log_loss", "brier", "ece"} <= found.keys()


def test_a_regression_without_an_error_or_a_spread() -> None:
    same = Measured(np.ones(5), np.ones(5))
    assert {item.name: item.value for item in regression.estimates(same)} == {
        "mae": 0, "rmse": 0, "mape": 0, "error_p50": 0, "error_p90": 0, "error_p99": 0,
    }
    assert "mape" not in {item.name for item in regression.estimates(Measured(np.arange(5.0), np.ones(5)))}


def test_one_example_tells_no_error() -> None:
    found = [*regression.estimates(Measured(np.array([9.0]), np.array([1.0])))]
    assert {item.name: item.value for item in found}["rmse"] == 8
    assert {item.stderr for item in found if not item.name.startswith("error_p")} == {None}


def test_the_judge_knows_the_names_of_all_metrics() -> None:
    assert {item.name for examples in EXAMPLES.values() for item in estimates(examples)} == FROM_PREDICTIONS
