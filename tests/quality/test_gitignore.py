"""Simple patterns match the same paths as with pathspec, and so as in Git."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

from mvc.objects.parsing.gitignore import plain_expression

PARTS = st.sampled_from(["a", "b", "ab", "*", "**", "*.pt", "a*", "?", "a?b", ".x", "a.pt", "+", "data"])
PATTERNS = st.builds(
    lambda start, parts, end: start + "/".join(parts) + end,
    st.sampled_from(["", "/"]), st.lists(PARTS, min_size=1, max_size=4), st.sampled_from(["", "/"]),
)
NAMES = st.sampled_from(["a", "b", "ab", "x.pt", "a.pt", "axb", ".x", "+", "data", "äö"])
PATHS = st.builds(
    lambda parts, end: "/".join(parts) + end, st.lists(NAMES, min_size=1, max_size=5), st.sampled_from(["", "/"]),
)


@given(PATTERNS, PATHS)
def test_a_plain_pattern_means_what_pathspec_says(pattern: str, path: str) -> None:
    expression = plain_expression(pattern)
    if expression is None:
        return
    theirs = GitIgnoreSpecPattern(pattern).regex
    assert theirs is not None
    assert (expression.search(path) is not None) == (theirs.search(path) is not None), expression.pattern


@pytest.mark.parametrize(
    "pattern",
    ["*.pt", "data/**", "checkpoints/**", "**/checkpoint-*/**", "models/ranker/**", "/models/a.onnx", "a/**/b"],
)
def test_the_usual_patterns_are_plain(pattern: str) -> None:
    assert plain_expression(pattern) is not None


@pytest.mark.parametrize("pattern", ["", "!a", "#a", "a[bc]", r"a\*", "a**b", "**", "a ", "/", "a//b", "a\nb"])
def test_what_is_not_plain_is_left_to_pathspec(pattern: str) -> None:
    assert plain_expression(pattern) is None


@pytest.mark.parametrize(("pattern", "path"), [("*.pt", "a\nb/c.pt"), ("data/**", "data/a\nb"), ("*.pt", "\n.pt")])
def test_a_line_break_in_a_path_hides_nothing(pattern: str, path: str) -> None:
    expression = plain_expression(pattern)
    assert expression is not None
    assert expression.search(path)
