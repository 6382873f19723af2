"""What several use cases share: failures per path, and content named in one word."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from mvc.errors import MvcError
from mvc.fsutil import as_error
from mvc.objects.pointer import Pointer
from mvc.workspace.tracked import Tracked


class Failure(NamedTuple):
    """A path for which the command could not do its work; the others went on."""

    path: str
    message: str
    fix: str
    exit_code: int

    @classmethod
    def of(cls, path: str, error: MvcError) -> Failure:
        """Return the failure that `error` is for `path`."""
        return cls(path, error.message, error.fix, error.exit_code)


@contextmanager
def collecting(failures: list[Failure], path: str) -> Iterator[None]:
    """Turn an error about `path` into a failure, so that the rest goes on."""
    try:
        yield
    except MvcError as error:
        failures.append(Failure.of(path, error))
    except OSError as error:
        failures.append(Failure.of(path, as_error(error, path)))


def content_name(pointer: Pointer) -> str:
    """Return one word for the content a pointer stands for; notes don't count."""
    return f"{pointer.kind}:{pointer.digest.blake3}{':x' if pointer.exec else ''}"


def unusable(item: Tracked, fix: str = "") -> MvcError:
    """Return the error that says why a pointer can't be used."""
    if item.condition == "conflict":
        return MvcError(
            f"{item.pointer_path} is in conflict: Git could not merge it",
            f"git checkout --ours -- {item.pointer_path} (or --theirs), then git add it and mvc checkout {item.path}",
        )
    if item.condition == "not-checked-out":
        return MvcError(f"{item.path} is left out by the sparse checkout", "git sparse-checkout add its directory")
    problem = MvcError(item.problem, fix or f"git checkout -- {item.pointer_path}")
    problem.exit_code = 2
    return problem
