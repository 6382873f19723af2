"""What current data is compared with: a file, or the data set that the report of a model names."""

from __future__ import annotations

import os
import shlex
from functools import partial
from typing import NamedTuple

from mvc.drift.result import ModelVersion
from mvc.errors import MvcError, UsageError
from mvc.evaluation.roles import TRUTH
from mvc.objects.names import registered_name
from mvc.objects.pointer import Pointer
from mvc.ops.shared.reports import model_of, report_in
from mvc.ops.shared.selection import is_path
from mvc.ops.shared.versions.read import files_at
from mvc.ops.shared.versions.references import resolve, split_reference
from mvc.ops.shared.workspace_content import observe_path
from mvc.project import Project
from mvc.quality.files import SUFFIX
from mvc.quality.reports.report import Dataset
from mvc.quality.reports.report_document import parse_report


class Reference(NamedTuple):
    """Data, and the model that was evaluated on it."""

    data: str
    """What to prove: a REF of a tracked path. Otherwise a file, as it can be opened."""
    tracked: bool
    blake3: str = ""
    """What the report says of the data; empty without a report."""
    version: ModelVersion = ModelVersion()
    truth: str = TRUTH
    """The column with the true values."""


def find_reference(project: Project, text: str) -> Reference:
    """Return the data that a user named: a file, a REF of tracked data, or a REF of a model.

    Raises:
        UsageError: there is none, or the report names several data sets.
        MvcError: the model has no report, or the data set is not there.
    """
    rev, path = split_reference(project, text, partial(is_path, project))
    if not rev:
        return _in_workspace(project, path)
    commit, path = resolve(project, rev), model_of(path)
    found = files_at(project, commit, path)
    if found is None:
        raise UsageError(f"{path} is not tracked at {rev}", "mvc ls  # lists what is tracked")
    if found.report is None:
        return Reference(text, tracked=True)
    version = _version(rev, found.pointer, path, found.blake3)
    return _data_set(project, found.report, version, path, commit)


def _in_workspace(project: Project, text: str) -> Reference:
    full = os.path.join(project.around.cwd, text)
    is_inside = os.path.realpath(full).startswith(f"{project.root}/")
    path = model_of(project.shell.path(text)) if is_inside else ""
    report = report_in(project.tree, path + SUFFIX) if path else None
    item = project.tracked().get(path)
    if report is not None and item is not None and item.pointer is not None:
        return _data_set(project, report, _version("", item.pointer, path, item.pointer.digest.blake3), path, "")
    if item is not None or (path and is_path(project, text) and not os.path.exists(full)):
        return Reference(text, tracked=True)
    if not os.path.isfile(full):
        is_there = "is not a regular file" if os.path.exists(full) else "does not exist"
        problem = "is a directory, expected a file" if os.path.isdir(full) else is_there
        raise UsageError(f"{text} {problem}", "mvc ls  # lists what is tracked; or name a file")
    return Reference(full, tracked=False)


def _version(rev: str, pointer: Pointer, path: str, blake3: str) -> ModelVersion:
    name, _, version = rev.partition("@")
    return ModelVersion(name if version else pointer.notes.name or registered_name(path), version, blake3)


def _data_set(project: Project, raw: bytes, version: ModelVersion, path: str, commit: str) -> Reference:
    report = parse_report(raw, path + SUFFIX)
    version = version._replace(version=version.version or report.tag)
    if not report.datasets:
        raise MvcError(f"the report of {path} names no data set", "--reference FILE")
    if len(report.datasets) > 1:
        names = ", ".join(item.path or item.id for item in report.datasets)
        first = report.datasets[0].path or "FILE"
        message = f"the report of {path} names {len(report.datasets)} data sets: {names}"
        raise UsageError(message, f"--reference {shlex.quote(f'{commit[:12]}:{first}' if commit else first)}")
    found = _content(project, report.datasets[0], version, commit)
    return found._replace(truth=report.predictions.truth) if report.predictions else found


def _content(project: Project, dataset: Dataset, version: ModelVersion, commit: str) -> Reference:
    """Return where the data set is: tracked in the commit of the report, or as a file of the workspace."""
    path, blake3 = dataset.path, dataset.blake3
    if path and commit and (found := files_at(project, commit, path)) and found.pointer.digest.blake3 == blake3:
        return Reference(f"{commit}:{path}", tracked=True, blake3=blake3, version=version)
    item = project.tracked().get(path)
    if item is not None and item.pointer is not None and item.pointer.digest.blake3 == blake3:
        return Reference(f"./{project.shell.show(path)}", tracked=True, blake3=blake3, version=version)
    seen = observe_path(project, path).digest if path else None
    if seen is None or seen.blake3 != blake3:
        state = "is not there" if seen is None else "has other content now"
        message = f"the data set {path or dataset.id} of the report, {blake3[:12]}, {state}"
        raise MvcError(message, "--reference FILE")
    return Reference(f"{project.root}/{path}", tracked=False, blake3=blake3, version=version)
