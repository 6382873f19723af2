"""`mvc verify`: checks the cache against its digests, and repairs objects from the workspace."""

from __future__ import annotations

import stat
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from functools import partial
from typing import NamedTuple, TypeVar

from mvc.errors import CorruptObject, InvalidFormat, MissingObject, MvcError
from mvc.objects.digest import Digest
from mvc.objects.pointer import Pointer
from mvc.ops.shared.content.mismatch import mismatch_error, mismatch_when_read
from mvc.ops.shared.content.missing import MissingContent, may_be_elsewhere, missing_content, way_out
from mvc.ops.shared.failures import Failure
from mvc.ops.shared.object_users import InUse, Use, objects_in_use, used_objects, uses_in_history
from mvc.ops.shared.selection import chosen_each, unusable
from mvc.ops.shared.workspace_content import observe_path
from mvc.project import Project
from mvc.retention.available import availability, load_manifest
from mvc.store.cache.cache import Cache
from mvc.store.cache.inventory import quarantined_objects
from mvc.store.cache.scrub import Damage, ScrubScope, quarantine, scrub
from mvc.store.cache.writer import LOOSE_AT, CacheWriter
from mvc.workspace.read_files import hashing, read_files, storing
from mvc.workspace.tracked import Selection

T = TypeVar("T", "Wrong", "Missing")


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


class Missing(NamedTuple):
    """An object that tracked paths need, and that neither the cache nor the workspace has."""

    blake3: str
    path: str
    """The first tracked path that needs it."""
    users: tuple[str, ...]
    """All paths with this content; of a directory, the files in it."""
    lost: bool
    """Whether no remote may have it."""
    fix: str
    """The command to type."""
    history: tuple[Use, ...] = ()
    """Committed versions that need it, newest first."""

    @classmethod
    def of(cls, project: Project, item: MissingContent, *, lost: bool) -> Missing:
        """Return an object that is `lost`, or may be on a remote."""
        fix = way_out(project, item.path) if lost else project.shell.line("mvc pull", item.path)
        return cls(item.digest.blake3, item.path, item.users, lost, fix)


class Verified(NamedTuple):
    """The number of objects and bytes read, and the problems."""

    objects: int
    bytes: int
    wrong: tuple[Wrong, ...]
    missing: tuple[Missing, ...] = ()
    failed: tuple[Failure, ...] = ()
    """Paths that are not tracked, or whose pointers cannot be used: their content was not verified."""

    @property
    def exit_code(self) -> int:
        """As of `exit_code_of`."""
        return exit_code_of(self.wrong, self.missing, self.failed)


def exit_code_of(wrong: Collection[Wrong], missing: Iterable[Missing], failed: Iterable[Failure]) -> int:
    """Return 2 if a pointer is invalid, else 1 if an object is damaged or lost, else 3 if a path was not verified."""
    codes = {item.exit_code for item in failed}
    damaged = bool(wrong) or any(item.lost for item in missing)
    return next((code for code in (2, 1, 3) if code in codes or (code == 1 and damaged)), 0)


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
    scope = _scope(project.cache, selections, everything=not paths, quick=quick)
    with project.locks.store():
        result = scrub(project.cache, scope, project.around.progress)
    aside = quarantined_objects(project.cache).keys()
    named = {item.name for item in result.damage} | aside
    users = objects_in_use(project.cache, selections, named) if named else {}
    wrong = [Wrong(item.name, item.reason, _paths(users, item.name)) for item in result.damage]
    wrong += _still_lacking(project, users, aside, wrong)
    invalid = invalid_manifests(project, selections)
    if wrong:
        with project.locks.store(exclusive=True):
            quarantine(project.cache, result.damage)
            wrong = _repaired(project, selections, wrong, result.damage)
    lacking = missing_content(project, selections, partial(observe_path, project), {item.blake3 for item in wrong})
    missing = [Missing.of(project, item, lost=not may_be_elsewhere(project)) for item in lacking]
    wrong, missing = with_history(project, [*wrong, *invalid]), with_history(project, missing)
    failed += unusable_pointers(project, selections, partial(_mismatch, project, result.loose))
    return Verified(result.objects, result.bytes, tuple(wrong), tuple(missing), tuple(failed))


def _scope(cache: Cache, selections: list[Selection], *, everything: bool, quick: bool) -> ScrubScope:
    used = partial(used_objects, cache, selections)
    names = None if everything else frozenset(digest.blake3 for _, digest in used())
    large = ((digest.blake3, digest.xxh128) for _, digest in used() if digest.size >= LOOSE_AT)
    return ScrubScope(names, dict(large) if quick else None)


def unusable_pointers(
    project: Project, selected: Iterable[Selection], mismatch: Callable[[Pointer], str],
) -> tuple[Failure, ...]:
    """Return the paths whose pointers cannot be used, or disagree with their content, as `mismatch` finds, and why."""
    found = []
    for item in (selection.item for selection in selected):
        if item.pointer is None:
            found.append(Failure.of(item.path, unusable(project, item)))
        elif text := mismatch(item.pointer):
            found.append(Failure.of(item.path, mismatch_error(project.shell, item, text)))
    return tuple(found)


def _mismatch(project: Project, read: Mapping[str, Digest], pointer: Pointer) -> str:
    """Return the field of a pointer that disagrees with the cache; large objects have been `read`."""
    with suppress(InvalidFormat):  # an invalid manifest is told
        found = availability(project.cache, None, pointer).mismatch
        return found or mismatch_when_read(project.cache, pointer, read)
    return ""


def invalid_manifests(project: Project, selected: list[Selection]) -> list[Wrong]:
    """Return the manifests whose digest is right and whose format is invalid."""
    found: list[Wrong] = []
    for selection in selected:
        if (pointer := selection.item.pointer) is not None and pointer.kind == "dir":
            try:
                with suppress(MissingObject, CorruptObject):
                    load_manifest(project.cache, pointer)
            except InvalidFormat as error:
                reason = f"the manifest is intact, but invalid: {error.message}"
                found.append(Wrong(pointer.digest.blake3, reason, (selection.item.path,), whole=True))
    return found


def _paths(users: dict[str, InUse], name: str) -> tuple[str, ...]:
    return tuple(users[name].paths) if name in users else ()


def _still_lacking(
    project: Project, users: dict[str, InUse], aside: Iterable[str], wrong: list[Wrong],
) -> list[Wrong]:
    """Return the needed objects that an earlier run put `aside`, and that have no intact copy."""
    told = {item.blake3 for item in wrong}
    lacking = project.cache.missing(name for name in aside if name in users and name not in told)
    reason = "only a damaged copy, in quarantine, is left"
    return [Wrong(name, reason, _paths(users, name)) for name in sorted(lacking)]


def with_history(project: Project, objects: list[T]) -> list[T]:
    """Add the commits that need the objects, if the history can be read."""
    with suppress(MvcError):
        uses = uses_in_history(project, {item.blake3 for item in objects})
        return [item._replace(history=uses.get(item.blake3, ())) for item in objects]
    return objects


# Repair.


def _repaired(
    project: Project, selections: list[Selection], wrong: list[Wrong], damage: tuple[Damage, ...],
) -> list[Wrong]:
    """Repair until nothing changes: a repaired manifest says which paths need other objects."""
    index_damaged = any(item.name == item.pack for item in damage)
    while True:
        users = objects_in_use(project.cache, selections)
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
    for digest, encode in observed.manifest.objects():
        if digest.blake3 == name:
            writer.put_bytes(encode())
            return True
    return False
