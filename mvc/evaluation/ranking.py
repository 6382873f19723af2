"""Metrics of a ranking: each is a mean over queries.

Where scores are equal, NDCG is the mean over all orders of these results, as in scikit-learn; average precision and
reciprocal rank take the last of their places.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mvc.evaluation.columns import Floats, Ranked
from mvc.evaluation.estimate import MEAN, SHARE, Estimate, estimate, spread

_Ints: TypeAlias = NDArray[np.int64]
PLACES = (5, 10)
"""The lengths of the lists that NDCG judges."""


def estimates(examples: Ranked) -> Iterator[Estimate]:
    """Yield the metrics; queries without a relevant result count as 0."""
    for name, values in by_query(examples).items():
        value = float(values.mean())
        told = estimate(name, value, spread(values - value, None), MEAN, SHARE, higher=True)
        yield told._replace(n=len(values))


def influences(examples: Ranked) -> Mapping[str, Floats]:
    """Return the influence of each query on the metrics, by name."""
    return {name: values - values.mean() for name, values in by_query(examples).items()}


def by_query(examples: Ranked) -> dict[str, Floats]:
    """Return the metrics of each query."""
    found = _sorted(examples)
    ideal = _sorted(Ranked(examples.truth, examples.truth, examples.group))
    metrics: dict[str, Floats] = {}
    for places in (*PLACES, None):
        best = _gain(ideal, places)
        name = "ndcg" if places is None else f"ndcg@{places}"
        metrics[name] = np.divide(_gain(found, places), best, out=np.zeros_like(best), where=best > 0)
    return {**metrics, "mrr": _reciprocal(found), "map": _precision(found)}


class _Lists(NamedTuple):
    """Results, query by query, the highest score first; equal scores of a query are a block."""

    relevance: Floats
    place: _Ints
    """From 0 in each query."""
    queries: _Ints
    """The first result of each query; likewise `blocks`."""
    blocks: _Ints

    def each(self, of_blocks: Floats) -> Floats:
        """Return for each query the sum over its blocks."""
        first = np.searchsorted(self.blocks, self.queries)
        return np.add.reduceat(of_blocks, first)

    @property
    def sizes(self) -> _Ints:
        return np.diff(self.blocks, append=len(self.relevance))

    @property
    def ends(self) -> _Ints:
        """Of each block, the last place."""
        return self.place[self.blocks] + self.sizes


def _sorted(examples: Ranked) -> _Lists:
    order = np.lexsort((-examples.scores, examples.group))
    group, scores = examples.group[order], examples.scores[order]
    new_query = np.concatenate(([True], group[1:] != group[:-1]))
    new_block = new_query | np.concatenate(([True], scores[1:] != scores[:-1]))
    queries = np.flatnonzero(new_query)
    place = np.arange(len(order)) - np.repeat(queries, np.diff(queries, append=len(order)))
    return _Lists(examples.truth[order], place, queries, np.flatnonzero(new_block))


def _gain(found: _Lists, places: int | None) -> Floats:
    """Return the discounted gain of each query: Järvelin and Kekäläinen, 2002, as in scikit-learn."""
    discount = 1 / np.log2(found.place + 2.0)
    if places is not None:
        discount[found.place >= places] = 0
    gain = np.add.reduceat(found.relevance, found.blocks) / found.sizes
    return found.each(gain * np.add.reduceat(discount, found.blocks))


def _hits(found: _Lists) -> Floats:
    """Return the number of relevant results in each block."""
    return np.add.reduceat((found.relevance > 0).astype(np.float64), found.blocks)


def _precision(found: _Lists) -> Floats:
    """Return the average precision of each query."""
    hits = _hits(found)
    relevant = found.each(hits)
    before = np.cumsum(hits)
    starts = np.searchsorted(found.blocks, found.queries)
    inside = before - np.repeat(before[starts] - hits[starts], np.diff(starts, append=len(hits)))
    total = found.each(hits * inside / found.ends)
    return np.divide(total, relevant, out=np.zeros_like(total), where=relevant > 0)


def _reciprocal(found: _Lists) -> Floats:
    """Return one by the place of the first relevant result of each query; 0 without any."""
    starts = np.searchsorted(found.blocks, found.queries)
    return np.maximum.reduceat(np.where(_hits(found) > 0, 1 / found.ends, 0.0), starts)
