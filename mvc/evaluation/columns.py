"""The columns of a predictions file that metrics are computed from."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Codes: TypeAlias = NDArray[np.int32]
Rows: TypeAlias = NDArray[np.int64] | slice
"""Indexes of rows."""


class Coded(NamedTuple):
    """A column of few different texts."""

    labels: tuple[str, ...]
    """The different texts: whole numbers in their order, others as texts are sorted."""
    codes: Codes
    """The index in `labels` of each row."""

    def take(self, rows: Rows) -> Coded:
        """Return the column of some rows; the labels stay."""
        return Coded(self.labels, self.codes[rows])


class Labelled(NamedTuple):
    """Examples of a classification."""

    truth: Coded
    predicted: Coded
    """With the labels of `truth`."""
    scores: Floats | None
    """Of the positive label, one for each row; of several labels a row of them in their order; None without scores."""
    positive: int | None
    """The index of the positive label; None if there are more than two labels."""
    weight: Floats | None = None

    def take(self, rows: Rows) -> Labelled:
        """Return some of the examples."""
        return Labelled(
            self.truth.take(rows), self.predicted.take(rows), None if self.scores is None else self.scores[rows],
            self.positive, None if self.weight is None else self.weight[rows],
        )


class Measured(NamedTuple):
    """Examples of a regression."""

    truth: Floats
    predicted: Floats
    weight: Floats | None = None

    def take(self, rows: Rows) -> Measured:
        """Return some of the examples."""
        weight = None if self.weight is None else self.weight[rows]
        return Measured(self.truth[rows], self.predicted[rows], weight)


class Ranked(NamedTuple):
    """Examples of a ranking: results with their relevance, by query."""

    truth: Floats
    """The relevance, at least 0."""
    scores: Floats
    group: Codes
    """The query of each row."""

    def take(self, rows: Rows) -> Ranked:
        """Return some of the examples."""
        return Ranked(self.truth[rows], self.scores[rows], self.group[rows])


Examples: TypeAlias = Labelled | Measured | Ranked
