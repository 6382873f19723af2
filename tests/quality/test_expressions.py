"""Expressions of tags: those that take exponential time are refused, usual ones are not."""

from __future__ import annotations

import pytest

from mvc.quality.policy.expressions import problem

SEMVER = (
    r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)"
    r"(?:-((?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?"
    r"(?:\+([0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*))?"
)
"""The expression that semver.org suggests."""


@pytest.mark.parametrize("text", [
    "(a+)+", "(a*)*", "(?:a+)+x", r"(\d+\.?)+", "((a+))*", "(a+|b)+", "(b|(?:a{1,3}))*", "(a?b*)+", "(?:a*b*)+",
    r"v(\w+\s?){1,50}", "(a+?)+?", "(?:(?:a+)?)*", "x(?=(a+)+)", "(?i:(a+)+)", "(a+){20}", "(?:(?:ab)+)+",
    "(a)?(?(1)b+|c)*", "(?P<x>a+)*", "^(a+)+$", "(^a+)*", "(?>(a+)+)",
])
def test_a_repeat_alone_in_a_repeat_is_refused(text: str) -> None:
    assert "exponential time" in problem(text)


@pytest.mark.parametrize("text", [
    "", r"v\d+(\.\d+)*", "[a-z]+(-[a-z]+)*", r"(\d{1,3}\.){3}\d{1,3}", "ranker-[0-9]+", r"(\w+-)*\w+", "a*b*c*",
    r"20\d\d(-[0-9]{2}){2}(\+.*)?", "(a{40})+", "(a|b)*", "(?>a+)+", "(a++)+", "((?>a+))+", "(a?)+", "(a+){3}", SEMVER,
])
def test_what_people_write_is_not(text: str) -> None:
    assert problem(text) == ""


@pytest.mark.parametrize("text", ["(", "a{99999999999}", "(" * 5000, "[[a]"])
def test_what_is_none_is_refused(text: str) -> None:
    assert problem(text).startswith("not a regular expression: ")
