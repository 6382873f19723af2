"""`mvc gc`: a plan of what nothing needs any more, and its execution.

What is freed moves to the cache's trash first, and is deleted there once the grace is over.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from typing import NamedTuple

from mvc.errors import MvcError, UsageError
from mvc.ops.shared.object_users import Use, lost_uses, uses_in_history
from mvc.ops.shared.remote_roots import announce
from mvc.ops.shared.remotes import configured_remotes, default_remote, find_remote
from mvc.ops.shared.transfers.open_remote import transferring
from mvc.project import VIEWS, Project
from mvc.retention.roots import PointerReader, current_roots, repository_roots
from mvc.scm.reachable import check_trusted
from mvc.store.cache.inventory import CacheEntry, Totals, all_objects, orphan_halves, quarantined_files, trashed_files
from mvc.store.cache.layout import cache_time, prepare
from mvc.store.cache.repack import compact
from mvc.store.cache.sharing import Registration, registered
from mvc.store.cache.trash import GRACE, discard, discard_duplicates, discard_halves, is_duplicate, purge
from mvc.store.remote.gc import garbage_lists, merged
from mvc.store.remote.location import ObjectLocation
from mvc.store.remote.scrub import prove
from mvc.transfer.pool import JOBS

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}
_SPAN = re.compile(r"0|([0-9]{1,6})([smhdw])")


class GcOptions(NamedTuple):
    """How to collect."""

    yes: bool = False
    """Act; else only plan."""
    grace: int = GRACE
    """Seconds."""
    unpushed: bool = False
    """Free what is on no remote, too."""
    evict: bool = False
    """Free also what is needed, but on the remote, and in no HEAD, index or workspace."""
    remote: str | None = None
    """Which remote to ask; every one when None."""


class Garbage(NamedTuple):
    """An object that nothing needs, and what it once belonged to."""

    blake3: str
    size: int
    """Bytes on disk."""
    stored: str
    """When the cache got it: ISO 8601, UTC."""
    users: tuple[Use, ...]


class Silent(NamedTuple):
    """A remote that could not be asked what it holds."""

    remote: str
    error: str


class Unsound(NamedTuple):
    """An object that history needs and a remote holds damaged, so that it stays here."""

    blake3: str
    remote: str
    reason: str
    fix: str


class GcResult(NamedTuple):
    """What was freed, or would be, and what is kept for now although nothing needs it."""

    done: bool
    grace: int
    bytes: int
    """Bytes of the objects that are freed."""
    garbage: tuple[Garbage, ...]
    young: Totals
    """Kept: younger than the grace."""
    unpushed: Totals
    """Kept: on no remote."""
    dispensable: Totals
    """Damaged files of which the cache has a sound copy: moved from quarantine to the trash, or would be."""
    quarantine: Totals
    """Other damaged files: kept, for they are younger than the grace, or all that there is."""
    purged: Totals
    """Files of the trash that are deleted for good."""
    trash: Totals
    """What then is in the trash still."""
    silent: tuple[Silent, ...]
    damaged: tuple[Unsound, ...]
    """What was to be evicted, and stays: it is damaged where it was to be relied on."""

    @property
    def exit_code(self) -> int:
        """How the command ends: 1 when something is damaged on a remote."""
        return 1 if self.damaged else 0


class Pushed(NamedTuple):
    """Objects that a remote holds now, and the remotes that could not be asked."""

    held: set[str]
    silent: tuple[Silent, ...] = ()
    damaged: tuple[Unsound, ...] = ()

    def then(self, other: Pushed) -> Pushed:
        """Return both together; `other` was asked for what is not `held` yet."""
        return Pushed(self.held | other.held, self.silent + other.silent, self.damaged + other.damaged)


class Choice(NamedTuple):
    """Unreachable objects, told apart by what shall happen to them."""

    free: list[CacheEntry]
    young: list[CacheEntry]
    unpushed: list[CacheEntry]
    silent: tuple[Silent, ...] = ()
    damaged: tuple[Unsound, ...] = ()


def choose(stored: Iterable[CacheEntry], needed: set[str], pushed: set[str], options: GcOptions, now: float) -> Choice:
    """Return what to do with each object that is not in `needed`; `now` in seconds since the epoch.

    `pushed` are the objects that the remote holds now.
    """
    choice = Choice([], [], [])
    for item in stored:
        if item.name in needed:
            continue
        if _is_young(item, options.grace, now):
            choice.young.append(item)
        elif options.unpushed or item.name in pushed:
            choice.free.append(item)
        else:
            choice.unpushed.append(item)
    return choice


def _is_young(item: CacheEntry, grace: int, now: float) -> bool:
    return grace > 0 and now - item.since < grace


def gc(project: Project, options: GcOptions = GcOptions()) -> GcResult:
    """Plan what to free, and free it with `options.yes`.

    Raises:
        UsageError: `evict` without a remote.
        MvcError: something that keeps objects alive can't be read, or the remote can't; nothing was freed.
    """
    if options.evict or options.remote:
        find_remote(project, options.remote)
    with project.locks.store(exclusive=options.yes):
        if options.yes:
            prepare(project.cache.root)
        choice = _choose(project, options)
        garbage = named(project, choice.free, evicted=options.evict)
        if options.yes:
            discard(project.cache, choice.free)
            compact(project.cache, above=1)
        return _swept(project, options, choice, garbage)


def _choose(project: Project, options: GcOptions) -> Choice:
    """Plan; with `evict`, what history needs and the remote holds counts as not needed."""
    stored = [*all_objects(project.cache)]
    needed = _needed(project)
    history = needed - _needed(project, history=False) if options.evict else set()
    asked = [item for item in stored if item.name in history or (item.name not in needed and not options.unpushed)]
    now = cache_time(project.cache.root)
    relied_on = {item.name for item in asked if item.name in history and not _is_young(item, options.grace, now)}
    pushed = _pushed(project, asked, options, relied_on)
    choice = choose(stored, needed - (history & pushed.held), pushed.held, options, now)
    damaged = tuple(item for item in pushed.damaged if item.blake3 not in pushed.held)
    return choice._replace(silent=pushed.silent, damaged=damaged)


def _pushed(project: Project, items: list[CacheEntry], options: GcOptions, relied_on: AbstractSet[str]) -> Pushed:
    """Ask the default remote first, and the others for the rest; the one that is named alone.

    Once that is to be acted on, `relied_on` are read there: they are held only when they are sound.
    """
    pushed = Pushed(set())
    first = options.remote or default_remote(project.settings)
    names = sorted(configured_remotes(project.settings), key=lambda name: (name != first, name))
    for name in [first] if options.remote else names:
        left = {item.name: item.size for item in items if item.name not in pushed.held}
        try:
            if left and options.evict and options.yes:
                pushed = pushed.then(_proven_by(project, left, name, relied_on))
            elif left:
                pushed = pushed.then(_held_by(project, left, name))
        except MvcError as error:
            if name == first:
                raise
            pushed = pushed.then(Pushed(set(), (Silent(name, error.message),)))
    return pushed


def _held_by(project: Project, sizes: Mapping[str, int], remote: str) -> Pushed:
    """Return those objects that a remote holds now."""
    with transferring(project, remote, JOBS) as tools:
        return Pushed(_whole(tools.remote.locate(sizes), sizes))


def _whole(places: Mapping[str, ObjectLocation], sizes: Mapping[str, int]) -> set[str]:
    return {name for name, place in places.items() if place.is_whole(sizes[name])}


def _proven_by(project: Project, sizes: Mapping[str, int], remote: str, relied_on: AbstractSet[str]) -> Pushed:
    """Return the same, as long as they are here: the remote is told first; then those `relied_on` are read there.

    Candidates of a gc on the remote do not count.
    """
    with transferring(project, remote, JOBS) as tools:
        announce(project, tools.remote, tools.remote.locate(sizes))
        tools.remote.forget()
        gc_candidates = merged(garbage_lists(tools.remote))
        places = tools.remote.locate(sizes, without=gc_candidates)
        read = {name: place for name, place in places.items() if name in relied_on}
        proof = prove(tools.remote, read, project.around.progress.advance, without=gc_candidates)
    fix = f"mvc push --repair --all-commits -r {shlex.quote(remote)}"
    damaged = {item.name: Unsound(item.name, remote, item.reason, fix) for item in proof.damage}
    held = _whole(places, sizes) - (read.keys() - proof.sound)
    return Pushed(held, damaged=tuple(damaged[name] for name in sorted(damaged)))


def _needed(project: Project, *, history: bool = True) -> set[str]:
    """Return every object that this repository, or another one on the same cache, needs.

    Without `history` only what HEAD, index and workspace of this repository's worktrees need; of others', all.
    """
    reader = PointerReader(project.cache)
    roots = repository_roots if history else current_roots
    names = roots(project.git, project.layout.common_dir, [project.root], reader)
    for entry in registered(project.cache.root):
        if entry.common_dir != project.layout.common_dir:
            try:
                check_trusted(project.git, entry.common_dir)
                names |= repository_roots(project.git, entry.common_dir, [], reader)
            except (MvcError, OSError) as error:
                raise _unreadable(project.cache.root, entry, error) from None
    return names


def _unreadable(cache: str, entry: Registration, error: MvcError | OSError) -> MvcError:
    reason, fix = (error.message, error.fix) if isinstance(error, MvcError) else (error.strerror, "")
    strike_off = f"  # or, if it is gone for good: rm {shlex.quote(entry.path_of_file)}"
    return MvcError(
        f"the repository {entry.common_dir} uses this cache, too, and cannot be read: {reason}",
        f"{fix or f'ls -ld {entry.common_dir}'}{'' if entry.path_of_file == cache else strike_off}",
    )


def named(project: Project, free: list[CacheEntry], *, evicted: bool = False) -> tuple[Garbage, ...]:
    """Return what is freed, the largest first, each with whom it belonged to."""
    names = {item.name for item in free}
    users = uses_in_history(project, names) if evicted else {}
    users |= lost_uses(project, names - users.keys())
    ordered = sorted(free, key=lambda item: (-item.size, item.name))
    return tuple(Garbage(item.name, item.size, iso(item.since), users.get(item.name, ())) for item in ordered)


def iso(seconds: float) -> str:
    """Return a time, in seconds since the epoch, as ISO 8601 in UTC."""
    return datetime.fromtimestamp(int(seconds), UTC).isoformat().replace("+00:00", "Z")


def _swept(project: Project, options: GcOptions, choice: Choice, garbage: tuple[Garbage, ...]) -> GcResult:
    """Purge the trash: what is older than the grace, and with a grace of 0 what was just put there."""
    now = cache_time(project.cache.root)
    spare, damaged = _quarantined(project, options.grace, now)
    if options.yes:
        discard_duplicates(project.cache, spare)
        halves = [item for item in orphan_halves(project.cache) if not _is_young(item, options.grace, now)]
        discard_halves(project.cache, halves)
    trash = list(trashed_files(project.cache))
    purged = [item for item in trash if not _is_young(item, options.grace, now)]
    left = [item for item in trash if _is_young(item, options.grace, now)]
    if options.yes:
        purge(project.cache, purged)
        _sweep(project, options.grace, now)
    return GcResult(
        options.yes,
        options.grace,
        sum(item.size for item in choice.free),
        garbage,
        Totals.of(choice.young),
        Totals.of(choice.unpushed),
        Totals.of(spare),
        Totals.of(damaged),
        Totals.of(purged),
        Totals.of(left),
        choice.silent,
        choice.damaged,
    )


def _quarantined(project: Project, grace: int, now: float) -> tuple[list[CacheEntry], list[CacheEntry]]:
    """Return what of the quarantine may go, and what stays."""
    found = list(quarantined_files(project.cache))
    spare = [item for item in found if not _is_young(item, grace, now) and is_duplicate(project.cache, item)]
    return spare, [item for item in found if item not in spare]


def _sweep(project: Project, grace: int, now: float) -> None:
    """Remove what only saves time: laid-out content, and downloads that nobody went on with."""
    for folder, suffix in ((f"{project.home}/{VIEWS}", ""), (f"{project.cache.root}/tmp", ".part")):
        for name in os.listdir(folder) if os.path.isdir(folder) else ():
            path = f"{folder}/{name}"
            if name.endswith(suffix) and (not grace or now - os.lstat(path).st_mtime >= grace):
                (shutil.rmtree if os.path.isdir(path) else os.unlink)(path)


def parse_grace(text: str) -> int:
    """Return the seconds in `14d`, `36h`, `90m`, `30s`, `2w` or `0`.

    Raises:
        UsageError: it is no such span.
    """
    match = _SPAN.fullmatch(text)
    if match is None:
        raise UsageError(f"--grace {text!r}: expected a span such as 14d, 36h, 2w or 0", "mvc gc --grace 14d")
    return int(match[1] or 0) * _SECONDS[match[2] or "s"]
