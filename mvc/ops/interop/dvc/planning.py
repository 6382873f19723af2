"""Which outputs are imported: those of the workspace's files of DVC that mvc can track."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import NamedTuple

from mvc.errors import MvcError, UsageError
from mvc.objects.dvc.digest import DvcDigest
from mvc.objects.names import check_path
from mvc.ops.shared.dvc.files import FoundOut
from mvc.ops.shared.failures import Failure, collecting
from mvc.project import Project
from mvc.scm.blobs import blob_ids
from mvc.scm.commits import CommitPath, blobs_at, head
from mvc.scm.index import index_paths
from mvc.workspace.tracked import Tracked, find_twins, folders_above, holder_of


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
                _check(project, found, tracked, new, uncommitted)
                new[path] = found
    return Plan(tuple(new.values()), tuple(finished), tuple(of_git), tuple(failed))


def _check(
    project: Project, found: FoundOut, tracked: Mapping[str, Tracked], new: Mapping[str, FoundOut],
    uncommitted: Container[str],
) -> None:
    path, line = check_path(found.out.path), project.shell.line
    if path in tracked:
        told = f"{path} is tracked by mvc, and {found.file} names other content"
        raise MvcError(told, line("mvc add", path) if found.out.stage else line("git rm --", found.file))
    if path in new:
        both = f"{new[path].file} and {found.file}"
        raise MvcError(f"{path} is an output of both {both}", "dvc remove FILE.dvc  # of one")
    if other := holder_of({**tracked, **new}, path) or folders_above({**tracked, **new}).get(path, ""):
        raise MvcError(f"{path} and {other} are one inside the other", "dvc remove FILE.dvc  # of one")
    if twins := find_twins([*tracked, *new], [path]):
        raise UsageError(f"{twins[0]} and {twins[1]} are equal on a case-insensitive file system", "dvc move OLD NEW")
    if found.file in uncommitted and not found.out.stage:
        commit = f"{line('git add --', found.file)} && git commit"
        raise MvcError(f"{found.file} is not committed as it is, and the import removes it", commit)


def _uncommitted(project: Project, outs: tuple[FoundOut, ...]) -> set[str]:
    """Return the files of DVC that HEAD does not have as they are."""
    files = {found.file for found in outs}
    commit = head(project.git)
    if commit is None:
        return files
    there = blobs_at(project.git, (CommitPath(commit, file) for file in files))
    here = blob_ids(project.git, sorted(files))
    return {file for file in files if there.get(CommitPath(commit, file)) != here[file]}
