"""Reports as they lie beside pointers: where, and whether they are of the same bytes."""

from __future__ import annotations

import json
from contextlib import suppress
from functools import cached_property
from stat import S_IFLNK, S_IFMT
from typing import TYPE_CHECKING, Literal, TypeAlias

from blake3 import blake3

from mvc.errors import InvalidFormat, MvcError
from mvc.fs.files import UnsafePath, as_error
from mvc.objects.pointer import SUFFIX as POINTER
from mvc.objects.pointer import Pointer
from mvc.project import Project
from mvc.quality.files import MAX_BYTES, POLICY, SIGNATURES, SUFFIX, FileAt
from mvc.quality.reports.glance import glance

if TYPE_CHECKING:
    from mvc.quality.policy.policy import Policy
    from mvc.quality.reports.report import Report

ReportState: TypeAlias = Literal["ok", "missing", "stale", "untagged", "unreadable"]


def model_of(path: str) -> str:
    """Return the tracked path that `path` means: itself, or that of a pointer, report or signature."""
    return path.removesuffix(SIGNATURES).removesuffix(SUFFIX) if path.endswith((SUFFIX, SUFFIX + SIGNATURES)) else (
        path.removesuffix(POINTER)
    )


def state_of(raw: bytes, pointer: Pointer, what: str) -> ReportState:
    """Return how the report in `raw` stands to `pointer`, as far as a glance tells; the hook reads all of it."""
    try:
        seen = glance(raw, what)
    except InvalidFormat:
        return "unreadable"
    if seen.blake3 != pointer.digest.blake3:
        return "stale"
    return "ok" if seen.tag else "untagged"


def file_in(project: Project, path: str) -> FileAt | None:
    """Return what the workspace has as the report or policy at `path`; None when nothing lies there.

    Raises:
        MvcError: it can't be read.

    """
    try:
        raw = project.tree.read(path, MAX_BYTES + 1)
    except UnsafePath:
        return FileAt(_mode(project, path), b"")
    except OSError as error:
        raise as_error(error, path) from None
    return None if raw is None else FileAt("100644", raw)


def _mode(project: Project, path: str) -> str:
    """Return what lies at `path`, as Git's trees spell it; a path behind a symlink is as bad as one."""
    try:
        status = project.tree.lstat(path)
    except (UnsafePath, OSError):
        status = None
    return f"{S_IFMT(status.st_mode if status else S_IFLNK):06o}"


def report_in(project: Project, file: str) -> bytes | None:
    """Return what the workspace has as the report `file`; None when that is nothing that can be read."""
    with suppress(MvcError):
        found = file_in(project, file)
        return found.raw if found and found.mode == "100644" else None
    return None


def fitting(raw: bytes | None, blake3: str, what: str) -> Report | None:
    """Return the report in `raw` when it can be read and is of the content `blake3`."""
    from mvc.quality.reports.report import parse_report  # noqa: PLC0415 - YAML: `status` does without

    try:
        report = None if raw is None else parse_report(raw, what)
    except InvalidFormat:
        return None
    return report if report and report.model.blake3 == blake3 else None


def values(report: Report) -> dict[str, float]:
    """Return the metrics of a report by their labels."""
    from mvc.quality.reports.report import label  # noqa: PLC0415 - as above

    return {label(metric): metric.value for metric in report.metrics}


def directions(report: Report) -> dict[str, bool | None]:
    """Return which way the metrics of a report are better, by their labels."""
    from mvc.quality.reports.report import label  # noqa: PLC0415 - as above

    return {label(metric): metric.higher_is_better for metric in report.metrics}


class Reports:
    """The reports of a workspace, and which paths must have one.

    The catalog remembers what the policy demands of which path, so that `status` need not read it each time.
    """

    def __init__(self, project: Project) -> None:
        """Read nothing yet."""
        self._project = project
        self._asked = False

    def state(self, path: str, pointer: Pointer) -> ReportState | None:
        """Return how the report of a tracked path stands; None where there is none and none is demanded."""
        try:
            raw = self._project.tree.read(path + SUFFIX, MAX_BYTES + 1)
        except (UnsafePath, OSError):
            return "unreadable"
        if raw is not None:
            return state_of(raw, pointer, path + SUFFIX)
        return "missing" if self._is_demanded(path) else None

    def remember(self) -> None:
        """Have the catalog know what was asked of the policy."""
        if self._asked:
            self._project.catalog.set_verdict(POLICY, self._name, json.dumps(self._demanded))

    def _is_demanded(self, path: str) -> bool:
        if path not in self._demanded:
            from mvc.quality.policy.demands import demands  # noqa: PLC0415 - msgspec, YAML and patterns

            self._asked = True
            self._demanded[path] = demands(self._policy, path).report == "required"
        return self._demanded[path]

    @cached_property
    def _demanded(self) -> dict[str, bool]:
        """Which paths must have a report, as far as it was asked of this policy."""
        name, known = self._project.catalog.verdicts().get(POLICY, ("", ""))
        return json.loads(known) if name == self._name else {}

    @cached_property
    def _raw(self) -> bytes | None:
        return report_in(self._project, POLICY)

    @cached_property
    def _name(self) -> str:
        """What tells this policy from others."""
        return blake3(self._raw or b"").hexdigest()

    @cached_property
    def _policy(self) -> Policy:
        """The policy; the defaults where there is none, or none that can be read: the hook says so."""
        from mvc.quality.policy.policy import STRICT, parse_policy  # noqa: PLC0415 - as above

        try:
            return STRICT if self._raw is None else parse_policy(self._raw)
        except InvalidFormat:
            return STRICT
