"""Which objects remotes hold, so that the cache may free them."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from mvc.errors import MvcError
from mvc.ops.shared.remote_roots import announce
from mvc.ops.shared.remotes import configured_remotes, default_remote
from mvc.ops.shared.transfers.open_remote import transferring
from mvc.project import Project
from mvc.store.remote.gc import garbage_lists, merged
from mvc.store.remote.location import ObjectLocation
from mvc.store.remote.scrub import prove
from mvc.transfer.pool import JOBS


class FailedRemote(NamedTuple):
    """A remote that did not answer."""

    remote: str
    error: str


class DamagedOnRemote(NamedTuple):
    """An object that history needs and that is damaged on a remote, so that the cache keeps it."""

    blake3: str
    remote: str
    reason: str
    fix: str


class OnRemotes(NamedTuple):
    """The objects that remotes hold intact, and what went wrong in asking them."""

    held: AbstractSet[str] = frozenset()
    failed: tuple[FailedRemote, ...] = ()
    damaged: tuple[DamagedOnRemote, ...] = ()

    def __or__(self, other: OnRemotes) -> OnRemotes:
        """Return both together."""
        return OnRemotes(self.held | other.held, self.failed + other.failed, self.damaged + other.damaged)


def objects_on_remotes(
    project: Project, sizes: Mapping[str, int], remote: str | None, read: AbstractSet[str] | None,
) -> OnRemotes:
    """Return which of the objects in `sizes` are on `remote`; if None, on any, the default remote asked first.

    Unless `read` is None, objects will be deleted here: remotes are told what this clone needs, and the objects in
    `read` are read there, as they are needed.

    Raises:
        MvcError: `remote` or the default remote does not answer.
    """
    found = OnRemotes()
    first = remote or default_remote(project.settings)
    others = [] if remote else sorted(configured_remotes(project.settings).keys() - {first})
    for name in [*filter(None, [first]), *others]:
        left = {item: size for item, size in sizes.items() if item not in found.held}
        if not left:
            break
        try:
            found |= _located(project, left, name) if read is None else _proven(project, left, name, read)
        except MvcError as error:
            if name == first:
                raise
            found |= OnRemotes(failed=(FailedRemote(name, error.message),))
    return found


def _located(project: Project, sizes: Mapping[str, int], remote: str) -> OnRemotes:
    with transferring(project, remote, JOBS) as tools:
        return OnRemotes(_whole(tools.remote.locate(sizes), sizes))


def _proven(project: Project, sizes: Mapping[str, int], remote: str, read: AbstractSet[str]) -> OnRemotes:
    """Announce the objects first, then look for them: candidates of a gc on the remote do not count."""
    with transferring(project, remote, JOBS) as tools:
        announce(project, tools.remote, tools.remote.locate(sizes))
        tools.remote.forget()
        gc_candidates = merged(garbage_lists(tools.remote))
        locations = tools.remote.locate(sizes, without=gc_candidates)
        to_read = {name: location for name, location in locations.items() if name in read}
        proof = prove(tools.remote, to_read, project.around.progress, without=gc_candidates)
    fix = f"mvc push --repair --all-commits -r {shlex.quote(remote)}"
    damaged = {item.name: DamagedOnRemote(item.name, remote, item.reason, fix) for item in proof.damage}
    held = _whole(locations, sizes) - (to_read.keys() - proof.sound)
    return OnRemotes(held, damaged=tuple(damaged[name] for name in sorted(damaged)))


def _whole(locations: Mapping[str, ObjectLocation], sizes: Mapping[str, int]) -> set[str]:
    return {name for name, location in locations.items() if location.is_whole(sizes[name])}
