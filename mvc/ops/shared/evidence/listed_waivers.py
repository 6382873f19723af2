"""The waivers of the workspace, and whether each is about a model as it is."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Literal, NamedTuple, TypeAlias

from mvc.errors import InvalidFormat, UsageError
from mvc.fs.files import aside_line
from mvc.objects.pointer import SUFFIX as POINTER
from mvc.ops.shared.other_pointers.workspace import pointers_here
from mvc.ops.shared.reports import file_in
from mvc.project import FOLDER, Project
from mvc.quality.files import SUFFIX, WAIVERS, FileAt
from mvc.quality.judge.facts import ModelFacts
from mvc.quality.judge.fixes import explained
from mvc.quality.judge.rules.waivers import Waiver, digests_of, has_expired, parse_waivers
from mvc.quality.reports.report_document import parse_report
from mvc.scm.blobs import as_stored
from mvc.scm.commits import committed_file
from mvc.scm.index import staged_file
from mvc.scm.refs import local_base

WaiverState: TypeAlias = Literal["valid", "expired", "outdated"]
OF_DELETED_MODELS = "MVC327"
"""The code whose waivers are about a model that the change deletes."""
_RENEWED = timedelta(days=90)


class ListedWaiver(NamedTuple):
    """A waiver of the workspace."""

    code: str
    path: str
    """Empty if it is for any path."""
    model: str
    report: str
    tag: str
    """That of the report; empty unless the report is the present one and can be read."""
    owner: str
    reason: str
    expires: str
    state: WaiverState
    """`outdated`: no tracked model has this content and this report."""


def read_waivers(project: Project) -> bytes | None:
    """Return the file in the workspace, from the index if a sparse checkout leaves it out; None without one.

    Raises:
        UsageError: it is invalid, or not a regular file.
    """
    found = file_in(project.tree, WAIVERS)
    if found is None:
        left_out = not os.path.lexists(f"{project.root}/{FOLDER}")
        return staged_file(project.git, WAIVERS) if left_out else None
    if not found.is_regular:
        raise UsageError(f"{WAIVERS} is not a regular file", aside_line(project.shell.show(WAIVERS)))
    try:
        parse_waivers(found.raw)
    except InvalidFormat as error:
        raise InvalidFormat(error.message, error.fix or explained("MVC414")) from None
    return found.raw


def list_waivers(project: Project, now: float) -> tuple[ListedWaiver, ...]:
    """Return the waivers of the workspace, at `now` in seconds since the epoch.

    Raises:
        UsageError: the file cannot be read.
    """
    models = PresentModels(project)
    return tuple(_listed(models, waiver, now) for waiver in _waivers(project))


def expired_waivers(project: Project, now: float) -> Iterator[tuple[Waiver, str]]:
    """Yield the expired waivers of models as they are, with the path, unless a valid waiver accepts the same.

    Raises:
        UsageError: the file cannot be read.
    """
    waivers = _waivers(project)
    expired = [waiver for waiver in waivers if has_expired(waiver, now)]
    if not expired:
        return
    models = PresentModels(project)
    valid = (waiver for waiver in waivers if waiver not in expired)
    accepted = {(waiver.code, path) for waiver in valid for path in models.covered(waiver)}
    for waiver in expired:
        yield from ((waiver, path) for path in models.covered(waiver) if (waiver.code, path) not in accepted)


def renewed(now: float) -> str:
    """Return a day that suits a new waiver."""
    return (datetime.fromtimestamp(now, UTC) + _RENEWED).date().isoformat()


def _waivers(project: Project) -> tuple[Waiver, ...]:
    raw = read_waivers(project)
    return () if raw is None else parse_waivers(raw)


def _listed(models: PresentModels, waiver: Waiver, now: float) -> ListedWaiver:
    paths = models.covered(waiver)
    state: WaiverState = "outdated" if not paths else "expired" if has_expired(waiver, now) else "valid"
    return ListedWaiver(
        waiver.code, waiver.path, waiver.model, waiver.report, models.tag(paths[0], waiver.code) if paths else "",
        waiver.owner, waiver.reason, waiver.expires, state,
    )


class PresentModels:
    """The pointers and reports of the workspace as Git will store them, and those of deleted models."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._tracked = project.tracked()
        self._others = pointers_here(project)
        self._present = cache(self._read)
        self._deleted = cache(self._read_base)

    def covered(self, waiver: Waiver) -> list[str]:
        """Return the paths of the models that a waiver is about."""
        paths = [waiver.path] if waiver.path else [*self._tracked, *self._others]
        return [path for path in paths if self.digests(path, waiver.code) == (waiver.model, waiver.report)]

    def digests(self, path: str, code: str) -> tuple[str, str] | None:
        """Return the digests that a waiver of `code` has of a model; None if there is none, or it cannot be read."""
        found = self._at(path, code)
        return digests_of(found) if found else None

    def tag(self, path: str, code: str) -> str:
        """Return the tag of a model's report; empty without one."""
        found = self._at(path, code)
        try:
            return parse_report(found.report.raw, "").tag if found and found.report else ""
        except InvalidFormat:
            return ""

    def _at(self, path: str, code: str) -> ModelFacts | None:
        found = self._present(path)
        return found if found or code != OF_DELETED_MODELS else self._deleted(path)

    def _read(self, path: str) -> ModelFacts | None:
        item, git = self._tracked.get(path), self._project.git
        left_out = item is not None and item.condition == "not-checked-out"
        if item is not None:
            raw = item.raw or (staged_file(git, item.pointer_path) if left_out else b"") or b""
            pointer = FileAt("100644", raw, conflicted=item.condition == "conflict")
        elif other := self._others.get(path):
            pointer = other
        else:
            return None
        report = file_in(self._project.tree, path + SUFFIX)
        staged = staged_file(git, path + SUFFIX)
        if report is None:
            return ModelFacts(path, pointer, FileAt("100644", staged) if left_out and staged is not None else None)
        if report.is_regular and report.raw != staged:
            report = report._replace(raw=as_stored(git, path + SUFFIX, report.raw))
        return ModelFacts(path, pointer, report)

    def _read_base(self, path: str) -> ModelFacts | None:
        """Return a model of the default branch."""
        git = self._project.git
        base = local_base(git)
        if not base or (pointer := committed_file(git, base, path + POINTER)) is None:
            return None
        report = committed_file(git, base, path + SUFFIX)
        return ModelFacts(path, FileAt("100644", pointer), None if report is None else FileAt("100644", report))
