"""The model and the data of an evaluation as they are in the workspace, and what the model was derived from."""

from __future__ import annotations

import shlex
import stat
import sys
from functools import partial
from typing import NamedTuple

from mvc.errors import MvcError, UsageError
from mvc.fs.files import UnsafePath, as_error, aside_line
from mvc.modelfiles.stubs import DVC, LARGEST
from mvc.objects.digest import Digest
from mvc.ops.reports.options import RecordOptions
from mvc.ops.reports.remarks import Remark
from mvc.ops.shared.checkout import content_line, unstorable
from mvc.ops.shared.content.tensors import described
from mvc.ops.shared.other_pointers.workspace import OtherDigests, changed, other_digests, pointers_here
from mvc.ops.shared.reports import file_in, model_of
from mvc.ops.shared.selection import is_path
from mvc.ops.shared.versions.read import files_at
from mvc.ops.shared.versions.references import resolve, split_reference
from mvc.ops.shared.workspace_content import observe_path, refuse_empty, refuse_stub, same_content, was_updated
from mvc.project import Project
from mvc.quality.files import POLICY, REGULAR, FileAt
from mvc.quality.judge.tools import adding, usual_tool
from mvc.quality.pointer_files import name_of, pointer_in_file, tool_of
from mvc.quality.policy.parsed_policy import read_policy
from mvc.quality.reports.binding import is_of
from mvc.quality.reports.report import Dataset, Model, Source, Tensors, Used
from mvc.workspace.tracked import Tracked, holder_of


class Evaluated(NamedTuple):
    """The model that is evaluated and its data, with their digests."""

    path: str
    item: Tracked | None
    """None when the model is not tracked."""
    digest: Digest
    datasets: tuple[Dataset, ...]
    train: tuple[Used, ...]
    together: tuple[Used, ...]
    sources: tuple[Source, ...]
    remarks: tuple[Remark, ...]
    pointer: FileAt | None = None
    """The model's pointer, of any kind; None when it is not tracked, or its pointer cannot be read."""
    others: OtherDigests | None = None
    """The digests in the pointer of DVC or git-lfs; None for one of mvc."""
    artifacts: tuple[Used, ...] = ()
    tensors: Tensors | None = None

    @property
    def blake3_by_path(self) -> dict[str, str]:
        """The digests of the model and of all data, also of other files that it is evaluated with."""
        used = {item.path: item.blake3 for item in (*self.train, *self.together)}
        return {self.path: self.digest.blake3, **{item.path: item.blake3 for item in self.datasets}, **used}


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
    pointer = FileAt(REGULAR[0], item.raw) if item and item.pointer else None
    others = None
    if item is None:
        pointer = pointers_here(project).get(path)
        others, more = _others(project, path, pointer, digest)
        remarks += more
        digest = others.content if others else digest
    remarks = [remark._replace(refused=True) for remark in remarks]
    data: dict[str, str] = {}
    for name in dict.fromkeys([*(name for _, name in options.datasets), *options.train, *options.together]):
        _refuse_unfetched(project, name)
        found, differences = _hash_data(project, name, tracked.get(name))
        data[name] = found.blake3
        remarks += differences
    project.catalog.flush()
    datasets = tuple(Dataset(identifier, data[name], name) for identifier, name in options.datasets)
    train, together = (tuple(Used(name, data[name]) for name in names) for names in (options.train, options.together))
    sources = (*options.derived, *(_source(project, reference, tracked) for reference in options.sources))
    artifacts = tuple(Used(name, hash_content(project, name)[0].blake3) for name in options.artifacts)
    tensors = described(project, item.pointer) if item and item.pointer and item.pointer.digest == digest else None
    return Evaluated(
        path, item, digest, (*datasets, *options.stated), train, together, sources, tuple(remarks), pointer, others,
        artifacts, tensors,
    )


def _source(project: Project, reference: str, tracked: dict[str, Tracked]) -> Source:
    """Return the content that a REF names: of a path in the workspace, or of a pointer in a commit.

    Raises:
        MvcError: there is none.
    """
    rev, text = split_reference(project, reference, partial(is_path, project))
    if not rev:
        path = model_of(project.shell.path(text))
        digest, _ = _hash_data(project, path, tracked.get(path))
        return Source(path, digest.blake3)
    path = model_of(text)
    found = files_at(project, resolve(project, rev), path)
    if found is None:
        raise UsageError(f"{path} is not tracked at {rev}", "mvc ls  # lists tracked paths")
    blake3 = found.pointer.digest.blake3
    if not blake3:
        raise UsageError(f"the pointer of {path} at {rev} has no BLAKE3", f"--from {shlex.quote(path)}")
    return Source(path, blake3)


def _others(
    project: Project, path: str, file: FileAt | None, digest: Digest,
) -> tuple[OtherDigests | None, list[Remark]]:
    """Return the digests of content that DVC or git-lfs keeps, and what is to be said about its pointer."""
    if file is None:
        tool = usual_tool(read_policy(file_in(project.tree, POLICY)).policy)
        return None, [Remark(f"{path} is not tracked", adding(project.shell.line("mvc add", path), tool))]
    pointer, name = pointer_in_file(file), name_of(path, file)
    if pointer is None:
        return None, [Remark(f"the pointer {name} cannot be read", "mvc eval check")]
    found = other_digests(project, path, pointer)
    if pointer.kind == "file" and found.content != digest:
        raise changed(path)
    if is_of(Model(found.content.blake3, md5=found.md5, sha256=found.sha256), pointer):
        return found, []
    command = {"dvc": "dvc add", "lfs": "git add --"}[tool_of(name)] if not name.endswith(".lock") else "dvc commit -f"
    return found, [Remark(f"{path} differs from its pointer", project.shell.line(command, path))]


def _size(project: Project, path: str) -> int:
    """Return the bytes of a regular file; -1 for anything else."""
    status = project.tree.lstat(path)
    return status.st_size if status and stat.S_ISREG(status.st_mode) else -1


def _refuse_unfetched(project: Project, path: str) -> None:
    if path.endswith(DVC) and project.tree.lstat(of_dvc := path.removesuffix(DVC)) is not None:
        line = project.shell.line("mvc eval record", of_dvc)
        raise UsageError(f"{path} is a pointer of DVC", f"{line} --bump major")
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


def read_small(project: Project, file: str) -> bytes | None:
    """Return the content of a file that mvc writes, such as a report; None if there is none.

    Raises:
        UsageError: it is a symlink or a directory, or behind a symlink.
    """
    try:
        return project.tree.read(file, sys.maxsize)
    except UnsafePath as error:
        raise UsageError(error.message, aside_line(project.shell.show(file))) from None
