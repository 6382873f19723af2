"""`mvc gc -r NAME`: what no clone needs of a remote is listed there first, and deleted by a later gc."""

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
"""Bytes of a manifest; what is longer on a remote is none of ours."""


class CloneKeeps(NamedTuple):
    """What a remote keeps because only that clone needs it."""

    id: str
    place: str
    """Host and directory, as the clone says."""
    pushed: str
    """When it last said so: ISO 8601, UTC."""
    objects: int
    bytes: int


class RemoteGcResult(NamedTuple):
    """What was found on a remote that no clone needs, and what was done about it, or would be."""

    remote: str
    done: bool
    grace: int
    bytes: int
    """Bytes of `garbage`."""
    garbage: tuple[Garbage, ...]
    """What is listed now, to be deleted after the grace."""
    strays: Totals
    """Halves of packs, which were merged since, or which a killed push left; listed, too."""
    young: Totals
    """Kept: written less than the grace ago."""
    waiting: Totals
    """Listed by an earlier gc, less than the grace ago."""
    due: str
    """When the first of that may be deleted: ISO 8601, UTC; empty when nothing waits."""
    deleted: Totals
    """Listed by an earlier gc, and deleted."""
    clones: tuple[CloneKeeps, ...]
    """Others that alone need something."""


def gc_remote(project: Project, options: GcOptions) -> RemoteGcResult:
    """Plan what to free on a remote; with `yes`, list that there, and delete what was listed a grace ago.

    Raises:
        UsageError: there is no such remote, or this clone does not know the whole history.
        MvcError: something that a clone needs cannot be read; nothing was freed.
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
    """Return the bytes of a manifest that only the remote holds; none when it does not, or it is none.

    Raises:
        MvcError: it is damaged there.
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
    """Find what no clone needs, list it and delete what is due; without `yes`, only say so."""
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
    """Return what the lists name that are due, and the rest."""
    gc_candidates = merged(due)
    soon = [item for item in found if is_listed(gc_candidates, item)]
    return soon, [item for item in found if not is_listed(gc_candidates, item)]


def _is_due(listed: GarbageList, grace: int, now: float) -> bool:
    """Whether to delete what is listed; what a gc began that was killed is finished."""
    return listed.deleting or not grace or now - listed.item.modified >= grace


def _delete(remote: RemoteStore, due: Iterable[GarbageList], own: set[str], now: float) -> Totals:
    def needed() -> set[str]:
        return own.union(*(roots.names for roots in all_roots(remote)))

    freed = Totals.sum(carry_out(remote, listed, needed) for listed in due)
    sweep(remote, now)
    return freed


def _totals(found: Iterable[Unneeded], *, halves: bool = False) -> Totals:
    """Return how many objects there are, or how many halves of packs; and their bytes."""
    sizes = [item.location.size for item in found if bool(item.name) is not halves]
    return Totals(len(sizes), sum(sizes))


def _garbage(project: Project, found: Iterable[Unneeded]) -> tuple[Garbage, ...]:
    objects = [item for item in found if item.name]
    return named(project, [CacheEntry(item.name, item.location.size, item.item.modified) for item in objects])


def _kept_for(remote: RemoteStore, own: set[str], others: list[Roots]) -> tuple[CloneKeeps, ...]:
    """Return which other clone alone needs what."""
    needing = Counter(chain.from_iterable(roots.names for roots in others))
    sizes = remote.locate(name for name, clones in needing.items() if clones == 1 and name not in own)
    found = [
        CloneKeeps(roots.clone, roots.place, iso(roots.written), len(alone), sum(sizes[name].size for name in alone))
        for roots in others
        if (alone := roots.names & sizes.keys())
    ]
    return tuple(sorted(found, key=lambda clone: -clone.bytes))
