"""Patterns of a policy: those of `.gitignore`, on tracked paths or on files in Git."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable
from functools import cache

from mvc.objects.gitignore import plain_expression


def means(pattern: str, path: str) -> bool:
    """Whether one pattern means a tracked path.

    A path may be a directory, so a pattern that means everything below it means itself as well: `data/**`
    means `data`.

    Raises:
        ValueError: `pattern` is none.

    """
    return _expression(pattern).search(f"{path}/") is not None


def last(patterns: Iterable[str], path: str) -> str:
    """Return the last pattern of a list that means a file, as `.gitignore` reads it; empty when none does.

    Raises:
        ValueError: one is no pattern.

    """
    found = ""
    for pattern in patterns:
        if _expression(pattern.removeprefix("!")).search(path):
            found = "" if pattern.startswith("!") else pattern
    return found


def in_any_case(patterns: Iterable[str], path: str) -> str:
    """Return the same as `last`, of patterns that mean a file however it is spelled: `*.pt` means `A.PT`.

    A pattern with `!` takes back only what it spells itself.
    """
    found = ""
    for pattern in patterns:
        if pattern.startswith("!"):
            found = "" if last([pattern.removeprefix("!")], path) else found
        elif _in_any_case(pattern).search(path) or last([pattern], path):
            found = pattern
    return found


def problem(pattern: str) -> str:
    """Return what is wrong with a pattern; empty when nothing is."""
    try:
        _expression(pattern)
    except ValueError as error:
        return str(error)
    return ""


@cache
def _expression(pattern: str) -> re.Pattern[str]:
    if (plain := plain_expression(pattern)) is not None:
        return plain
    from pathspec.patterns.gitignore.spec import (  # noqa: PLC0415 - only what is not plain needs it
        GitIgnoreSpecPattern,
    )

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # `[[]` is how gitignore spells a bracket
            found = GitIgnoreSpecPattern(pattern)
    except (ValueError, re.error, OverflowError):
        found = None
    if found is None or found.regex is None or not found.include:
        raise ValueError(f"{pattern!r} is no pattern that gitignore knows")
    return found.regex


@cache
def _in_any_case(pattern: str) -> re.Pattern[str]:
    found = _expression(pattern)
    return re.compile(found.pattern, found.flags | re.IGNORECASE)
