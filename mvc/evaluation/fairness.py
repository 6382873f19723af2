"""Differences between groups by a sensitive column: fairlearn is imported only here."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from mvc.evaluation.columns import Coded, Labelled
from mvc.evaluation.estimate import Estimate


def differences(examples: Labelled, column: str, groups: Coded) -> Iterator[Estimate]:
    """Yield the largest differences between groups: of the share that is predicted positive, and of its errors.

    fairlearn gets one row for all examples with the same truth, prediction and group, and their weight.
    """
    from fairlearn import metrics  # noqa: PLC0415 - takes seconds

    count = len(groups.labels)
    cell = (examples.truth.codes * np.int64(2) + examples.predicted.codes) * count + groups.codes
    weights = np.bincount(cell, examples.weight, 4 * count)
    there = np.flatnonzero(weights)
    of_both, group = np.divmod(there, count)
    truth, predicted = (of_both // 2 == examples.positive).astype(int), (of_both % 2 == examples.positive).astype(int)
    groups_of, sizes = {column: group}, weights[there]  # fairlearn refuses an array of one group alone
    for name in ("demographic_parity_difference", "equalized_odds_difference"):
        value = getattr(metrics, name)(truth, predicted, sensitive_features=groups_of, sample_weight=sizes)
        yield Estimate(f"{column}/{name}", float(value), higher_is_better=False)
