"""`mvc verify`: the cache against its digests, and who needs what is wrong."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from mvc.ops.common import chosen
from mvc.project import Project
from mvc.store.scrub import Scope, put_aside, scrub
from mvc.workspace.available import needed_objects
from mvc.workspace.tracked import Selection


class Wrong(NamedTuple):
    """An object that is damaged, or was and has no good copy since."""

    blake3: str
    reason: str
    users: tuple[str, ...]
    """Current paths that need it."""


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

    What is wrong goes to quarantine. `quick` compares xxh128 where the digest is known.

    Raises:
        MvcError: a path is not tracked, or the cache can't be read.

    """
    paths = list(paths)
    users = _users(project, chosen(project, project.tracked(), paths))
    known = {name: use.xxh128 for name, use in users.items()}
    scope = Scope(frozenset(known) if paths else None, known if quick else {})
    with project.store_lock():
        result = scrub(project.cache, scope, project.around.progress.advance)
    if result.damage:
        with project.store_lock(exclusive=True):
            put_aside(project.cache, result.damage)
    wrong = [Wrong(item.name, item.reason, _paths(users, item.name)) for item in result.damage]
    return Verified(result.objects, result.bytes, (*wrong, *_still_lacking(project, users, wrong)))


class _Use(NamedTuple):
    xxh128: str
    paths: list[str]


def _users(project: Project, selected: list[Selection]) -> dict[str, _Use]:
    """Return every object that the selected pointers need, with the paths that need it."""
    users: dict[str, _Use] = {}
    for selection in selected:
        if selection.item.pointer is None:
            continue
        for label, digest in needed_objects(project.cache, selection.item.pointer):
            if not label or selection.covers(label):
                path = f"{selection.item.path}/{label}" if label else selection.item.path
                users.setdefault(digest.blake3, _Use(digest.xxh128, [])).paths.append(path)
    return users


def _paths(users: dict[str, _Use], name: str) -> tuple[str, ...]:
    return tuple(users[name].paths) if name in users else ()


def _still_lacking(project: Project, users: dict[str, _Use], wrong: list[Wrong]) -> list[Wrong]:
    """Return what was put aside earlier, is needed now, and has no good copy."""
    told = {item.blake3 for item in wrong}
    aside = sorted((project.cache.quarantined().keys() & users.keys()) - told)
    lacking = project.cache.missing(aside)
    reason = "in quarantine since an earlier verify"
    return [Wrong(name, reason, _paths(users, name)) for name in aside if name in lacking]
