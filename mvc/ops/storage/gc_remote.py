"""`mvc gc -r NAME`: lists objects that no clone needs on the remote, and deletes those that an earlier gc listed."""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from blake3 import blake3

from mvc.errors import MissingObject, MvcError, UsageError
from mvc.ops.shared.object_users import Garbage, iso, with_users
from mvc.ops.shared.remote_roots import announce_all, clone_id
from mvc.ops.shared.remotes import find_remote
from mvc.ops.shared.transfers.open_remote import transferring
from mvc.ops.storage.gc import GcOptions
from mvc.project import Project
from mvc.retention.roots import MANIFESTS, PointerReader, repository_roots
from mvc.scm.incomplete import lacks_history
from mvc.store.cache.inventory import CacheEntry, Totals
from mvc.store.remote.gc import (
    ABANDONED,
    Choice,
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
from mvc.store.remote.roots import Needs, read_needs
from mvc.store.remote.store import RemoteStore
from mvc.transfer.pool import JOBS

_BUFFER = 1 << 20
_MAX_MANIFEST = 1 << 30
"""Bytes. mvc writes no larger manifest."""


class CloneKeeps(NamedTuple):
    """A clone, and the objects that the remote keeps only for it."""

    id: str
    place: str
    """Host and directory, as the clone announced them."""
    pushed: str
    """When it last announced its needs: ISO 8601, UTC."""
    objects: int
    bytes: int


class RemoteGcResult(NamedTuple):
    """The objects on a remote that no clone needs, and what was done with them, or would be."""

    remote: str
    done: bool
    grace: int
    bytes: int
    """Bytes of `garbage`."""
    garbage: tuple[Garbage, ...]
    """Listed now, to be deleted after the grace."""
    strays: Totals
    """Halves of merged packs or of killed pushes; also listed."""
    young: Totals
    """Kept: younger than the grace."""
    waiting: Totals
    """Listed by an earlier gc, less than the grace ago."""
    due: str
    """When the first of those may be deleted: ISO 8601, UTC; empty if there are none."""
    deleted: Totals
    """Listed by an earlier gc, and deleted."""
    clones: tuple[CloneKeeps, ...]
    """Other clones that are the only user of some objects."""


def gc_remote(project: Project, options: GcOptions) -> RemoteGcResult:
    """Plan what to free on a remote; with `yes`, list it there, and delete objects listed a grace ago.

    Raises:
        UsageError: there is no such remote, or this clone lacks a part of the history.
        MvcError: something that decides what is needed cannot be read; nothing was freed.
    """
    _refuse(project, options)
    with (
        project.locks.store(exclusive=options.yes),
        project.locks.clone(exclusive=options.yes),
        transferring(project, options.remote, JOBS) as tools,
    ):
        if not tools.remote.check_format():
            raise UsageError(f"the remote at {tools.remote.bucket.url} is empty", "mvc push")
        reader = PointerReader(project.cache, lambda name: _read_manifest(tools.remote, name))
        own = {*repository_roots(project.git, project.layout.common_dir, [project.root], reader)}
        now = announce_all(project, tools.remote, own) if options.yes else time.time()
        return _collect(project, tools.remote, own, options, now)


def _refuse(project: Project, options: GcOptions) -> None:
    if options.unpushed:
        raise UsageError("--unpushed is for the cache, not for a remote", f"mvc gc -r {options.remote}")
    if problem := lacks_history(project.git):
        raise UsageError(f"cannot determine the needed objects: {problem.what}", problem.fix)


def _read_manifest(remote: RemoteStore, name: str) -> bytes:
    """Return a manifest that only the remote has; empty if it does not, or the object is not a manifest.

    Raises:
        MvcError: it is damaged there.
    """
    hasher, body = blake3(), bytearray()
    try:
        with remote.open(name) as file:
            is_manifest = file.peek(len(MANIFESTS[1])).startswith(MANIFESTS)  # type: ignore[attr-defined]  # is buffered
            while len(body) <= _MAX_MANIFEST and (part := file.read(_BUFFER)):
                hasher.update(part)
                body += part if is_manifest else b""
    except MissingObject:
        return b""
    if hasher.hexdigest() != name:
        url = remote.bucket.url
        message = f"the manifest {name} is damaged on {url}: the files it lists are unknown"
        raise MvcError(message, "mvc push --repair --all-commits  # in a clone that has it")
    return bytes(body)


def _collect(
    project: Project, remote: RemoteStore, own: set[str], options: GcOptions, now: float,
) -> RemoteGcResult:
    """List the objects that no clone needs, and delete those that are due; without `yes`, only plan."""
    there = {name for name, _ in remote.objects()}
    others = read_needs(remote, there, but=clone_id(project.home))
    choice, lists = _list_unneeded(remote, there.difference(own, others.users), options, now)
    due = [listed for listed in lists if _is_due(listed, options.grace, now)]
    due_objects = merged(due)
    waiting = [item for item in choice.listed if not is_listed(due_objects, item)]
    to_delete = [item for item in choice.listed if is_listed(due_objects, item)]
    later = [listed.item.modified + options.grace for listed in lists if listed not in due]
    objects = [CacheEntry(item.name, item.location.size, item.item.modified) for item in choice.fresh if item.name]
    return RemoteGcResult(
        find_remote(project, options.remote).name,
        options.yes,
        options.grace,
        bytes=_totals(choice.fresh).bytes,
        garbage=with_users(project, objects),
        strays=_totals(choice.fresh, halves=True),
        young=_totals(choice.young),
        waiting=_totals(waiting),
        due=iso(min(later)) if waiting else "",
        deleted=_delete(remote, due, own, now) if options.yes else _totals(to_delete),
        clones=_kept_for_others(remote, own, others),
    )


def _list_unneeded(
    remote: RemoteStore, names: set[str], options: GcOptions, now: float,
) -> tuple[Choice, list[GarbageList]]:
    """Return the unneeded objects, which have these `names`, and all lists; with `yes`, list those that are in none."""
    unneeded = find_unneeded(remote, names)
    lists = garbage_lists(remote)  # after the objects: another gc may delete both
    choice = choose(unneeded, merged(lists), now - options.grace if options.grace else math.inf, now - ABANDONED)
    if options.yes and choice.fresh:
        write_list(remote, choice.fresh)
        lists = garbage_lists(remote)
    return choice, lists


def _is_due(listed: GarbageList, grace: int, now: float) -> bool:
    """Whether to delete the listed objects; an interrupted deletion is continued."""
    return listed.deleting or not grace or now - listed.item.modified >= grace


def _delete(remote: RemoteStore, due: list[GarbageList], own: set[str], now: float) -> Totals:
    names = set[str]().union(*merged(due).values())

    def needed() -> set[str]:
        return own | read_needs(remote, names).users.keys()

    freed = Totals.sum(carry_out(remote, listed, needed) for listed in due)
    sweep(remote, now)
    return freed


def _totals(found: Iterable[Unneeded], *, halves: bool = False) -> Totals:
    """Return the number and bytes of the objects, or of the halves of packs."""
    sizes = [item.location.size for item in found if bool(item.name) is not halves]
    return Totals(len(sizes), sum(sizes))


def _kept_for_others(remote: RemoteStore, own: set[str], others: Needs) -> tuple[CloneKeeps, ...]:
    """Return the objects that only one clone needs, for each other clone."""
    sole = remote.locate(name for name, clone in others.users.items() if clone and name not in own)
    sizes: dict[str, list[int]] = defaultdict(list)
    for name, location in sole.items():
        sizes[others.users[name]].append(location.size)
    found = [
        CloneKeeps(clone, others.clones[clone].place, iso(others.clones[clone].written), len(alone), sum(alone))
        for clone, alone in sizes.items()
    ]
    return tuple(sorted(found, key=lambda clone: -clone.bytes))
