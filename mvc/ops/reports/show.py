"""`mvc eval show`: the report of a model, in the workspace or at a revision."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from mvc.errors import InvalidFormat, MvcError
from mvc.objects.pointer import MAX_BYTES as MAX_POINTER_BYTES
from mvc.objects.pointer import SUFFIX as POINTER
from mvc.objects.pointer_reader import parse
from mvc.ops.shared.other_pointers.workspace import pointers_here
from mvc.ops.shared.reports import ReportState, model_of, state_of
from mvc.ops.shared.selection import is_path
from mvc.ops.shared.versions.read import files_at
from mvc.ops.shared.versions.references import resolve, split_reference
from mvc.project import Project
from mvc.quality.files import MAX_BYTES, SUFFIX
from mvc.quality.pointer_files import pointer_in_file
from mvc.quality.reports.report import Report
from mvc.quality.reports.report_document import parse_report
from mvc.scm.commits import committed_file


class Shown(NamedTuple):
    """A report; `state` is None when there is no pointer to compare it with."""

    path: str
    """The model."""
    file: str
    revision: str
    """The commit; empty for the workspace."""
    state: ReportState | None
    report: Report


def show(project: Project, reference: str) -> Shown:
    """Return the report of `reference`: a path, or `REV:path`.

    Raises:
        UsageError: the revision does not exist, or the report cannot be read.
        MvcError: there is no report.
    """
    revision, text = split_reference(project, reference, partial(is_path, project))
    commit = resolve(project, revision) if revision else ""
    path = model_of(text if revision else project.shell.path(text))
    raw = _read(project, commit, path + SUFFIX, MAX_BYTES)
    if raw is None:
        where = f" at {revision}" if revision else ""
        line = project.shell.line("mvc eval record", path)
        raise MvcError(f"{path} has no report{where}", f"{line} --bump major --metric NAME=NUMBER")
    report = parse_report(raw, path + SUFFIX)
    return Shown(path, path + SUFFIX, commit, _state(project, commit, path, raw), report)


def _read(project: Project, commit: str, path: str, limit: int) -> bytes | None:
    return committed_file(project.git, commit, path) if commit else project.tree.read(path, limit + 1)


def _state(project: Project, commit: str, path: str, raw: bytes) -> ReportState | None:
    pointer = _read(project, commit, path + POINTER, MAX_POINTER_BYTES)
    if pointer is None:
        other = files_at(project, commit, path) if commit else None
        there = other.pointer if other else None if commit else pointer_in_file(pointers_here(project).get(path))
        return state_of(raw, there, path + SUFFIX) if there else None
    try:
        return state_of(raw, parse(pointer), path + SUFFIX)
    except InvalidFormat:  # `mvc status` reports it
        return None
