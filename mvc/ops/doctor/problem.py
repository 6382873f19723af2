"""What `mvc doctor` finds: a problem, and the checks that look for one."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, TypeAlias

from mvc.errors import MvcError
from mvc.fs.files import as_error


class Problem(NamedTuple):
    """Something that is wrong, and what to type."""

    name: str
    """Which problem it is: the same in every version."""
    message: str
    fix: str

    @classmethod
    def of(cls, name: str, error: MvcError) -> Problem:
        """Return the problem that `error` tells of."""
        return cls(name, error.message, error.fix)


Check: TypeAlias = Callable[[], Iterable[Problem]]


_ASK_GIT = "git fsck"
"""What to type where mvc itself knows nothing better: only Git's own errors have no line of theirs."""


def run_checks(checks: Iterable[Check]) -> Iterator[Problem]:
    """Yield what the checks find; one that cannot do its work is a problem, and the next one goes on."""
    for check in checks:
        try:
            yield from check()
        except MvcError as error:
            yield Problem("check-failed", error.message, error.fix or _ASK_GIT)
        except OSError as error:
            path = os.fsdecode(error.filename) if error.filename else "a file"
            told = as_error(error, path)
            yield Problem("check-failed", told.message, told.fix or f"ls -ld {shlex.quote(path)}")


def some(names: Iterable[str]) -> str:
    """Return the first of `names`, and how many more there are."""
    first, *more = names
    return f"{first} and {len(more):,} more" if more else first
