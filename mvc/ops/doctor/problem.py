"""The problems that `mvc doctor` finds, and how its checks run."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, TypeAlias

from mvc.errors import MvcError
from mvc.fs.files import as_error


class Problem(NamedTuple):
    """A problem, and the command that fixes it."""

    name: str
    """Identifies the problem; stable across versions."""
    message: str
    fix: str

    @classmethod
    def of(cls, name: str, error: MvcError) -> Problem:
        """Return `error` as a problem."""
        return cls(name, error.message, error.fix)


Check: TypeAlias = Callable[[], Iterable[Problem]]


_ASK_GIT = "git fsck"
"""For errors of Git, the only ones without a fix."""


def run_checks(checks: Iterable[Check]) -> Iterator[Problem]:
    """Yield what the checks find; a check that fails is a problem, and the next one runs."""
    for check in checks:
        try:
            yield from check()
        except MvcError as error:
            yield Problem("check-failed", error.message, error.fix or _ASK_GIT)
        except OSError as error:
            path = os.fsdecode(error.filename) if error.filename else "a file"
            problem = as_error(error, path)
            yield Problem("check-failed", problem.message, problem.fix or f"ls -ld {shlex.quote(path)}")


def some(names: Iterable[str]) -> str:
    """Return the first name, and how many more there are."""
    first, *more = names
    return f"{first} and {len(more):,} more" if more else first
