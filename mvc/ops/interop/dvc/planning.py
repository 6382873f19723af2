"""Which outputs are imported: those of the workspace's files of DVC that mvc can track."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from typing import NamedTuple

from mvc.errors import InvalidName, MvcError, UsageError
from mvc.fs.files import aside_line
from mvc.objects.dvc.digest import DvcDigest
from mvc.objects.names import check_path, fold
from mvc.ops.shared.dvc.files import FoundOut
from mvc.ops.shared.failures import Failure, collecting
from mvc.project import Project, Shell
from mvc.scm.blobs import blob_ids
from mvc.scm.commits import CommitPath, blobs_at, head
from mvc.scm.index import index_paths
from mvc.workspace.tracked import folders_above, holder_of


class Plan(NamedTuple):
    """The outputs to import, and those that were imported before."""

    new: tuple[FoundOut, ...]
    finished: tuple[FoundOut, ...]
    """Their pointers are written; the files of DVC may still be there."""
    of_git: tuple[FoundOut, ...]
    """Git has their content: metrics, mostly."""
    failed: tuple[Failure, ...]


def plan(project: Project, outs: tuple[FoundOut, ...], imported: Container[DvcDigest]) -> Plan:
    """Return which outputs to import; `imported` has what earlier imports brought."""
    tracked, in_git = project.tracked(), index_paths(project.git)
    new: dict[str, FoundOut] = {}
    taken = _Taken(tracked)
    finished, of_git = [], []
    failed: list[Failure] = []
    uncommitted = _uncommitted(project, outs)
    for found in outs:
        path = found.out.path
        with collecting(failed, path):
            if found.out.problem:
                raise UsageError(f"{path}, of {found.file}: {found.out.problem}", "mvc add PATH  # for a path in here")
            if in_git.at_or_below(path):
                of_git.append(found)
            elif path in tracked and found.out.digest in imported:
                finished.append(found)
            else:
                _check(found, project.shell, uncommitted, tracked, new)
                taken.add(found, project.shell)
                new[path] = found
    return Plan(tuple(new.values()), tuple(finished), tuple(of_git), tuple(failed))


def _check(
    found: FoundOut, shell: Shell, uncommitted: Container[str], tracked: Container[str], new: Mapping[str, FoundOut],
) -> None:
    path, file, line = found.out.path, found.file, shell.line
    try:
        check_path(path)
        check_path(file)
    except InvalidName as error:
        raise InvalidName(error.message, "name it differently: dvc move OLD NEW") from None
    is_new = file in uncommitted and not found.out.stage
    if path in tracked:
        told = f"{path} is tracked by mvc, and {file} names other content"
        if found.out.stage:
            raise MvcError(told, line("mvc add", path))
        raise MvcError(told, aside_line(shell.show(file)) if is_new else line("git rm --", file))
    if is_new:
        commit = f'{line("git add --", file)} && git commit -m "..."'
        raise MvcError(f"{file} is not committed as it is, and the import removes it", commit)
    if path in new:
        raise MvcError(f"{path} is an output of both {new[path].file} and {file}", _leaving(found, shell))


def _leaving(found: FoundOut, shell: Shell) -> str:
    """Return what to do so that a file of DVC no longer names an output."""
    return "name it once in dvc.yaml" if found.out.stage else shell.line("git rm --", found.file)


class _Taken:
    """The paths that mvc tracks, or will track."""

    def __init__(self, tracked: Iterable[str]) -> None:
        self._paths = dict.fromkeys(tracked)
        self._above = folders_above(self._paths)
        self._folded = {fold(path): path for path in self._paths}

    def add(self, found: FoundOut, shell: Shell) -> None:
        """Take the path of an output.

        Raises:
            MvcError: it is inside of another, or the other way round; or equal to it but for case.
        """
        path = found.out.path
        if other := holder_of(self._paths, path) or self._above.get(path, ""):
            raise MvcError(f"{path} and {other} are one inside the other", _leaving(found, shell))
        if (twin := self._folded.setdefault(fold(path), path)) != path:
            told = f"{path} and {twin} are equal on a case-insensitive file system"
            raise UsageError(told, "name one of them differently: dvc move OLD NEW")
        self._paths[path] = None
        self._above |= folders_above([path])


def _uncommitted(project: Project, outs: tuple[FoundOut, ...]) -> set[str]:
    """Return the files of DVC that HEAD does not have as they are."""
    files = {found.file for found in outs}
    commit = head(project.git)
    if commit is None:
        return files
    there = blobs_at(project.git, (CommitPath(commit, file) for file in files))
    here = blob_ids(project.git, sorted(files))
    return {file for file in files if there.get(CommitPath(commit, file)) != here[file]}
