"""The model and the data of an evaluation, as they are in the workspace."""

from __future__ import annotations

import stat
from typing import NamedTuple

from mvc.errors import MvcError, UsageError
from mvc.fs.files import as_error
from mvc.modelfiles.stubs import LARGEST
from mvc.objects.digest import Digest
from mvc.ops.reports.options import RecordOptions
from mvc.ops.reports.remarks import Remark
from mvc.ops.shared.checkout import content_line, unstorable
from mvc.ops.shared.reports import model_of
from mvc.ops.shared.workspace_content import observe_path, refuse_empty, refuse_stub, same_content, was_updated
from mvc.project import Project
from mvc.quality.reports.report import Dataset, Used
from mvc.workspace.tracked import Tracked, holder_of


class Evaluated(NamedTuple):
    """The model that is evaluated and its data, with their digests."""

    path: str
    item: Tracked | None
    """None when the model is not tracked."""
    digest: Digest
    datasets: tuple[Dataset, ...]
    train: tuple[Used, ...]
    remarks: tuple[Remark, ...]

    @property
    def blake3_by_path(self) -> dict[str, str]:
        """The digests of the model and of all data."""
        evaluated_on = {item.path: item.blake3 for item in self.datasets}
        trained_on = {item.path: item.blake3 for item in self.train}
        return {self.path: self.digest.blake3, **evaluated_on, **trained_on}


def examine(project: Project, path: str, options: RecordOptions) -> Evaluated:
    """Return the model at `path` and its data, hashed now or known from their stat data.

    Raises:
        MvcError: a path does not exist, or cannot be read.
    """
    path, tracked = model_of(path), project.tracked()
    refuse_other_than_model(project, path, tracked)
    item = tracked.get(path)
    if not _size(project, path):
        refuse_empty(project, path, item.pointer if item else None)
    _refuse_unfetched(project, path)
    digest, remarks = hash_content(project, path, item)
    if item is None:
        remarks.append(Remark(f"{path} is not tracked", project.shell.line("mvc add", path)))
    remarks = [remark._replace(refused=True) for remark in remarks]
    data: dict[str, str] = {}
    for name in dict.fromkeys([*(name for _, name in options.datasets), *options.train]):
        _refuse_unfetched(project, name)
        found, differences = _hash_data(project, name, tracked.get(name))
        data[name] = found.blake3
        remarks += differences
    project.catalog.flush()
    datasets = tuple(Dataset(identifier, data[name], name) for identifier, name in options.datasets)
    train = tuple(Used(name, data[name]) for name in options.train)
    return Evaluated(path, item, digest, (*datasets, *options.stated), train, tuple(remarks))


def _size(project: Project, path: str) -> int:
    """Return the bytes of a regular file; -1 for anything else."""
    status = project.tree.lstat(path)
    return status.st_size if status and stat.S_ISREG(status.st_mode) else -1


def _refuse_unfetched(project: Project, path: str) -> None:
    if 0 < _size(project, path) <= LARGEST:
        refuse_stub(project.shell, path, project.tree.read(path, LARGEST) or b"")


def refuse_other_than_model(project: Project, path: str, tracked: dict[str, Tracked]) -> None:
    """Refuse a part of a tracked directory, and a directory above tracked paths.

    Raises:
        UsageError: with the line that records the report of the model.
    """
    if not path:
        raise UsageError("the whole worktree cannot be a model", _RECORD)
    if holder := holder_of(tracked, path):
        line = project.shell.line("mvc eval record", holder)
        raise UsageError(f"{path} is inside {holder}, which is evaluated as a whole", f"{line} --bump major")
    below = next((name for name in tracked if name.startswith(f"{path}/")), "")
    if below and path not in tracked:
        line = project.shell.line("mvc eval record", below)
        raise UsageError(f"{path} is not tracked, but paths inside it are", f"{line} --bump major")


_RECORD = "mvc eval record MODEL --bump major"


def _hash_data(project: Project, path: str, item: Tracked | None) -> tuple[Digest, list[Remark]]:
    """Return the digest of data: the pointer's where the workspace does not have the content."""
    if item is not None and item.pointer is not None and project.tree.lstat(path) is None:
        return item.pointer.digest, []
    return hash_content(project, path, item)


def hash_content(project: Project, path: str, item: Tracked | None = None) -> tuple[Digest, list[Remark]]:
    """Return the digest of the content at `path`, and a remark if the pointer of `item` does not match it.

    Raises:
        MvcError: the content is missing, or cannot be read.
    """
    try:
        observed = observe_path(project, path)
    except OSError as error:
        raise as_error(error, path) from None
    if refused := unstorable(project, path, item, observed.scan):
        raise refused
    if observed.digest is None and item is not None:
        raise MvcError(f"{path} is tracked but missing", content_line(project, path, item.pointer))
    if observed.digest is None:
        raise UsageError(f"{path} does not exist", "mvc ls  # lists what is tracked")
    if item is None or (item.pointer is not None and same_content(item.pointer, observed)):
        return observed.digest, []
    behind = item.pointer is not None and was_updated(project, path, item.pointer)
    fix = content_line(project, path, item.pointer) if behind else project.shell.line("mvc add", path)
    return observed.digest, [Remark(f"{path} differs from its pointer", fix)]
