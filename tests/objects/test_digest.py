"""Object names: 64 lower-case hex digits and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mvc.errors import InvalidName
from mvc.objects.digest import check_object_name

GOOD = "0123456789abcdef" * 4


def test_accepts_64_lower_case_hex_digits() -> None:
    assert check_object_name(GOOD) == GOOD


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("", id="empty"),
        pytest.param(GOOD[:-1], id="63 digits"),
        pytest.param(GOOD + "0", id="65 digits"),
        pytest.param(GOOD.upper(), id="upper case"),
        pytest.param(GOOD[:-1] + "g", id="no hex digit"),
        pytest.param(GOOD + "\n", id="line break at the end"),
        pytest.param("../" + GOOD[3:], id="path"),
        pytest.param("/" + GOOD[1:], id="absolute"),
        pytest.param(GOOD[:-1] + "\0", id="NUL"),
        pytest.param(GOOD[:-1] + "\N{ARABIC-INDIC DIGIT ONE}", id="digit of another script"),
        pytest.param(GOOD[:-1] + "\N{FULLWIDTH LATIN SMALL LETTER A}", id="full-width letter"),
    ],
)
def test_refuses_anything_else(name: str) -> None:
    with pytest.raises(InvalidName):
        check_object_name(name)


@given(st.text())
@settings(deadline=None, max_examples=200)
def test_refuses_any_text_that_is_no_hex_name(text: str) -> None:
    hexadecimal = len(text) == 64 and all(char in "0123456789abcdef" for char in text)
    if hexadecimal:
        assert check_object_name(text) == text
    else:
        with pytest.raises(InvalidName):
            check_object_name(text)
