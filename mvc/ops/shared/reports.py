"""The reports and the policy in the workspace, and whether reports match their pointers."""

from __future__ import annotations

import json
from contextlib import suppress
from functools import cached_property
from stat import S_IFLNK, S_IFMT
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from blake3 import blake3

from mvc.errors import InvalidFormat, MvcError
from mvc.fs.files import UnsafePath, as_error
from mvc.fs.tree import Tree
from mvc.objects.pointer import SUFFIX as POINTER
from mvc.objects.pointer import Pointer
from mvc.project import Project
from mvc.quality.files import MAX_BYTES, POLICY, SIGNATURES, SUFFIX, FileAt, has_conflict_marks
from mvc.quality.reports.glance import glance
from mvc.scm.commits import committed_file

if TYPE_CHECKING:
    from mvc.quality.policy.policy import Policy
    from mvc.quality.reports.report import Report
    from mvc.quality.side_by_side import MetricRow

ReportState: TypeAlias = Literal["ok", "missing", "stale", "untagged", "unreadable", "conflict"]


def model_of(path: str) -> str:
    """Return the tracked path that `path` means: itself, or that of a pointer, report or signature."""
    if path.endswith((SUFFIX, SUFFIX + SIGNATURES)):
        return path.removesuffix(SIGNATURES).removesuffix(SUFFIX)
    return path.removesuffix(POINTER)


def state_of(raw: bytes, pointer: Pointer, what: str) -> ReportState:
    """Return the state of the report in `raw` for `pointer`, without parsing all of it, as the hook does."""
    try:
        seen = glance(raw, what)
    except InvalidFormat:
        return "conflict" if has_conflict_marks(raw) else "unreadable"
    if pointer.other:
        return _state_of_other(raw, pointer, what)
    if seen.blake3 != pointer.digest.blake3:
        return "stale"
    return "ok" if seen.tag else "untagged"


def _state_of_other(raw: bytes, pointer: Pointer, what: str) -> ReportState:
    report = matching_report(raw, pointer.identity, what)
    return "stale" if report is None else "ok" if report.tag else "untagged"


def file_in(tree: Tree, path: str) -> FileAt | None:
    """Return the report or policy `path` of the workspace; None when there is none.

    Raises:
        MvcError: it cannot be read.
    """
    try:
        raw = tree.read(path, MAX_BYTES + 1)
    except UnsafePath:
        return FileAt(_mode(tree, path), b"")
    except OSError as error:
        raise as_error(error, path) from None
    return None if raw is None else FileAt("100644", raw)


def _mode(tree: Tree, path: str) -> str:
    """Return the mode of `path` as in Git's trees; a path behind a symlink counts as a symlink."""
    try:
        status = tree.lstat(path)
    except (UnsafePath, OSError):
        status = None
    return f"{S_IFMT(status.st_mode if status else S_IFLNK):06o}"


def report_in(tree: Tree, file: str) -> bytes | None:
    """Return the report `file` of the workspace; None when it cannot be read."""
    with suppress(MvcError):
        found = file_in(tree, file)
        return found.raw if found and found.mode == "100644" else None
    return None


def report_at(project: Project, commit: str, file: str) -> bytes | None:
    """Return the report `file` of a commit, or if that is empty of the workspace; None when it cannot be read."""
    return committed_file(project.git, commit, file) if commit else report_in(project.tree, file)


def matching_report(raw: bytes | None, identity: str, what: str) -> Report | None:
    """Return the report in `raw` if it is valid and of the content that a pointer names by `identity`."""
    from mvc.quality.reports.binding import digests  # noqa: PLC0415 - YAML: `status` does not need it
    from mvc.quality.reports.report_document import parse_report  # noqa: PLC0415 - as above

    try:
        report = None if raw is None else parse_report(raw, what)
    except InvalidFormat:
        return None
    return report if report and identity in digests(report.model) else None


def metric_values(report: Report) -> dict[str, float]:
    """Return the values of a report's metrics by label."""
    from mvc.quality.reports.report import label  # noqa: PLC0415 - as above

    return {label(metric): metric.value for metric in report.metrics}


class MetricChange(NamedTuple):
    """A metric on both sides; None where a side does not have it."""

    name: str
    old: float | None
    new: float | None
    higher_is_better: bool | None
    """None when neither report says it, or they disagree."""
    same_data: bool
    """Whether both sides have it, measured on the same data."""


def metric_changes(old: Report | None, new: Report | None) -> tuple[MetricChange, ...] | None:
    """Return the metrics of two reports; None without any report."""
    if old is None and new is None:
        return None
    from mvc.quality.judge.rules.figures import ModelReport  # noqa: PLC0415 - as above
    from mvc.quality.side_by_side import side_by_side  # noqa: PLC0415

    sides = [ModelReport("", report) if report else None for report in (old, new)]
    return tuple(map(_change, side_by_side(sides, {})))


def _change(row: MetricRow) -> MetricChange:
    before, after = row.values
    same_data = not row.missing and not row.incomparable
    old, new = (item.value if item else None for item in (before, after))
    return MetricChange(row.name, old, new, row.higher_is_better, same_data)


class Reports:
    """The reports of a workspace, and which paths must have one.

    The catalog remembers for which paths the policy requires one, so that `status` need not parse it each time.
    """

    def __init__(self, project: Project) -> None:
        self._project = project
        self._changed = False

    def state(self, path: str, pointer: Pointer) -> ReportState | None:
        """Return the state of a tracked path's report; None when there is none and none is required."""
        try:
            raw = self._project.tree.read(path + SUFFIX, MAX_BYTES + 1)
        except (UnsafePath, OSError):
            return "unreadable"
        if raw is not None:
            return state_of(raw, pointer, path + SUFFIX)
        return "missing" if self._is_required(path) else None

    def remember(self) -> None:
        """Store what the policy requires in the catalog."""
        if self._changed:
            self._project.catalog.set_verdict(POLICY, self._policy_digest, json.dumps(self._required))

    def _is_required(self, path: str) -> bool:
        if path not in self._required:
            from mvc.quality.policy.demands import demands  # noqa: PLC0415 - msgspec, YAML and patterns

            self._changed = True
            self._required[path] = demands(self._policy, path).report == "required"
        return self._required[path]

    @cached_property
    def _required(self) -> dict[str, bool]:
        """Whether a path must have a report, for the paths that were looked up in this policy."""
        digest, known = self._project.catalog.verdicts().get(POLICY, ("", ""))
        return json.loads(known) if digest == self._policy_digest else {}

    @cached_property
    def _raw(self) -> bytes | None:
        return report_in(self._project.tree, POLICY)

    @cached_property
    def _policy_digest(self) -> str:
        return blake3(self._raw or b"").hexdigest()

    @cached_property
    def _policy(self) -> Policy:
        """The policy; the defaults if there is none, or it is invalid, which the hook reports."""
        from mvc.quality.policy.policy import STRICT, parse_policy  # noqa: PLC0415 - as above

        try:
            return STRICT if self._raw is None else parse_policy(self._raw)
        except InvalidFormat:
            return STRICT
