"""The two versions of a tracked path in conflict, each with its report and signatures."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from mvc.objects.pointer import SUFFIX
from mvc.ops.shared.reports import matching_report, model_of
from mvc.project import Project
from mvc.quality.files import SIGNATURES
from mvc.quality.files import SUFFIX as REPORT
from mvc.scm.blobs import read_blobs
from mvc.scm.commits import blob_at, commit_infos, committed_file, find_commit, head
from mvc.scm.history import introduced
from mvc.scm.index import conflicts, staged_file
from mvc.scm.merging.operation import operation
from mvc.workspace.tracked import Tracked, parsed

if TYPE_CHECKING:
    from mvc.quality.reports.report import Report

SideName: TypeAlias = Literal["ours", "theirs"]
SIDES: tuple[SideName, ...] = ("ours", "theirs")
STAGES: Mapping[SideName, int] = {"ours": 2, "theirs": 3}
"""The index has the files of each side under these stages; 1 is the common ancestor."""
FILES = (SUFFIX, REPORT, REPORT + SIGNATURES)
"""Suffixes of a tracked path's files in Git: pointer, report, signatures."""

Stages: TypeAlias = Mapping[int, str]
"""The blobs of a file in conflict, by stage."""


class Conflict(NamedTuple):
    """A tracked path of which Git has files in conflict."""

    path: str
    files: Mapping[str, Stages]
    """The blobs of these files by suffix."""


def find_conflicts(project: Project, *, resolved: bool = False) -> dict[str, Conflict]:
    """Return the tracked paths in conflict, or `resolved` ones that the index remembers."""
    found: dict[str, dict[str, Stages]] = defaultdict(dict)
    for name, stages in conflicts(project.git, resolved=resolved).items():
        path = model_of(name)
        if name.removeprefix(path) in FILES and stages:
            found[path][name.removeprefix(path)] = stages
    return {path: Conflict(path, files) for path, files in sorted(found.items())}


class Origin(NamedTuple):
    """The commit that brought a pointer; empty where it is not known."""

    commit: str = ""
    author: str = ""
    date: str = ""
    """ISO 8601."""
    path: str = ""
    """The tracked path there: the other side may have renamed it."""


class Version:
    """A tracked path as one side has it."""

    def __init__(self, side: SideName, path: str, files: Mapping[str, bytes | None], origin: Origin) -> None:
        self.side = side
        self.path = path
        self.files = files
        """Pointer, and mostly report and signatures, by suffix; None for one that the side does not have."""
        self.origin = origin

    @cached_property
    def item(self) -> Tracked | None:
        """The pointer; None if the side deleted it."""
        raw = self.files[SUFFIX]
        return None if raw is None else parsed(self.path, raw)

    @cached_property
    def report(self) -> Report | None:
        """The report, if it is valid and of this side's content."""
        if self.item is None or self.item.pointer is None:
            return None
        return matching_report(self.files.get(REPORT), self.item.pointer.digest.blake3, self.path)


def versions(project: Project, conflict: Conflict) -> tuple[Version, Version]:
    """Return the versions of a path in conflict, ours first."""
    commits = {"ours": head(project.git) or "", "theirs": _their_commit(project, conflict)}
    ours, theirs = (_version(project, conflict, side, commits[side]) for side in SIDES)
    return ours, theirs


def _their_commit(project: Project, conflict: Conflict) -> str:
    """Return the commit of the other side if it has what the index has of it; else nothing."""
    name = operation(project.git, project.layout.git_dir).theirs
    commit = find_commit(project.git, name) if name else ""
    expected = {suffix: stages.get(STAGES["theirs"], "") for suffix, stages in conflict.files.items()}
    there = commit and all(
        blob_at(project.git, commit, conflict.path + suffix) == oid for suffix, oid in expected.items()
    )
    return commit if there else ""


def _version(project: Project, conflict: Conflict, side: SideName, commit: str) -> Version:
    path, stage = conflict.path, STAGES[side]
    oids = {suffix: stages[stage] for suffix, stages in conflict.files.items() if stage in stages}
    files: dict[str, bytes | None] = dict.fromkeys(conflict.files)
    files |= zip(oids, read_blobs(project.git, oids.values()), strict=True)
    for suffix in FILES:
        if suffix not in files:
            name = path + suffix
            files[suffix] = committed_file(project.git, commit, name) if commit else staged_file(project.git, name)
    suffix = min(oids, default="", key=FILES.index)
    return Version(side, path, files, find_origin(project, suffix, oids.get(suffix, ""), commit))


def find_origin(project: Project, suffix: str, blob: str, *tips: str) -> Origin:
    """Return the newest commit that brings a blob to a file with this suffix, in the history of `tips`.

    Empty tips are left out; without any, all refs count.
    """
    found = introduced(project.git, [*filter(None, tips)], blob, f":(top)*{suffix}") if blob else None
    if found is None:
        return Origin()
    info = commit_infos(project.git, [found.commit])[found.commit]
    return Origin(found.commit, info.author, info.date, found.path.removesuffix(suffix))
