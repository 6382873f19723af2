"""`mvc verify`: checks the cache against its digests, and repairs objects from the workspace."""

from __future__ import annotations

import stat
from collections.abc import Iterable
from contextlib import suppress
from typing import NamedTuple

from mvc.errors import InvalidFormat, MvcError
from mvc.objects.manifest import Manifest, encode
from mvc.ops.shared.failures import Failure
from mvc.ops.shared.object_users import Use, uses_in_history
from mvc.ops.shared.selection import chosen_each
from mvc.ops.shared.workspace_content import observe_path
from mvc.project import Project
from mvc.retention.available import known_objects, needed_objects
from mvc.store.cache.inventory import quarantined_objects
from mvc.store.cache.scrub import Damage, ScrubScope, quarantine, scrub
from mvc.store.cache.writer import CacheWriter
from mvc.workspace.read_files import hashing, read_files, storing
from mvc.workspace.tracked import Selection


class Wrong(NamedTuple):
    """An object that is damaged, or is in quarantine without an intact copy."""

    blake3: str
    reason: str
    users: tuple[str, ...]
    """Tracked paths that need it."""
    history: tuple[Use, ...] = ()
    """Committed versions that need it, newest first."""
    repaired_from: str = ""
    """The workspace path with the content that replaced it, or empty."""
    whole: bool = False
    """Whether it is a manifest whose digest is right and whose format is invalid: it cannot be repaired."""


class Verified(NamedTuple):
    """The number of objects and bytes read, and the problems."""

    objects: int
    bytes: int
    wrong: tuple[Wrong, ...]
    failed: tuple[Failure, ...] = ()
    """Paths that are not tracked."""

    @property
    def sound(self) -> bool:
        """Whether there are no problems."""
        return not self.wrong


def verify(project: Project, paths: Iterable[str] = (), *, quick: bool = False) -> Verified:
    """Read the cache, or what `paths` need of it, and compare it with the digests.

    Damaged objects go to quarantine, and are replaced if the workspace has their content. `quick` compares xxh128 of
    objects whose digest is known.

    Raises:
        MvcError: a path is not tracked, or the cache cannot be read.
    """
    paths = list(paths)
    failed: list[Failure] = []
    selections = chosen_each(project, project.tracked(), paths, failed)
    users = objects_in_use(project, selections)
    known = {name: use.xxh128 for name, use in users.items()}
    scope = ScrubScope(frozenset(known) if paths else None, known if quick else {})
    with project.locks.store():
        result = scrub(project.cache, scope, project.around.progress.advance)
    wrong = [Wrong(item.name, item.reason, _paths(users, item.name)) for item in result.damage]
    wrong += _still_lacking(project, users, wrong)
    invalid = invalid_manifests(project, selections)
    if wrong:
        with project.locks.store(exclusive=True):
            quarantine(project.cache, result.damage)
            wrong = _repaired(project, selections, wrong, result.damage)
    wrong = with_history(project, [*wrong, *invalid])
    return Verified(result.objects, result.bytes, tuple(wrong), tuple(failed))


class InUse(NamedTuple):
    """An object that tracked paths need."""

    xxh128: str
    paths: list[str]


def objects_in_use(project: Project, selected: list[Selection]) -> dict[str, InUse]:
    """Return every object that the selected paths need, with these paths."""
    users: dict[str, InUse] = {}
    for selection in selected:
        if selection.item.pointer is None:
            continue
        for label, digest in known_objects(project.cache, selection.item.pointer):
            if not label or selection.covers(label):
                path = f"{selection.item.path}/{label}" if label else selection.item.path
                users.setdefault(digest.blake3, InUse(digest.xxh128, [])).paths.append(path)
    return users


def invalid_manifests(project: Project, selected: list[Selection]) -> list[Wrong]:
    """Return the manifests whose digest is right and whose format is invalid."""
    found: list[Wrong] = []
    for selection in selected:
        if (pointer := selection.item.pointer) is not None:
            try:
                needed_objects(project.cache, pointer)
            except InvalidFormat as error:
                reason = f"the manifest is intact, but invalid: {error.message}"
                found.append(Wrong(pointer.digest.blake3, reason, (selection.item.path,), whole=True))
    return found


def _paths(users: dict[str, InUse], name: str) -> tuple[str, ...]:
    return tuple(users[name].paths) if name in users else ()


def _still_lacking(project: Project, users: dict[str, InUse], wrong: list[Wrong]) -> list[Wrong]:
    """Return the needed objects that an earlier run quarantined and that have no intact copy."""
    told = {item.blake3 for item in wrong}
    aside = sorted((quarantined_objects(project.cache).keys() & users.keys()) - told)
    lacking = project.cache.missing(aside)
    reason = "only a damaged copy, in quarantine, is left"
    return [Wrong(name, reason, _paths(users, name)) for name in aside if name in lacking]


def with_history(project: Project, wrong: list[Wrong]) -> list[Wrong]:
    """Add the commits that need the objects, if the history can be read."""
    with suppress(MvcError):
        uses = uses_in_history(project, {item.blake3 for item in wrong})
        return [item._replace(history=uses.get(item.blake3, ())) for item in wrong]
    return wrong


# Repair.


def _repaired(
    project: Project, selections: list[Selection], wrong: list[Wrong], damage: tuple[Damage, ...],
) -> list[Wrong]:
    """Repair until nothing changes: a repaired manifest says which paths need other objects."""
    index_damaged = any(item.name == item.pack for item in damage)
    while True:
        users = objects_in_use(project, selections)
        wrong = [item._replace(users=_paths(users, item.blake3)) for item in wrong]
        wrong += _lost_with_index(project, users, wrong) if index_damaged else []
        before = wrong
        with CacheWriter(project.cache) as writer:
            wrong = [
                item if item.repaired_from else item._replace(repaired_from=_repair(project, writer, item))
                for item in before
            ]
        if wrong == before:
            return wrong


def _lost_with_index(project: Project, users: dict[str, InUse], wrong: list[Wrong]) -> list[Wrong]:
    """Return the needed objects that are absent: the damaged index of a pack may have listed them."""
    gone = sorted(project.cache.missing(users) - {item.blake3 for item in wrong})
    return [Wrong(name, "absent, and the index of a pack was damaged", _paths(users, name)) for name in gone]


def _repair(project: Project, writer: CacheWriter, item: Wrong) -> str:
    """Store the object again from the workspace; return the path with its content, or an empty text."""
    for path in item.users:
        with suppress(MvcError, OSError):  # absent, changed or unreadable: try the next path
            if _from_file(project, writer, path, item.blake3) or _from_directory(project, writer, path, item.blake3):
                return path
    return ""


def _from_file(project: Project, writer: CacheWriter, path: str, name: str) -> bool:
    status = project.tree.lstat(path)
    if status is None or not stat.S_ISREG(status.st_mode):
        return False
    for reader in (hashing(project.around.progress), storing(writer, project.around.progress, 1, ())):
        if any(file.digest.blake3 != name for _, file in read_files(project.tree, [path], reader)):
            return False
    return True


def _from_directory(project: Project, writer: CacheWriter, path: str, name: str) -> bool:
    """Write a directory's manifest, or a shard of it, again."""
    observed = observe_path(project, path)
    if observed.scan.kind != "dir":
        return False
    for digest, body in encode(Manifest(tuple(sorted(observed.entries())))).objects:
        if digest.blake3 == name:
            writer.put_bytes(body)
            return True
    return False
