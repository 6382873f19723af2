"""`mvc verify`: the cache against its digests, who needs what is wrong, and repair from the workspace."""

from __future__ import annotations

import stat
from collections.abc import Iterable
from contextlib import suppress
from typing import NamedTuple

from mvc.errors import InvalidFormat, MvcError
from mvc.objects.manifest import Manifest, encode
from mvc.ops.shared.object_users import Use, uses_in_history
from mvc.ops.shared.selection import chosen
from mvc.ops.shared.workspace_content import observe_path
from mvc.project import Project
from mvc.retention.available import known_objects, needed_objects
from mvc.store.cache.inventory import quarantined_objects
from mvc.store.cache.scrub import Damage, ScrubScope, quarantine, scrub
from mvc.store.cache.writer import CacheWriter
from mvc.workspace.read_files import hashing, read_files, storing
from mvc.workspace.tracked import Selection


class Wrong(NamedTuple):
    """An object that is damaged, or was and has no good copy since."""

    blake3: str
    reason: str
    users: tuple[str, ...]
    """Current paths that need it."""
    history: tuple[Use, ...] = ()
    """Committed versions that need it, the newest first."""
    repaired_from: str = ""
    """The workspace path whose bytes took its place; empty when none had them."""
    whole: bool = False
    """Whether it is a manifest that is just what was added, and breaks its format: there is nothing to repair."""


class Verified(NamedTuple):
    """What was read, in objects and bytes, and what is wrong."""

    objects: int
    bytes: int
    wrong: tuple[Wrong, ...]

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.wrong


def verify(project: Project, paths: Iterable[str] = (), *, quick: bool = False) -> Verified:
    """Read the cache, or what `paths` need of it, and hold it against the digests.

    What is wrong goes to quarantine; where the workspace still has the bytes, they take its place.
    `quick` compares xxh128 where the digest is known.

    Raises:
        MvcError: a path is not tracked, or the cache can't be read.
    """
    paths = list(paths)
    selections = chosen(project, project.tracked(), paths)
    users = objects_in_use(project, selections)
    known = {name: use.xxh128 for name, use in users.items()}
    scope = ScrubScope(frozenset(known) if paths else None, known if quick else {})
    with project.locks.store():
        result = scrub(project.cache, scope, project.around.progress.advance)
    wrong = [Wrong(item.name, item.reason, _paths(users, item.name)) for item in result.damage]
    wrong += _still_lacking(project, users, wrong)
    broken = broken_lists(project, selections)
    if wrong:
        with project.locks.store(exclusive=True):
            quarantine(project.cache, result.damage)
            wrong = _repaired(project, selections, wrong, result.damage)
    wrong = with_history(project, [*wrong, *broken])
    return Verified(result.objects, result.bytes, tuple(wrong))


class InUse(NamedTuple):
    """An object that current pointers need."""

    xxh128: str
    paths: list[str]
    """Who needs it."""


def objects_in_use(project: Project, selected: list[Selection]) -> dict[str, InUse]:
    """Return every object that the selected pointers need, with the paths that need it."""
    users: dict[str, InUse] = {}
    for selection in selected:
        if selection.item.pointer is None:
            continue
        for label, digest in known_objects(project.cache, selection.item.pointer):
            if not label or selection.covers(label):
                path = f"{selection.item.path}/{label}" if label else selection.item.path
                users.setdefault(digest.blake3, InUse(digest.xxh128, [])).paths.append(path)
    return users


def broken_lists(project: Project, selected: list[Selection]) -> list[Wrong]:
    """Return the manifests that are what was added, and break their format: nobody can use them."""
    found: list[Wrong] = []
    for selection in selected:
        if (pointer := selection.item.pointer) is not None:
            try:
                needed_objects(project.cache, pointer)
            except InvalidFormat as error:
                reason = f"its bytes are whole, but this manifest cannot be used: {error.message}"
                found.append(Wrong(pointer.digest.blake3, reason, (selection.item.path,), whole=True))
    return found


def _paths(users: dict[str, InUse], name: str) -> tuple[str, ...]:
    return tuple(users[name].paths) if name in users else ()


def _still_lacking(project: Project, users: dict[str, InUse], wrong: list[Wrong]) -> list[Wrong]:
    """Return what was put aside earlier, is needed now, and has no good copy."""
    told = {item.blake3 for item in wrong}
    aside = sorted((quarantined_objects(project.cache).keys() & users.keys()) - told)
    lacking = project.cache.missing(aside)
    reason = "only damaged bytes of it are here, in quarantine"
    return [Wrong(name, reason, _paths(users, name)) for name in aside if name in lacking]


def with_history(project: Project, wrong: list[Wrong]) -> list[Wrong]:
    """Say which commits need what is wrong; a history that can't be read keeps nobody from the rest."""
    with suppress(MvcError):
        uses = uses_in_history(project, {item.blake3 for item in wrong})
        return [item._replace(history=uses.get(item.blake3, ())) for item in wrong]
    return wrong


# Repair.


def _repaired(
    project: Project, selections: list[Selection], wrong: list[Wrong], damage: tuple[Damage, ...],
) -> list[Wrong]:
    """Repair what can be. A manifest that is back tells who needs the rest: so again, until no more comes back."""
    index = any(item.name == item.pack for item in damage)
    while True:
        users = objects_in_use(project, selections)
        wrong = [item._replace(users=_paths(users, item.blake3)) for item in wrong]
        wrong += _gone(project, users, wrong) if index else []
        before = wrong
        with CacheWriter(project.cache) as writer:
            wrong = [item if item.repaired_from else _tried(project, writer, item) for item in before]
        if wrong == before:
            return wrong


def _gone(project: Project, users: dict[str, InUse], wrong: list[Wrong]) -> list[Wrong]:
    """Return what is needed and absent, now that the index of a pack was damaged: it may have named that."""
    gone = sorted(project.cache.missing(users) - {item.blake3 for item in wrong})
    return [Wrong(name, "absent, and the index of a pack was damaged", _paths(users, name)) for name in gone]


def _tried(project: Project, writer: CacheWriter, item: Wrong) -> Wrong:
    return item._replace(repaired_from=_repair(project, writer, item))


def _repair(project: Project, writer: CacheWriter, item: Wrong) -> str:
    """Store the object anew from the workspace; the path that had it, or nothing."""
    for path in item.users:
        with suppress(MvcError, OSError):  # gone, changed, or not to be read: the next path may do
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
    """Write a directory's manifest, or a shard of it, anew."""
    observed = observe_path(project, path)
    if observed.scan.kind != "dir":
        return False
    for digest, body in encode(Manifest(tuple(sorted(observed.entries())))).objects:
        if digest.blake3 == name:
            writer.put_bytes(body)
            return True
    return False
