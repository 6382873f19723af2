"""What several use cases share: failures per path, and content named in one word."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from mvc.errors import InvalidFormat, MvcError
from mvc.fs.files import as_error
from mvc.objects.pointer import SUFFIX
from mvc.project import Project
from mvc.workspace.tracked import NotTracked, Selection, Tracked, select


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


@contextmanager
def resumable(what: str) -> Iterator[None]:
    """Turn an error of the system into one that says that the same line goes on from there."""
    try:
        yield
    except OSError as error:
        problem = as_error(error, what)
        raise MvcError(problem.message, problem.fix or "run the command again") from None


def split_reference(reference: str) -> tuple[str, str]:
    """Return revision and path of `REV:PATH`; the revision is empty for anything else, such as `./a:b`."""
    revision, colon, path = reference.partition(":")
    if not colon or not revision or reference.startswith("./"):
        return "", reference
    return revision, path.removeprefix("./")


def chosen(
    project: Project, tracked: dict[str, Tracked], paths: Iterable[str], otherwise: str = "mvc add",
) -> list[Selection]:
    """Return what `paths` mean; `otherwise` is the command to type for one that is not tracked.

    Raises:
        MvcError: a path means nothing that is tracked.

    """
    try:
        return select(tracked, paths)
    except NotTracked as error:
        if project.tree.lstat(error.path) is None:
            raise MvcError(f"{error.path} is not tracked, and nothing is there", "mvc ls  # lists what is") from None
        raise MvcError(error.message, project.shell.line(otherwise, error.path)) from None


def settling(project: Project, item_path: str) -> str:
    """Return the line to type that settles the conflict in the pointer of `item_path`."""
    pointer = item_path + SUFFIX
    return f"{project.shell.line('git checkout --ours --', pointer)} && {project.shell.line('git add --', pointer)}"


@contextmanager
def listing(project: Project, path: str) -> Iterator[None]:
    """Say whose manifest it is that breaks its format."""
    try:
        yield
    except InvalidFormat as error:
        raise broken_list(project, path, error) from None


def broken_list(project: Project, path: str, error: InvalidFormat) -> InvalidFormat:
    """Return the error that says that the manifest of the directory `path` breaks its format."""
    line = project.shell.line("mvc log", path)
    return InvalidFormat(f"{path}: its manifest cannot be used: {error.message}", f"{line}  # its other versions")


def unusable(project: Project, item: Tracked, fix: str = "") -> MvcError:
    """Return the error that says why a pointer can't be used."""
    if item.condition == "conflict":
        line = f"{settling(project, item.path)} && {project.shell.line('mvc checkout', item.path)}"
        return MvcError(f"{item.pointer_path} is in conflict: Git could not merge it", f"{line}  # or --theirs")
    if item.condition == "not-checked-out":
        folder = item.path.rpartition("/")[0]
        line = project.shell.line("git sparse-checkout add", folder) if folder else "git sparse-checkout disable"
        return MvcError(f"{item.path} is left out by the sparse checkout", line)
    if item.unreadable:
        return MvcError(item.problem, project.shell.line("ls -l --", item.pointer_path))
    problem = MvcError(item.problem, fix or project.shell.line("git checkout --", item.pointer_path))
    problem.exit_code = 2
    return problem
