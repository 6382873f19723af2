"""`mvc gc`: frees objects of the cache that are not needed.

They move to the cache's trash first, and are deleted from there after the grace.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from mvc.errors import UsageError
from mvc.objects.digest_table import NameTable
from mvc.ops.shared.object_users import Garbage, with_users
from mvc.ops.shared.remotes import find_remote
from mvc.ops.storage.on_remotes import DamagedOnRemote, FailedRemote, objects_on_remotes
from mvc.project import VIEWS, Project
from mvc.retention.sharers import needed_on_cache
from mvc.store.cache.inventory import CacheEntry, Totals, all_objects, orphan_halves, quarantined_files, trashed_files
from mvc.store.cache.layout import cache_time, prepare
from mvc.store.cache.repack import compact
from mvc.store.cache.trash import GRACE, discard, discard_duplicates, discard_halves, is_duplicate, purge

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}
_SPAN = re.compile(r"0|([0-9]{1,6})([smhdw])")


class GcOptions(NamedTuple):
    """What to collect."""

    yes: bool = False
    """Free objects; else only plan."""
    grace: int = GRACE
    """Seconds."""
    unpushed: bool = False
    """Also free objects that are on no remote."""
    evict: bool = False
    """Also free objects that history needs, if the remote has them and no HEAD, index or workspace needs them."""
    remote: str | None = None
    """The remote to ask; None for all."""


class GcResult(NamedTuple):
    """The objects freed (or planned), and the unneeded objects that are kept."""

    done: bool
    grace: int
    bytes: int
    """Bytes of the freed objects."""
    garbage: tuple[Garbage, ...]
    young: Totals
    """Kept: younger than the grace."""
    unpushed: Totals
    """Kept: on no remote."""
    dispensable: Totals
    """Damaged files with an intact copy in the cache: moved from quarantine to the trash, or would be."""
    quarantine: Totals
    """Other damaged files, kept: younger than the grace, or without an intact copy."""
    purged: Totals
    """Files deleted from the trash."""
    trash: Totals
    """Files that are then in the trash."""
    silent: tuple[FailedRemote, ...]
    damaged: tuple[DamagedOnRemote, ...]
    """Objects that were not evicted because they are damaged on the remote."""

    @property
    def exit_code(self) -> int:
        """The exit code of the command: 1 if an object is damaged on a remote."""
        return 1 if self.damaged else 0


class Grace(NamedTuple):
    """The time for which objects that are not needed are kept."""

    seconds: int
    now: float
    """Seconds since the epoch, by the clock of the cache."""

    def keeps(self, item: CacheEntry) -> bool:
        """Whether the object or file is too young to be freed."""
        return self.seconds > 0 and self.now - item.since < self.seconds


class UnneededObjects(NamedTuple):
    """The objects that are not needed, by what happens to them."""

    free: list[CacheEntry]
    young: list[CacheEntry]
    unpushed: list[CacheEntry]


def sort_unneeded(
    entries: Iterable[CacheEntry], pushed: AbstractSet[str] | None, grace: Grace,
) -> UnneededObjects:
    """Sort objects that are not needed; `pushed` are the objects on remotes, None if that does not matter."""
    result = UnneededObjects([], [], [])
    for item in entries:
        if grace.keeps(item):
            result.young.append(item)
        elif pushed is None or item.name in pushed:
            result.free.append(item)
        else:
            result.unpushed.append(item)
    return result


class _Plan(NamedTuple):
    """The objects to free, and the answers of the remotes."""

    unneeded: UnneededObjects
    failed: tuple[FailedRemote, ...]
    damaged: tuple[DamagedOnRemote, ...]


def gc(project: Project, options: GcOptions = GcOptions()) -> GcResult:
    """Plan what to free, and free it with `options.yes`.

    Raises:
        UsageError: `evict` without a remote.
        MvcError: something that decides what is needed cannot be read, or a remote does not answer; nothing was freed.
    """
    if options.evict or options.remote:
        find_remote(project, options.remote)
    with project.locks.store(exclusive=options.yes):
        if options.yes:
            prepare(project.cache.root)
        plan = _plan(project, options, Grace(options.grace, cache_time(project.cache.root)))
        garbage = with_users(project, plan.unneeded.free, evicted=options.evict)
        if options.yes:
            discard(project.cache, plan.unneeded.free)
            compact(project.cache, above=1)
        return _purge(project, options, plan, garbage)


def _plan(project: Project, options: GcOptions, grace: Grace) -> _Plan:
    """Plan; with `evict`, what history needs counts as not needed if it is on a remote."""
    needed = _needed(project)
    kept = _needed(project, history=False) if options.evict else needed
    entries = [item for item in all_objects(project.cache) if item.name not in kept]
    asked = [item for item in entries if item.name in needed or not options.unpushed]
    read = {item.name for item in asked if item.name in needed and not grace.keeps(item)}
    sizes = {item.name: item.size for item in asked}
    remotes = objects_on_remotes(project, sizes, options.remote, read if options.evict and options.yes else None)
    pushed = None if options.unpushed else remotes.held
    free = (item for item in entries if item.name not in needed or item.name in remotes.held)
    unneeded = sort_unneeded(free, pushed, grace)
    damaged = tuple(item for item in remotes.damaged if item.blake3 not in remotes.held)
    return _Plan(unneeded, remotes.failed, damaged)


def _needed(project: Project, *, history: bool = True) -> NameTable:
    return needed_on_cache(project.git, project.layout.common_dir, project.root, project.cache, history=history)


# Quarantine and trash.


def _purge(project: Project, options: GcOptions, plan: _Plan, garbage: tuple[Garbage, ...]) -> GcResult:
    """Delete the files of the trash that are older than the grace; with a grace of 0, all of them."""
    grace = Grace(options.grace, cache_time(project.cache.root))
    quarantined = list(quarantined_files(project.cache))
    duplicates = [item for item in quarantined if not grace.keeps(item) and is_duplicate(project.cache, item)]
    if options.yes:
        discard_duplicates(project.cache, duplicates)
        discard_halves(project.cache, [item for item in orphan_halves(project.cache) if not grace.keeps(item)])
    trash = list(trashed_files(project.cache))
    old = [item for item in trash if not grace.keeps(item)]
    if options.yes:
        purge(project.cache, old)
        _remove_temporary(project, grace)
    return GcResult(
        options.yes,
        options.grace,
        bytes=Totals.of(plan.unneeded.free).bytes,
        garbage=garbage,
        young=Totals.of(plan.unneeded.young),
        unpushed=Totals.of(plan.unneeded.unpushed),
        dispensable=Totals.of(duplicates),
        quarantine=Totals.of(item for item in quarantined if item not in duplicates),
        purged=Totals.of(old),
        trash=Totals.of(item for item in trash if grace.keeps(item)),
        silent=plan.failed,
        damaged=plan.damaged,
    )


def _remove_temporary(project: Project, grace: Grace) -> None:
    """Remove views and unfinished downloads."""
    for folder, suffix in ((f"{project.home}/{VIEWS}", ""), (f"{project.cache.root}/tmp", ".part")):
        for name in os.listdir(folder) if os.path.isdir(folder) else ():
            path = f"{folder}/{name}"
            if name.endswith(suffix) and (not grace.seconds or grace.now - os.lstat(path).st_mtime >= grace.seconds):
                (shutil.rmtree if os.path.isdir(path) else os.unlink)(path)


def parse_grace(text: str) -> int:
    """Return the seconds in `14d`, `36h`, `90m`, `30s`, `2w` or `0`.

    Raises:
        UsageError: it is not such a span.
    """
    match = _SPAN.fullmatch(text)
    if match is None:
        raise UsageError(f"--grace {text!r}: expected a span such as 14d, 36h, 2w or 0", "mvc gc --grace 14d")
    return int(match[1] or 0) * _SECONDS[match[2] or "s"]
