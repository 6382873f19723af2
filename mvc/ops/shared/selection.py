"""The tracked paths that a command means, and errors about paths that cannot be used."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from mvc.errors import InvalidFormat, MvcError, UsageError
from mvc.fs.files import UnsafePath, aside_line
from mvc.objects.pointer_lines import is_directory
from mvc.ops.shared.conflicts.lines import merging_line, taking_files_line, taking_line
from mvc.ops.shared.conflicts.sides import OURS, THEIRS, merge_in_conflict
from mvc.ops.shared.failures import Failure
from mvc.ops.shared.remotes import bringing
from mvc.project import Project, Shell
from mvc.quality.files import has_conflict_marks
from mvc.scm.index import index_paths, staged_file
from mvc.workspace.tracked import NotTracked, Selection, Tracked, select


def is_path(project: Project, text: str) -> bool:
    """Whether a typed path exists in the workspace, or is tracked."""
    if ".." in text.split("/"):  # what is before it need not exist
        return False
    try:
        path = project.shell.path(text)
        return project.tree.lstat(path) is not None or tracks(project.tracked(), path)
    except (UsageError, OSError, UnsafePath):
        return False


def tracks(tracked: dict[str, Tracked], path: str) -> bool:
    """Whether the path selects a tracked one."""
    try:
        return bool(select(tracked, [path]))
    except NotTracked:
        return False


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
        raise _not_tracked(project, error, rev) from None


def adding_line(project: Project, path: str) -> str:
    """Return the command line that tracks an existing path, or lists others if Git tracks it."""
    return TRACKED if not path or index_paths(project.git).at_or_below(path) else project.shell.line("mvc add", path)


def _not_tracked(project: Project, error: NotTracked, rev: str) -> MvcError:
    path = error.path
    if rev:
        return MvcError(f"{error.message} at {rev}", f"mvc ls {shlex.quote(rev)}  # lists tracked paths")
    if index_paths(project.git).at_or_below(path):
        return MvcError(f"{path} is tracked by Git, not by mvc", TRACKED)
    if project.tree.lstat(path) is None:
        return MvcError(f"{path} is not tracked and does not exist", TRACKED)
    return MvcError(error.message, adding_line(project, path))


def chosen_each(
    project: Project, tracked: dict[str, Tracked], paths: Iterable[str], failed: list[Failure], rev: str = "",
) -> list[Selection]:
    """Return the selected `paths`; without paths, all. One that is not tracked is added to `failed`.

    Raises:
        MvcError: none is tracked.
    """
    paths = list(paths)
    good = accepted(paths, lambda path: chosen(project, tracked, [path], rev), failed)
    return select(tracked, good)


def typed_paths(shell: Shell, texts: Iterable[str], failed: list[Failure]) -> list[str]:
    """Return typed paths as paths from the top of the worktree. One that is outside of it is added to `failed`.

    Raises:
        UsageError: all are.
    """
    return shell.paths(accepted(list(texts), shell.path, failed))


def accepted(paths: list[str], check: Callable[[str], object], failed: list[Failure]) -> list[str]:
    """Return the `paths` that `check` accepts, and add its errors about the others to `failed`.

    An error about all of them is raised: a command without paths would mean every path.
    """
    errors: dict[str, MvcError] = {}
    for path in paths:
        try:
            check(path)
        except MvcError as error:
            errors[path] = error
    if paths and len(errors) == len(set(paths)):
        raise errors[paths[0]]
    failed += [Failure.of(path, error) for path, error in errors.items()]
    return [path for path in paths if path not in errors]


def conflict_fix(project: Project, item: Tracked, then: str = "") -> str:
    """Return the command line that resolves the conflict in a pointer, and in a comment the alternative.

    `then` follows where only the pointer is settled.
    """
    if found := merge_in_conflict(project, item) if item.can_be_merged else None:
        sides, merged = found
        if merged.undecided:
            return taking_files_line(project.shell, item.path, merged.undecided)
        notes = (merged.undecided_notes, sides.ours.notes, sides.theirs.notes)
        if line := merging_line(project.shell, item.path, *notes, then):
            return line
    gone = [name for name, stage in (("ours", OURS), ("theirs", THEIRS)) if item.stages and stage not in item.stages]
    return taking_line(project.shell, (item.path,), *gone[:1])


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
        fix = conflict_fix(project, item, f" && {shell.line(bringing(project), item.path)}")
        return MvcError(f"{item.pointer_path} is in conflict: both sides changed it", fix)
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
    if is_directory(item.raw) and has_conflict_marks(item.raw):
        return project.shell.line("mvc add", item.path)
    staged = staged_file(project.git, item.pointer_path)
    if staged not in (None, item.raw):
        return project.shell.line("git checkout --", item.pointer_path)
    if project.tree.lstat(item.path) is not None:
        return project.shell.line("mvc add", item.path)
    if staged is not None:
        return versions_line(project.shell, item.path)
    return aside_line(project.shell.show(item.pointer_path))
