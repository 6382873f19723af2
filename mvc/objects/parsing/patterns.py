"""Patterns of a policy, as in `.gitignore`, for tracked paths or files in Git."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable
from functools import cache

from mvc.objects.names import fold
from mvc.objects.parsing.gitignore import plain_expression


def matches(pattern: str, path: str) -> bool:
    """Whether one pattern matches a tracked path.

    A path may be a directory, so a pattern for everything below it matches the directory as well: `data/**`
    matches `data`.

    Raises:
        ValueError: `pattern` is invalid.
    """
    return _expression(pattern).search(f"{path}/") is not None


def matches_in_any_case(pattern: str, path: str) -> bool:
    """Whether one pattern matches a tracked path on a file system that ignores case and Unicode composition.

    Raises:
        ValueError: `pattern` is invalid.
    """
    return matches(pattern, path) or matches(fold(pattern), fold(path))


def last(patterns: Iterable[str], path: str) -> str:
    """Return the last pattern of a list that matches a file; empty without a match or for a negated one.

    Raises:
        ValueError: a pattern is invalid.
    """
    found = ""
    for pattern in patterns:
        if _expression(pattern.removeprefix("!")).search(path):
            found = "" if pattern.startswith("!") else pattern
    return found


def in_any_case(patterns: Iterable[str], path: str) -> str:
    """Return the same as `last`, ignoring case: `*.pt` matches `A.PT`.

    A negated pattern matches its exact case only.
    """
    found = ""
    for pattern in patterns:
        if pattern.startswith("!"):
            found = "" if last([pattern.removeprefix("!")], path) else found
        elif _in_any_case(pattern).search(path) or last([pattern], path):
            found = pattern
    return found


def problem(pattern: str) -> str:
    """Return why a pattern is invalid; empty when it is valid."""
    try:
        _expression(pattern)
    except ValueError as error:
        return str(error)
    return ""


@cache
def _expression(pattern: str) -> re.Pattern[str]:
    if (plain := plain_expression(pattern)) is not None:
        return plain
    from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern  # noqa: PLC0415 - only complex patterns need it

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # `[[]` is how gitignore spells a bracket
            found = GitIgnoreSpecPattern(pattern)
    except (ValueError, re.error, OverflowError):
        found = None
    if found is None or found.regex is None or not found.include:
        raise ValueError(f"invalid pattern {pattern!r}: expected one as in .gitignore")
    return found.regex


@cache
def _in_any_case(pattern: str) -> re.Pattern[str]:
    found = _expression(pattern)
    return re.compile(found.pattern, found.flags | re.IGNORECASE)
