"""The tracked paths that a command means, and errors about paths that cannot be used."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from mvc.errors import InvalidFormat, MvcError, UsageError
from mvc.fs.files import UnsafePath
from mvc.objects.pointer_lines import is_directory
from mvc.ops.shared.failures import Failure
from mvc.project import Project, Shell
from mvc.quality.files import has_conflict_marks
from mvc.scm.index import index_paths
from mvc.workspace.tracked import NotTracked, Selection, Tracked, select


def split_reference(reference: str, is_path: Callable[[str], bool]) -> tuple[str, str]:
    """Return revision and path of `REV:PATH`; the revision is empty for anything else, such as `./a:b`.

    A path with a colon, of which `is_path` knows, takes precedence.
    """
    revision, colon, path = reference.partition(":")
    if not colon or not revision or reference.startswith("./") or is_path(reference):
        return "", reference
    return revision, path.removeprefix("./")


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
        raise _not_tracked(project, error, otherwise) from None


def _not_tracked(project: Project, error: NotTracked, otherwise: str) -> MvcError:
    path = error.path
    if index_paths(project.git).at_or_below(path):
        return MvcError(f"{path} is tracked by Git, not by mvc", "mvc ls  # lists tracked paths")
    if project.tree.lstat(path) is None:
        return MvcError(f"{path} is not tracked and does not exist", "mvc ls  # lists tracked paths")
    return MvcError(error.message, project.shell.line(otherwise, path))


def chosen_each(
    project: Project, tracked: dict[str, Tracked], paths: Iterable[str], failed: list[Failure],
    otherwise: str = "mvc add",
) -> list[Selection]:
    """Return the selected `paths`; without paths, all. One that is not tracked is added to `failed`.

    Raises:
        MvcError: none is tracked.
    """
    paths = list(paths)
    good = accepted(paths, lambda path: chosen(project, tracked, [path], otherwise), failed)
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
