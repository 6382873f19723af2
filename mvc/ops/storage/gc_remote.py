"""`mvc gc -r NAME`: lists on a remote the objects that no clone needs; a later gc deletes them."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Iterable
from itertools import chain
from typing import NamedTuple

from blake3 import blake3

from mvc.errors import MissingObject, MvcError, UsageError
from mvc.ops.shared.remote_roots import announce_all, clone_id
from mvc.ops.shared.remotes import find_remote
from mvc.ops.shared.transfers.open_remote import transferring
from mvc.ops.storage.gc import Garbage, GcOptions, iso, named
from mvc.project import Project
from mvc.retention.roots import MANIFESTS, PointerReader, repository_roots
from mvc.scm.incomplete import lacks_history
from mvc.store.cache.inventory import CacheEntry, Totals
from mvc.store.remote.gc import (
    ABANDONED,
    GarbageList,
    Unneeded,
    carry_out,
    choose,
    find_unneeded,
    garbage_lists,
    is_listed,
    merged,
    sweep,
    write_list,
)
from mvc.store.remote.roots import Roots, all_roots
from mvc.store.remote.store import RemoteStore
from mvc.transfer.pool import JOBS

_BUFFER = 1 << 20
_MOST = 1 << 30
"""The maximal size of a manifest, in bytes."""


class CloneKeeps(NamedTuple):
    """The objects on a remote that only this other clone needs."""

    id: str
    place: str
    """Host and directory, from the clone's announcement."""
    pushed: str
    """When the clone last announced its objects: ISO 8601, UTC."""
    objects: int
    bytes: int


class RemoteGcResult(NamedTuple):
    """The objects on a remote that no clone needs, listed, deleted (or planned) and kept."""

    remote: str
    done: bool
    grace: int
    bytes: int
    """Bytes of `garbage`."""
    garbage: tuple[Garbage, ...]
    """Listed now, to be deleted after the grace period."""
    strays: Totals
    """Files of merged packs or killed pushes; also listed now."""
    young: Totals
    """Kept: written within the grace period."""
    waiting: Totals
    """Listed by an earlier gc, within the grace period."""
    due: str
    """When the first of `waiting` may be deleted: ISO 8601, UTC; empty if there is none."""
    deleted: Totals
    """Listed by an earlier gc, and deleted (or planned)."""
    clones: tuple[CloneKeeps, ...]
    """Other clones that are the only user of some objects."""


def gc_remote(project: Project, options: GcOptions) -> RemoteGcResult:
    """Plan which objects to free on a remote; with `yes`, list them, and delete those listed a grace period ago.

    Raises:
        UsageError: no such remote, or this clone lacks a part of the history.
        MvcError: the objects that a clone needs are unknown; nothing was freed.
    """
    _refuse(project, options)
    with (
        project.locks.store(exclusive=options.yes),
        project.locks.clone(exclusive=options.yes),
        transferring(project, options.remote, JOBS) as tools,
    ):
        if not tools.remote.check_format():
            raise UsageError(f"the remote at {tools.remote.bucket.url} is empty", "mvc push")
        own = repository_roots(
            project.git,
            project.layout.common_dir,
            [project.root],
            PointerReader(project.cache, lambda name: _manifest_there(tools.remote, name)),
        )
        now = announce_all(project, tools.remote, own) if options.yes else time.time()
        return _collect(project, tools.remote, own, options, now)


def _refuse(project: Project, options: GcOptions) -> None:
    if options.unpushed:
        raise UsageError("--unpushed is about the cache, not about a remote", f"mvc gc -r {options.remote}")
    if problem := lacks_history(project.git):
        raise UsageError(f"{problem.what}, so what is needed cannot be told", problem.fix)


