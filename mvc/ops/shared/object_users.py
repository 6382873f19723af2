"""The tracked paths that need an object, or once did, with their commits and tags."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import NamedTuple

from mvc.errors import MvcError
from mvc.objects.digest import Digest
from mvc.objects.pointer import MAX_BYTES, path_of
from mvc.project import Project
from mvc.retention.available import known_objects
from mvc.retention.roots import PATTERN, PointerReader
from mvc.scm.blobs import stream_blobs
from mvc.scm.commits import CommitInfo, commit_infos
from mvc.scm.plumbing import Git
from mvc.scm.reachable import Mention, inside, mentions, unreachable
from mvc.scm.refs import tags_holding
from mvc.store.cache.cache import Cache
from mvc.store.cache.inventory import CacheEntry
from mvc.workspace.tracked import Selection, parsed

_FIRST_SECOND = datetime.min.replace(tzinfo=UTC).timestamp()
_LAST_SECOND = datetime.max.replace(tzinfo=UTC, microsecond=0).timestamp()


class Use(NamedTuple):
    """A version of a tracked path that needs an object."""

    path: str
    """With the file's path inside it if it is a directory."""
    commit: str = ""
    """The commit that introduced this version; empty when there is none."""
    author: str = ""
    date: str = ""
    """ISO 8601, with the author's time zone."""
    subject: str = ""
    tags: tuple[str, ...] = ()
    """Git tags that contain this version."""


class Garbage(NamedTuple):
    """An object that is not needed, and the versions that it belonged to."""

    blake3: str
    size: int
    """Bytes on disk."""
    stored: str
    """When it was stored: ISO 8601, UTC."""
    users: tuple[Use, ...]


def with_users(project: Project, entries: list[CacheEntry], *, evicted: bool = False) -> tuple[Garbage, ...]:
    """Return the objects, largest first, with the versions that they belonged to."""
    names = {item.name for item in entries}
    users = uses_in_history(project, names) if evicted else {}
    users |= lost_uses(project, names - users.keys())
    ordered = sorted(entries, key=lambda item: (-item.size, item.name))
    return tuple(Garbage(item.name, item.size, iso(item.since), users.get(item.name, ())) for item in ordered)


def iso(seconds: float) -> str:
    """Return a time, in seconds since the epoch, as ISO 8601 in UTC; one beyond the calendar as its first or last."""
    nearest = min(max(seconds, _FIRST_SECOND), _LAST_SECOND)
    return datetime.fromtimestamp(int(nearest), UTC).isoformat().replace("+00:00", "Z")


class InUse(NamedTuple):
    """An object that tracked paths need."""

    digest: Digest
    paths: list[str]


def objects_in_use(
    cache: Cache, selected: Iterable[Selection], names: Container[str] | None = None,
) -> dict[str, InUse]:
    """Return every object that the selected paths need, or those of `names` only, with these paths."""
    users: dict[str, InUse] = {}
    for path, digest in used_objects(cache, selected):
        if names is None or digest.blake3 in names:
            users.setdefault(digest.blake3, InUse(digest, [])).paths.append(path)
    return users


def used_objects(cache: Cache, selected: Iterable[Selection]) -> Iterator[tuple[str, Digest]]:
    """Yield every object that the selected paths need, with a path that needs it."""
    for selection in selected:
        if selection.item.pointer is not None:
            for label, digest in known_objects(cache, selection.item.pointer):
                if not label or selection.covers(label):
                    yield f"{selection.item.path}/{label}" if label else selection.item.path, digest


def uses_in_history(project: Project, names: set[str]) -> dict[str, tuple[Use, ...]]:
    """Return the uses of the objects in the history of all branches, newest first.

    Raises:
        MvcError: the history cannot be read.
    """
    git = inside(project.git, project.layout.common_dir)
    return _uses(project.cache, git, mentions(git, PATTERN), names) if names else {}


def lost_uses(project: Project, names: set[str]) -> dict[str, tuple[Use, ...]]:
    """Return the former uses of unreachable objects that Git and the catalog know."""
    if not names:
        return {}
    git = inside(project.git, project.layout.common_dir)
    found = _uses(project.cache, git, unreachable(git, PATTERN), names)
    reader = PointerReader(project.cache)
    for name in sorted(names - found.keys()):
        if path := project.catalog.origin(name):
            found[name] = (Use(path),)
            with suppress(MvcError):  # a damaged manifest: its files remain unknown
                for part in names.intersection(reader.listed_in(name)):
                    found.setdefault(part, (Use(path),))
    return found


def _uses(cache: Cache, git: Git, versions: Iterable[Mention], names: set[str]) -> dict[str, tuple[Use, ...]]:
    first = {(version.path, version.oid): version for version in versions}  # keeps the oldest commit
    by_oid: dict[str, list[Mention]] = defaultdict(list)
    for version in first.values():
        by_oid[version.oid].append(version)
    hits = list(_hits(cache, git, by_oid, names))
    infos = commit_infos(git, {version.commit for _, _, version in hits})
    tags = tags_holding(git, {(version.path, version.oid) for _, _, version in hits}, PATTERN)
    found: dict[str, list[Use]] = defaultdict(list)
    for name, path, version in hits:
        info = infos.get(version.commit, CommitInfo("", "", ""))
        found[name].append(Use(path, version.commit, *info, tags.get((version.path, version.oid), ())))
    return {name: tuple(sorted(uses, key=lambda use: use.date, reverse=True)) for name, uses in found.items()}


def _hits(
    cache: Cache, git: Git, by_oid: dict[str, list[Mention]], names: set[str],
) -> Iterator[tuple[str, str, Mention]]:
    """Yield object, path and version for every version that needs one of `names`."""
    reader = PointerReader(cache)
    oids = list(by_oid)
    for oid, raw in zip(oids, stream_blobs(git, oids, MAX_BYTES), strict=True):
        if names & _needed_by(reader, raw):
            for version in by_oid[oid]:
                for name, path in _paths(cache, version.path, raw):
                    if name in names:
                        yield name, path, version


def _needed_by(reader: PointerReader, raw: bytes) -> set[str]:
    try:
        return {*reader.needed_by([raw])}
    except MvcError:  # a manifest is damaged, perhaps one of `names`
        return reader.named_in(raw)


def _paths(cache: Cache, pointer_path: str, raw: bytes) -> Iterator[tuple[str, str]]:
    """Yield every object that the pointer needs, with the path that has this content."""
    path = path_of(pointer_path)
    if (pointer := parsed(path, raw).pointer) is not None:
        for label, digest in known_objects(cache, pointer):
            yield digest.blake3, f"{path}/{label}" if label else path
