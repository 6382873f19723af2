"""Counting signers. Demands on them are in the table of cases."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvc.quality.judge.facts import Signer
from mvc.quality.judge.rules.trust import distinct, span


def signers(*pairs: str) -> list[Signer]:
    """Return signers, each written as principal and key."""
    return [Signer(pair[0], pair[1]) for pair in pairs]


@pytest.mark.parametrize(("pairs", "count"), [
    ([], 0),
    (["a1"], 1),
    (["a1", "a1"], 1),
    (["a1", "b1"], 1),
    (["a1", "a2"], 1),
    (["a1", "b2"], 2),
    (["a1", "b1", "b2"], 2),
    (["a1", "a2", "b1"], 2),
    (["a1", "b1", "c1", "a2"], 2),
    (["a1", "a2", "b2", "b3", "c3"], 3),
])
def test_distinct_signers_are_distinct_keys_and_principals(pairs: list[str], count: int) -> None:
    assert {distinct(signers(*order)) for order in list(permutations(pairs))[:120]} == {count}


@given(st.sets(st.tuples(st.sampled_from("abcd"), st.sampled_from("1234")), max_size=8))
def test_it_is_the_largest_number_of_pairs(pairs: set[tuple[str, str]]) -> None:
    def most(rest: list[tuple[str, str]]) -> int:
        if not rest:
            return 0
        (name, key), *others = rest
        return max(most(others), 1 + most([pair for pair in others if pair[0] != name and pair[1] != key]))

    assert distinct(Signer(*pair) for pair in pairs) == most(sorted(pairs))


def test_many_signers_are_counted_at_once() -> None:
    many = [Signer(str(name), str(key)) for name in range(60) for key in range(60)]
    assert distinct(many) == 60


@pytest.mark.parametrize(("seconds", "text"), [
    (0, "0 hours"), (3600, "1 hour"), (47 * 3600, "47 hours"), (48 * 3600, "2 days"), (30 * 86400, "30 days"),
])
def test_spans(seconds: float, text: str) -> None:
    assert span(seconds) == text