def _manifest_there(remote: RemoteStore, name: str) -> bytes:
    """Return a manifest from the remote; empty if it is absent or not a manifest.

    Raises:
        MvcError: it is damaged.
    """
    hasher, body = blake3(), bytearray()
    try:
        with remote.open(name) as file:
            is_manifest = file.peek(len(MANIFESTS[1])).startswith(MANIFESTS)  # type: ignore[attr-defined]  # is buffered
            while len(body) <= _MOST and (part := file.read(_BUFFER)):
                hasher.update(part)
                body += part if is_manifest else b""
    except MissingObject:
        return b""
    if hasher.hexdigest() != name:
        url = remote.bucket.url
        message = f"the manifest {name} is damaged on {url}, so the files it lists are not known"
        raise MvcError(message, "mvc push --repair --all-commits  # in a clone that has it")
    return bytes(body)


def _collect(
    project: Project, remote: RemoteStore, own: set[str], options: GcOptions, now: float,
) -> RemoteGcResult:
    """List the objects that no clone needs, and delete those that are due; without `yes`, only plan it."""
    others = all_roots(remote, but=clone_id(project.home))
    unneeded = find_unneeded(remote, own.union(*(roots.names for roots in others)))
    lists = garbage_lists(remote)
    choice = choose(unneeded, merged(lists), now - options.grace if options.grace else math.inf, now - ABANDONED)
    if options.yes and choice.fresh:
        write_list(remote, choice.fresh)
        lists = garbage_lists(remote)
    due = [listed for listed in lists if _is_due(listed, options.grace, now)]
    later = [listed for listed in lists if not _is_due(listed, options.grace, now)]
    soon, waiting = _apart(choice.listed, due)
    deleted = _delete(remote, due, own, now) if options.yes else _totals(soon)
    until = iso(min(listed.item.modified for listed in later) + options.grace) if waiting else ""
    return RemoteGcResult(
        find_remote(project, options.remote).name,
        options.yes,
        options.grace,
        _totals(choice.fresh).bytes,
        _garbage(project, choice.fresh),
        _totals(choice.fresh, halves=True),
        _totals(choice.young),
        _totals(waiting),
        until,
        deleted,
        _kept_for(remote, own, others),
    )


def _apart(found: Iterable[Unneeded], due: Iterable[GarbageList]) -> tuple[list[Unneeded], list[Unneeded]]:
    """Divide the objects into those on the lists that are due, and the others."""
    gc_candidates = merged(due)
    soon = [item for item in found if is_listed(gc_candidates, item)]
    return soon, [item for item in found if not is_listed(gc_candidates, item)]


def _is_due(listed: GarbageList, grace: int, now: float) -> bool:
    """Whether to delete the listed objects; a deletion that a killed gc began is continued."""
    return listed.deleting or not grace or now - listed.item.modified >= grace


def _delete(remote: RemoteStore, due: Iterable[GarbageList], own: set[str], now: float) -> Totals:
    def needed() -> set[str]:
        return own.union(*(roots.names for roots in all_roots(remote)))

    freed = Totals.sum(carry_out(remote, listed, needed) for listed in due)
    sweep(remote, now)
    return freed


def _totals(found: Iterable[Unneeded], *, halves: bool = False) -> Totals:
    """Return number and bytes of the objects, or with `halves` of the pack files."""
    sizes = [item.location.size for item in found if bool(item.name) is not halves]
    return Totals(len(sizes), sum(sizes))


def _garbage(project: Project, found: Iterable[Unneeded]) -> tuple[Garbage, ...]:
    objects = [item for item in found if item.name]
    return named(project, [CacheEntry(item.name, item.location.size, item.item.modified) for item in objects])


def _kept_for(remote: RemoteStore, own: set[str], others: list[Roots]) -> tuple[CloneKeeps, ...]:
    """Return the clones that are the only user of some objects, largest first."""
    needing = Counter(chain.from_iterable(roots.names for roots in others))
    sizes = remote.locate(name for name, clones in needing.items() if clones == 1 and name not in own)
    found = [
        CloneKeeps(roots.clone, roots.place, iso(roots.written), len(alone), sum(sizes[name].size for name in alone))
        for roots in others
        if (alone := roots.names & sizes.keys())
    ]
    return tuple(sorted(found, key=lambda clone: -clone.bytes))
