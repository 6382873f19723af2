"""What `mvc add` refuses before it stores anything."""

from __future__ import annotations

import os
import shlex
import stat

from mvc.errors import UsageError
from mvc.modelfiles.stubs import DVC, LARGEST
from mvc.objects.names import check_path, fold
from mvc.objects.pointer import NAME
from mvc.ops.shared.workspace_content import refuse_stub
from mvc.project import Project
from mvc.scm.index import IndexPaths, index_paths
from mvc.workspace.ignore import in_workspace, not_excluded
from mvc.workspace.tracked import Tracked, folders_above


def check_target(project: Project, in_git: IndexPaths, holders: dict[str, str], path: str) -> None:
    """Check that `path` can be tracked; `holders` are the directories above tracked paths, each with one of these.

    Raises:
        UsageError: it cannot.
    """
    check_path(path)
    if path.endswith(DVC) and project.tree.lstat(of_dvc := path.removesuffix(DVC)):
        raise UsageError(f"{path} is a pointer of DVC", project.shell.line("mvc add", of_dvc))
    for folder in folders_above([path]):
        if project.tree.lstat(f"{folder}/.git") is not None:
            line = f"{project.shell.line('mvc -C', folder)} add -- {shlex.quote(path[len(folder) + 1 :])}"
            raise UsageError(f"{path} is in the submodule or repository {folder}", line)
    if below := holders.get(path):
        line = f"{project.shell.line('mvc rm --keep', below)} && {project.shell.line('mvc add', path)}"
        raise UsageError(f"{path} contains {below}, which is tracked on its own", line)
    _check_not_in_git(project, path, in_git.at_or_below(path))


def check_new(project: Project, path: str) -> None:
    """Check that a file that may not exist yet can be tracked at `path`.

    Raises:
        UsageError: it cannot.
    """
    check_target(project, index_paths(project.git), folders_above(project.tracked()), path)


def _check_not_in_git(project: Project, path: str, files: list[str]) -> None:
    """Refuse a path with files of Git's; those that `.mvcignore` excludes may be Git's."""
    mine = not_excluded(in_workspace(project.tree), path, files)
    if mine == [path] and os.path.lexists(f"{project.root}/{path}/.git"):
        line = f"{project.shell.line('mvc -C', path)} add PATH"
        raise UsageError(f"{path} is a submodule, a repository of its own", line)
    if mine:
        recursive = "-r " if mine != [path] else ""
        _check_fetched(project, mine)
        untrack = project.shell.line(f"git rm {recursive}--cached --", *([path] if mine == files else mine))
        line = f"{untrack} && {project.shell.line('mvc add', path)}"
        raise UsageError(f"{path} is tracked by Git and can't be tracked by mvc as well", line)


def _check_fetched(project: Project, paths: list[str]) -> None:
    """Refuse the first file of Git's whose content git-lfs has not fetched: without Git's entry it no longer could."""
    for path in paths:
        status = project.tree.lstat(path)
        if status and stat.S_ISREG(status.st_mode) and status.st_size <= LARGEST:
            check_content(project, path, project.tree.read(path, LARGEST) or b"")


def check_name(tracked: dict[str, Tracked], name: str, paths: list[str]) -> None:
    """Check that `name` can be the model name of the one of `paths`.

    Raises:
        UsageError: it is invalid or taken, or there are several paths.
    """
    if len(paths) != 1:
        raise UsageError("--name names one model, so it takes one path", "mvc add PATH --name NAME")
    if NAME.fullmatch(name) is None:
        raise UsageError(
            f"invalid model name {name!r}: use only letters, digits, '-', '_' and '/'",
            "mvc add PATH --name my-model",
        )
    for item in tracked.values():
        taken = item.pointer.notes.name if item.pointer and item.path != paths[0] else ""
        if fold(taken) == fold(name):
            hint = "" if taken == name else ": names that differ only by case are one name"
            raise UsageError(f"{item.path} already has the name {taken!r}{hint}", "choose another --name")


def check_content(project: Project, path: str, content: bytes) -> None:
    """Refuse a file whose content another tool has not fetched; beside its content, a `.dvc` file is just a file.

    Raises:
        UsageError: with the line that fetches it.
    """
    if not path.endswith(DVC) or project.tree.lstat(path.removesuffix(DVC)) is None:
        refuse_stub(project.shell, path, content)
