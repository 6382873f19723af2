"""The tags that the reports of a model, and Git, already have: in the history, also before renames."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cached_property

from mvc.errors import InvalidFormat
from mvc.objects.names import fold, registered_name
from mvc.objects.pointer import SUFFIX as POINTER
from mvc.project import Project
from mvc.quality.files import SUFFIX, FileAt
from mvc.quality.judge.facts import GivenTags, ModelFacts, ModelVersion
from mvc.quality.pointer_files import pointer_in_file
from mvc.quality.reports.report_document import parse_report
from mvc.scm.blobs import read_blobs
from mvc.scm.commits import CommitPath, blobs_at, head
from mvc.scm.file_history import changes_in
from mvc.scm.incomplete import is_partial
from mvc.scm.plumbing import Git
from mvc.scm.refs import VersionTag, local_base, version_tags


def landed_tags(project: Project, models: Iterable[ModelFacts]) -> tuple[GivenTags, ...]:
    """Return the tags given before, on the default branch and in Git tags, to models whose report is not there yet.

    Raises:
        MvcError: Git cannot read the history.
    """
    new = [model for model in models if model.pointer and model.report and model.report.is_regular]
    history = ReportHistory(project.git, [local_base(project.git) or head(project.git) or ""]) if new else None
    if history is None:
        return ()
    found = (history.given(model) for model in new if model.path not in history.paths_of(model))
    return tuple(given for given in found if given.versions or given.registered)


class ReportHistory:
    """All reports in the history of some commits; none in a partial clone, where Git would have to fetch them."""

    def __init__(self, git: Git, tips: Iterable[str]) -> None:
        """Read the history of the commits `tips`, except empty ones."""
        self._git, self._tips = git, sorted(set(tips) - {""})
        self._commits: dict[str, dict[str, str]] = {}
        """By path: the reports, each with the oldest commit that has it."""
        self._holders: dict[str, set[str]] = {}
        """By report: the paths of models that had it."""
        self._related: dict[str, set[str]] = {}
        """By path: the paths before and after renames."""
        self._readable = bool(self._tips) and not is_partial(git)
        for change in changes_in(git, self._tips, f"*{SUFFIX}") if self._readable else ():
            self._commits.setdefault(change.path, {})[change.oid] = change.commit
            self._holders.setdefault(change.oid, set()).add(change.path.removesuffix(SUFFIX))
            if change.old_path:
                self._related.setdefault(change.path, set()).add(change.old_path)
                self._related.setdefault(change.old_path, set()).add(change.path)

    def paths_of(self, model: ModelFacts) -> set[str]:
        """Return the paths of models that had the same report in the history."""
        return self._holders.get(self._oid(model.report), set())

    def given(self, model: ModelFacts) -> GivenTags:
        """Return the tags of a model."""
        reports = self._reports(model)
        oids = [(path, oid, commit) for path in sorted(reports) for oid, commit in self._commits[path].items()]
        versions = (
            ModelVersion(path.removesuffix(SUFFIX), None, FileAt("100644", raw, oid), commit)
            for (path, oid, commit), raw in zip(oids, read_blobs(self._git, [oid for _, oid, _ in oids]), strict=True)
        )
        paths = {model.path, *(path.removesuffix(SUFFIX) for path in reports)}
        return GivenTags(model, tuple(versions), tuple(self._registered(model, paths)))

    def _reports(self, model: ModelFacts) -> set[str]:
        """Return the paths of a model's reports: its own, those before renames, and that of the same report."""
        left = [model.path + SUFFIX, *(path + SUFFIX for path in self.paths_of(model))]
        found: set[str] = set()
        while left:
            if (path := left.pop()) not in found:
                found.add(path)
                left += self._related.get(path, ())
        return found & self._commits.keys()

    def _oid(self, report: FileAt | None) -> str:
        """Return the blob of a report; empty without one, or without a history."""
        if report is None or report.oid or not self._tips:
            return report.oid if report else ""
        sha = hashlib.sha1 if len(self._tips[0]) == 40 else hashlib.sha256  # noqa: PLR2004 - digits of a commit
        return sha(b"blob %d\0%s" % (len(report.raw), report.raw)).hexdigest()

    @cached_property
    def _tags(self) -> dict[str, list[VersionTag]]:
        return version_tags(self._git, self._tips[0]) if self._readable else {}

    def _registered(self, model: ModelFacts, paths: Iterable[str]) -> list[ModelVersion]:
        """Return the versions that Git tags register under the model's name, or at its paths."""
        if not self._tags:
            return []
        name = _name(model.pointer)
        names = {fold(name), *map(registered_name, paths)}
        tags = sorted(tag for known in names for tag in self._tags.get(known, ()))
        oids = blobs_at(self._git, {CommitPath(tag.commit, path + POINTER) for tag in tags for path in paths})
        content = dict(zip(oids.values(), read_blobs(self._git, oids.values()), strict=True))
        found = []
        for tag in tags:
            here = next((oids[item] for path in paths if (item := CommitPath(tag.commit, path + POINTER)) in oids), "")
            if here or fold(tag.name) == fold(name):
                pointer = FileAt("100644", content[here], here) if here else None
                found.append(ModelVersion(model.path, pointer, None, tag.commit, tag.tag, tag.merged))
        return found


def _name(pointer: FileAt | None) -> str:
    found = pointer_in_file(pointer)
    return found.notes.name if found else ""


def tags_of(given: GivenTags) -> set[str]:
    """Return all these tags."""
    found = {version.tag.rpartition("@")[2] for version in given.registered}
    for version in given.versions:
        try:
            found.add(parse_report(version.report.raw if version.report else b"", "").tag)
        except InvalidFormat:
            continue
    return found - {""}
