"""The tracked paths that a command means, and errors about paths that cannot be used."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from mvc.errors import InvalidFormat, MvcError
from mvc.fs.files import aside_line
from mvc.objects.pointer import SUFFIX
from mvc.project import Project, Shell
from mvc.scm.index import index_paths, staged_file
from mvc.workspace.tracked import NotTracked, Selection, Tracked, select


def split_reference(reference: str) -> tuple[str, str]:
    """Return revision and path of `REV:PATH`; the revision is empty for anything else, such as `./a:b`."""
    revision, colon, path = reference.partition(":")
    if not colon or not revision or reference.startswith("./"):
        return "", reference
    return revision, path.removeprefix("./")


TRACKED = "mvc ls  # lists tracked paths"
"""The line to type for a path that is not tracked."""


def chosen(
    project: Project, tracked: dict[str, Tracked], paths: Iterable[str], rev: str = "",
) -> list[Selection]:
    """Return the selected `paths`, tracked in the workspace or at `rev`.

    Raises:
        MvcError: a path is not tracked.
    """
    try:
        return select(tracked, paths)
    except NotTracked as error:
        if rev:
            raise MvcError(f"{error.message} at {rev}", f"mvc ls {shlex.quote(rev)}  # lists tracked paths") from None
        if project.tree.lstat(error.path) is None:
            raise MvcError(f"{error.path} is not tracked and does not exist", TRACKED) from None
        raise MvcError(error.message, adding_line(project, error.path)) from None


def adding_line(project: Project, path: str) -> str:
    """Return the command line that tracks an existing path, or lists others if Git tracks it."""
    return TRACKED if not path or index_paths(project.git).at_or_below(path) else project.shell.line("mvc add", path)


def conflict_fix(shell: Shell, path: str) -> str:
    """Return the command line that resolves the conflict in the pointer of the tracked `path`."""
    pointer = path + SUFFIX
    return f"{shell.line('git checkout --ours --', pointer)} && {shell.line('git add --', pointer)}"


@contextmanager
def manifest_errors(shell: Shell, path: str) -> Iterator[None]:
    """Name the directory `path` in the error that its manifest is invalid."""
    try:
        yield
    except InvalidFormat as error:
        raise broken_manifest(shell, path, error) from None


def broken_manifest(shell: Shell, path: str, error: InvalidFormat) -> InvalidFormat:
    """Return the error that the manifest of the directory `path` is invalid."""
    return InvalidFormat(f"{path}: its manifest cannot be used: {error.message}", versions_line(shell, path))


def unusable(project: Project, item: Tracked, rev: str = "") -> MvcError:
    """Return the error for a pointer in the workspace, or at `rev`, that cannot be used."""
    shell = project.shell
    if item.condition == "conflict":
        line = f"{conflict_fix(shell, item.path)} && {shell.line('mvc checkout', item.path)}"
        return MvcError(f"{item.pointer_path} is in conflict: Git could not merge it", f"{line}  # or --theirs")
    if item.condition == "not-checked-out":
        folder = item.path.rpartition("/")[0]
        line = shell.line("git sparse-checkout add", folder) if folder else "git sparse-checkout disable"
        return MvcError(f"{item.path} is left out by the sparse checkout", line)
    if item.unreadable:
        return MvcError(item.problem, shell.line("ls -l --", item.pointer_path))
    problem = MvcError(item.problem, versions_line(shell, item.path) if rev else _restoring_line(project, item))
    problem.exit_code = 2
    return problem


def versions_line(shell: Shell, path: str) -> str:
    """Return the command line that lists the versions of a tracked path."""
    return f"{shell.line('mvc log', path)}  # its other versions"


def _restoring_line(project: Project, item: Tracked) -> str:
    """Return the command line that replaces an invalid pointer of the workspace."""
    staged = staged_file(project.git, item.pointer_path)
    if staged not in (None, item.raw):
        return project.shell.line("git checkout --", item.pointer_path)
    if project.tree.lstat(item.path) is not None:
        return project.shell.line("mvc add", item.path)
    if staged is not None:
        return versions_line(project.shell, item.path)
    return aside_line(project.shell.show(item.pointer_path))
