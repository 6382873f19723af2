"""`mvc push`: the objects that pointers need, to the remote that lacks them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from typing import NamedTuple

from mvc.errors import MissingObject
from mvc.objects.digest import Digest
from mvc.ops.transfers import (
    Needs,
    Scope,
    TransferResult,
    bring_manifests,
    failures,
    indexes_of,
    needed,
    selected,
    to_each_remote,
    transferring,
)
from mvc.project import Project
from mvc.scm.plumbing import has_staged, has_unpushed
from mvc.store.remote import RemoteStore
from mvc.store.remote_scrub import rebuild_index, scrub_remote
from mvc.store.scrub import Scope as Scrub
from mvc.transfer import JOBS, Lost, Moved, Tools, missing_there, push_objects
from mvc.workspace.roots import PATTERN
from mvc.workspace.tracked import Selection


class PushOptions(NamedTuple):
    """What to send, and where to."""

    remote: str | None = None
    scope: Scope = Scope()
    jobs: int = JOBS
    dry_run: bool = False
    repair: bool = False
    """Read what the remote has already, and send anew what is damaged there."""


def push(project: Project, paths: Iterable[str] = (), options: PushOptions = PushOptions()) -> list[TransferResult]:
    """Send what the pointers at `paths` need and their remotes lack; a result for each remote.

    Raises:
        UsageError: no such remote or revision.
        MvcError: a path is not tracked, or the only remote can't be reached.

    """

    def move(remote: str, selections: tuple[Selection, ...]) -> TransferResult:
        return _push(project, remote, selections, options)

    with project.store_lock():
        meant = selected(project, paths, options.scope)
        return to_each_remote(project, meant, options.remote, move)


def _push(
    project: Project, remote: str, selections: tuple[Selection, ...], options: PushOptions,
) -> TransferResult:
    with transferring(project, remote, options.jobs) as opened:
        bring_manifests(opened, selections)  # so that every file is asked for, in a clone that fetched none, too
        needs = needed(project, selections)
        tools = _mended(project, opened, needs) if options.repair and not options.dry_run else opened
        missing = missing_there(tools.remote, (need.digest for need in needs.objects.values()))
        moved = _planned(tools, missing) if options.dry_run else _sent(tools, missing)
        lost = failures(project, remote, needs, moved.failed)
        skipped, requests = len(needs.objects) - len(missing), tools.remote.bucket.requests
        return TransferResult(remote, moved.objects, skipped, moved.bytes, requests, lost)


def _mended(project: Project, tools: Tools, needs: Needs) -> Tools:
    """Take away what is damaged on the remote and sound in the cache: it is missing there then, and sent anew."""
    found = scrub_remote(tools.remote, Scrub(frozenset(needs.objects)), tools.progress.advance)
    indexes = indexes_of(project, tools.remote.bucket.url)
    for item in found.damage:
        if item.name == item.pack:
            rebuild_index(tools.remote, item.pack)
            with suppress(FileNotFoundError):
                os.unlink(f"{indexes}/{item.pack}.idx")
        elif tools.cache.intact(needs.objects[item.name].digest):
            tools.remote.delete(item.name)
    return tools._replace(remote=RemoteStore(tools.remote.bucket, indexes, tools.pool))


def _sent(tools: Tools, missing: list[Digest]) -> Moved:
    return push_objects(tools, missing) if missing else Moved(0, 0)


def _planned(tools: Tools, missing: list[Digest]) -> Moved:
    gone = tools.cache.missing(digest.blake3 for digest in missing)
    lost = tuple(Lost(name, MissingObject(f"object {name} is not in the cache")) for name in sorted(gone))
    there = [digest for digest in missing if digest.blake3 not in gone]
    return Moved(len(there), sum(digest.size for digest in there), lost)


def next_step(project: Project, results: Iterable[TransferResult], *, dry_run: bool) -> str:
    """Return the line to type after a push: pointers travel with Git; empty when they have."""
    if dry_run:
        return "mvc push" if any(result.transferred for result in results) else ""
    if has_staged(project.git, PATTERN):
        return 'git commit -m "..."'
    return "git push" if has_unpushed(project.git) else ""
