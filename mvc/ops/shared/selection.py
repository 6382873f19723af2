"""The tracked paths that a command means, and errors about paths that cannot be used."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from mvc.errors import InvalidFormat, MvcError
from mvc.objects.pointer_lines import is_directory
from mvc.project import Project, Shell
from mvc.quality.files import has_conflict_marks
from mvc.workspace.tracked import NotTracked, Selection, Tracked, select


def split_reference(reference: str) -> tuple[str, str]:
    """Return revision and path of `REV:PATH`; the revision is empty for anything else, such as `./a:b`."""
    revision, colon, path = reference.partition(":")
    if not colon or not revision or reference.startswith("./"):
        return "", reference
    return revision, path.removeprefix("./")


def chosen(
    project: Project, tracked: dict[str, Tracked], paths: Iterable[str], otherwise: str = "mvc add",
) -> list[Selection]:
    """Return the selected `paths`; `otherwise` is the command to suggest for a path that is not tracked.

    Raises:
        MvcError: a path is not tracked.
    """
    try:
        return select(tracked, paths)
    except NotTracked as error:
        if project.tree.lstat(error.path) is None:
            raise MvcError(f"{error.path} is not tracked and does not exist", "mvc ls  # lists tracked paths") from None
        raise MvcError(error.message, project.shell.line(otherwise, error.path)) from None


def conflict_fix(shell: Shell, item: Tracked) -> str:
    """Return the command line that resolves the conflict in a pointer, and in a comment the alternative."""
    pointer = item.pointer_path
    stage = shell.line("git add --", pointer)
    if item.can_be_merged:
        return f"{shell.line('mvc add', item.path)}  # merges the lists of both sides"
    if item.stages >= {2, 3} or not item.stages:
        return f"{shell.line('git checkout --ours --', pointer)} && {stage}  # or --theirs"
    return f"{stage}  # keeps it: one side deleted it; {shell.line('git rm --', pointer)} deletes it"


@contextmanager
def manifest_errors(shell: Shell, path: str) -> Iterator[None]:
    """Name the directory `path` in the error that its manifest is invalid."""
    try:
        yield
    except InvalidFormat as error:
        raise broken_manifest(shell, path, error) from None


def broken_manifest(shell: Shell, path: str, error: InvalidFormat) -> InvalidFormat:
    """Return the error that the manifest of the directory `path` is invalid."""
    line = shell.line("mvc log", path)
    return InvalidFormat(f"{path}: its manifest cannot be used: {error.message}", f"{line}  # its other versions")


def unusable(shell: Shell, item: Tracked, fix: str = "") -> MvcError:
    """Return the error for a pointer that cannot be used."""
    if item.condition == "conflict":
        line, comment = conflict_fix(shell, item).split("  # ")
        fix = f"{line} && {shell.line('mvc checkout', item.path)}  # {comment}"
        return MvcError(f"{item.pointer_path} is in conflict: Git could not merge it", fix)
    if item.condition == "not-checked-out":
        folder = item.path.rpartition("/")[0]
        line = shell.line("git sparse-checkout add", folder) if folder else "git sparse-checkout disable"
        return MvcError(f"{item.path} is left out by the sparse checkout", line)
    if item.unreadable:
        return MvcError(item.problem, shell.line("ls -l --", item.pointer_path))
    if is_directory(item.raw) and has_conflict_marks(item.raw):
        fix = shell.line("mvc add", item.path)
    problem = MvcError(item.problem, fix or shell.line("git checkout --", item.pointer_path))
    problem.exit_code = 2
    return problem
