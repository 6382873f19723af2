"""`mvc gc`: a plan of what nothing needs any more, and its execution.

What is freed moves to the cache's trash first, and is deleted there once the grace is over.
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NamedTuple

from mvc.errors import MvcError, UsageError
from mvc.ops.uses import Use, lost_uses
from mvc.project import Project
from mvc.scm.reachable import check_trusted
from mvc.store.base import Stored
from mvc.store.sharing import Registration, registered
from mvc.store.trash import discard, purge, trashed
from mvc.workspace.roots import Needs, repository_roots

GRACE = 14 * 86_400
"""Seconds for which nothing is freed after it was stored, or purged after it was freed."""


class GcOptions(NamedTuple):
    """How to collect."""

    yes: bool = False
    """Act; else only plan."""
    grace: int = GRACE
    """Seconds."""
    unpushed: bool = False
    """Free what is on no remote, too."""


class Garbage(NamedTuple):
    """An object that nothing needs, and what it once belonged to."""

    blake3: str
    size: int
    """Bytes on disk."""
    stored: str
    """When the cache got it: ISO 8601, UTC."""
    users: tuple[Use, ...]


class Amount(NamedTuple):
    """How much there is of something."""

    objects: int
    bytes: int

    @classmethod
    def of(cls, items: Iterable[Stored]) -> Amount:
        """Return how much `items` are."""
        sizes = [item.size for item in items]
        return cls(len(sizes), sum(sizes))


class GcResult(NamedTuple):
    """What was freed, or would be, and what is kept for now although nothing needs it."""

    done: bool
    grace: int
    bytes: int
    """Bytes of the objects that are freed."""
    garbage: tuple[Garbage, ...]
    young: Amount
    """Kept: younger than the grace."""
    unpushed: Amount
    """Kept: on no remote."""
    purged: Amount
    """Files of the trash that are deleted for good."""
    trash: Amount
    """What then is in the trash still."""


class Choice(NamedTuple):
    """Unreachable objects, told apart by what shall happen to them."""

    free: list[Stored]
    young: list[Stored]
    unpushed: list[Stored]


def choose(stored: Iterable[Stored], needed: set[str], options: GcOptions, now: float) -> Choice:
    """Return what to do with each object that is not in `needed`; `now` in seconds since the epoch.

    No remote is known yet, so nothing counts as pushed.
    """
    choice = Choice([], [], [])
    for item in stored:
        if item.name in needed:
            continue
        if _is_young(item, options.grace, now):
            choice.young.append(item)
        elif options.unpushed:
            choice.free.append(item)
        else:
            choice.unpushed.append(item)
    return choice


def _is_young(item: Stored, grace: int, now: float) -> bool:
    return grace > 0 and now - item.since < grace


def gc(project: Project, options: GcOptions = GcOptions()) -> GcResult:
    """Plan what to free, and free it with `options.yes`.

    Raises:
        MvcError: something that keeps objects alive can't be read; nothing was freed.

    """
    with project.store_lock(exclusive=options.yes):
        if options.yes:
            project.cache.prepare()
        choice = _choose(project, options)
        garbage = _named(project, choice.free)
        old_trash = set(trashed(project.cache))
        if options.yes:
            discard(project.cache, choice.free)
            project.cache.compact(above=1)
        return _swept(project, options, choice, garbage, old_trash)


def _choose(project: Project, options: GcOptions) -> Choice:
    stored = [*project.cache.loose(), *project.cache.packed()]
    return choose(stored, _needed(project), options, time.time())


def _needed(project: Project) -> set[str]:
    """Return every object that this repository, or another one on the same cache, needs."""
    needs = Needs(project.cache)
    names = repository_roots(project.git, project.layout.common_dir, [project.root], needs)
    for entry in registered(project.cache.root):
        if entry.common_dir != project.layout.common_dir:
            try:
                check_trusted(project.git, entry.common_dir)
                names |= repository_roots(project.git, entry.common_dir, [], needs)
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


def _named(project: Project, free: list[Stored]) -> tuple[Garbage, ...]:
    users = lost_uses(project, {item.name for item in free})
    ordered = sorted(free, key=lambda item: (-item.size, item.name))
    return tuple(Garbage(item.name, item.size, _iso(item.since), users.get(item.name, ())) for item in ordered)


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(int(seconds), UTC).isoformat().replace("+00:00", "Z")


def _swept(
    project: Project, options: GcOptions, choice: Choice, garbage: tuple[Garbage, ...], old_trash: set[Stored],
) -> GcResult:
    """Purge the trash: what is older than the grace, and with a grace of 0 what was just put there."""
    now = time.time()
    trash = [item for item in trashed(project.cache) if options.grace == 0 or item in old_trash]
    purged = [item for item in trash if not _is_young(item, options.grace, now)]
    if options.yes:
        purge(project.cache, purged)
    left = [item for item in trashed(project.cache) if item not in set(purged)]
    return GcResult(
        options.yes,
        options.grace,
        sum(item.size for item in choice.free),
        garbage,
        Amount.of(choice.young),
        Amount.of(choice.unpushed),
        Amount.of(purged),
        Amount.of(left),
    )


def refuse_evict() -> None:
    """Refuse to free what is still needed: that takes a remote that is proven to hold it.

    Raises:
        UsageError: always, until there are remotes.

    """
    raise UsageError("--evict frees what a remote is proven to hold, and this mvc has no remotes yet", "mvc gc")


def parse_grace(text: str) -> int:
    """Return the seconds in `14d`, `36h`, `90m`, `30s`, `2w` or `0`.

    Raises:
        UsageError: it is no such span.

    """
    units = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}
    number, unit = (text[:-1], text[-1:]) if text[-1:] in units else (text, "d")
    if not number.isascii() or not number.isdigit() or (unit == "d" and text == number != "0") or len(number) > 6:  # noqa: PLR2004
        raise UsageError(f"--grace {text!r}: expected a span such as 14d, 36h, 2w or 0", "mvc gc --grace 14d")
    return int(number) * units[unit]
