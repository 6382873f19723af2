"""What the history says about models: commits, and the pointers, reports, signatures and waivers that they brought."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import NamedTuple, TypeVar

from mvc.errors import InvalidFormat
from mvc.objects.pointer import SUFFIX
from mvc.objects.pointer_reader import pointer_in
from mvc.project import Project
from mvc.quality.files import MAX_BYTES, SIGNATURES, WAIVERS
from mvc.quality.files import SUFFIX as REPORT
from mvc.quality.judge.rules.waivers import Waiver, parse_waivers
from mvc.quality.reports.glance import Glance, glance
from mvc.scm.blobs import stream_blobs
from mvc.scm.commits import CommitObject, read_commit
from mvc.scm.history import CommitChanges, all_history
from mvc.scm.incomplete import naming

T = TypeVar("T")
ENDINGS = (SUFFIX, REPORT, REPORT + SIGNATURES, WAIVERS)
"""Of the files of interest, in the order in which the changes of one commit are told."""


class Named(NamedTuple):
    """What a pointer says."""

    blake3: str
    name: str
    """Empty if it gives none."""


class Known(NamedTuple):
    """Objects of Git that were read before, by their names: they never change."""

    commits: dict[str, CommitObject] = {}  # noqa: RUF012 - nobody changes it
    """Only unsigned ones."""
    pointers: dict[str, Named] = {}  # noqa: RUF012 - as above
    reports: dict[str, Glance] = {}  # noqa: RUF012 - as above


class ModelHistory(NamedTuple):
    """What the history says; without invalid files."""

    changes: tuple[CommitChanges, ...]
    """The oldest first."""
    commits: dict[str, CommitObject]
    """Unsigned ones without what the signature would be of."""
    pointers: dict[str, Named]
    """By their blobs, as the next three."""
    reports: dict[str, Glance]
    signatures: dict[str, bytes]
    waivers: dict[str, tuple[Waiver, ...]]

    @property
    def known(self) -> Known:
        """What need not be read again."""
        unsigned = {oid: commit for oid, commit in self.commits.items() if not commit.signature}
        return Known(unsigned, self.pointers, self.reports)


def read_history(project: Project, known: Known = Known()) -> ModelHistory:
    """Return what the history of all branches and tags says about models; what is `known` is not read again.

    Raises:
        MvcError: Git cannot read it.
    """
    patterns = (f":(top){'' if ending == WAIVERS else '*'}{ending}" for ending in ENDINGS)
    changes = tuple(all_history(project.git, *patterns)[::-1])
    paths = {oid: path for path, oid in _files(changes)}
    found = ModelHistory(
        changes, _commits(project, changes, known), _of(known.pointers, paths), _of(known.reports, paths), {}, {},
    )
    unread = {oid: path for oid, path in paths.items() if oid not in found.pointers and oid not in found.reports}
    with naming(unread):
        for (oid, path), raw in zip(unread.items(), stream_blobs(project.git, unread, MAX_BYTES), strict=True):
            with suppress(InvalidFormat):
                _learn(found, path, oid, raw)
    return found


def _files(changes: Iterable[CommitChanges]) -> Iterable[tuple[str, str]]:
    """Yield path and blob of the regular files before and after each change."""
    for change in (change for item in changes for change in item.changes):
        if change.old_mode.startswith("100"):
            yield change.path, change.old
        if change.mode.startswith("100"):
            yield change.path, change.oid


def _commits(project: Project, changes: Iterable[CommitChanges], known: Known) -> dict[str, CommitObject]:
    wanted = [item.commit for item in changes]
    found = _of(known.commits, wanted)
    unread = [oid for oid in wanted if oid not in found]
    for oid, raw in zip(unread, stream_blobs(project.git, unread, MAX_BYTES), strict=True):
        commit = read_commit(raw)
        found[oid] = commit if commit.signature else commit._replace(payload=b"")
    return found


def _of(known: dict[str, T], names: Iterable[str]) -> dict[str, T]:
    return {name: known[name] for name in names if name in known}


def _learn(found: ModelHistory, path: str, oid: str, raw: bytes) -> None:
    if path == WAIVERS:
        found.waivers[oid] = parse_waivers(raw)
    elif path.endswith(SIGNATURES):
        found.signatures[oid] = raw
    elif path.endswith(REPORT):
        found.reports[oid] = glance(raw, path)
    elif pointer := pointer_in(raw):
        found.pointers[oid] = Named(pointer.digest.blake3, pointer.notes.name)
