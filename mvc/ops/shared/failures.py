"""Failures for single paths, so that a command can continue with the others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from mvc.errors import MvcError
from mvc.fs.files import as_error


class Failure(NamedTuple):
    """A path that a command could not process; it continued with the others."""

    path: str
    message: str
    fix: str
    exit_code: int

    @classmethod
    def of(cls, path: str, error: MvcError) -> Failure:
        """Return `error` as the failure of `path`."""
        return cls(path, error.message, error.fix, error.exit_code)


def exit_code_of(failures: Iterable[Failure]) -> int:
    """Return the exit code of a command: 1 if some content is not what its digest says, else the first failure's."""
    codes = [failure.exit_code for failure in failures]
    return 1 if 1 in codes else next(iter(codes), 0)


@contextmanager
def collecting(failures: list[Failure], path: str) -> Iterator[None]:
    """Append an error about `path` to `failures` instead of raising it."""
    try:
        yield
    except MvcError as error:
        failures.append(Failure.of(path, error))
    except OSError as error:
        failures.append(Failure.of(path, as_error(error, path)))


@contextmanager
def resumable(what: str) -> Iterator[None]:
    """Raise an error of the system as `what`; the same command continues from there."""
    try:
        yield
    except OSError as error:
        problem = as_error(error, what)
        raise MvcError(problem.message, problem.fix or "run the command again") from None
