"""A line of blocks for the values of a metric."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvc.quality.render.sparkline import sparkline

MOST = sys.float_info.max
LEAST = 5e-324


@pytest.mark.parametrize(("values", "drawn"), [
    ([], ""), ([1], "▄"), ([None], "·"), ([None, None], "··"),
    ([0, 1], "▁█"), ([1, 0], "█▁"), ([-1, -2, -3], "█▅▁"), ([0.1, None, 0.2], "▁·█"), ([None, 3, None], "·▄·"),
    ([0, 1, 2, 3, 4, 5, 6, 7], "▁▂▃▄▅▆▇█"), ([0, 0.49, 0.51, 7], "▁▁▂█"),
    ([0.9, 0.9, 0.9], "▄▄▄"), ([0, -0.0], "▄▄"),
    ([-MOST, 0, MOST], "▁▅█"), ([0, LEAST], "▁█"), ([1, 1 + sys.float_info.epsilon], "▁█"), ([1e-300, 1e300], "▁█"),
])
def test_it_is_drawn(values: Sequence[float | None], drawn: str) -> None:
    assert sparkline(values) == drawn


@given(st.lists(st.none() | st.floats(allow_nan=False, allow_infinity=False)))
def test_blocks_are_in_the_order_of_the_values(values: list[float | None]) -> None:
    drawn = sparkline(values)
    assert len(drawn) == len(values)
    assert [char == "·" for char in drawn] == [value is None for value in values]
    known = sorted((value, char) for value, char in zip(values, drawn, strict=True) if value is not None)
    assert [char for _, char in known] == sorted(char for _, char in known)
