"""`mvc verify -r NAME`: checks a remote against the digests of its objects, without changing it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from mvc.ops.shared.failures import Failure
from mvc.ops.shared.remotes import find_remote
from mvc.ops.shared.selection import chosen_each
from mvc.ops.shared.transfers.open_remote import bring_manifests, transferring
from mvc.ops.storage.verify import Wrong, invalid_manifests, objects_in_use, with_history
from mvc.project import Project
from mvc.store.cache.scrub import ScrubScope
from mvc.store.remote.scrub import scrub_remote
from mvc.transfer.pool import JOBS
from mvc.workspace.tracked import pointers_of


class RemoteVerified(NamedTuple):
    """The number of objects and bytes read on a remote, and the problems."""

    remote: str
    objects: int
    bytes: int
    wrong: tuple[Wrong, ...]
    failed: tuple[Failure, ...] = ()
    """Paths that are not tracked."""


def verify_remote(
    project: Project, remote: str | None, paths: Iterable[str] = (), *, quick: bool = False,
) -> RemoteVerified:
    """Read a remote, or what `paths` need of it, and compare it with the digests; absent objects are not wrong.

    `quick` compares xxh128 of objects whose digest is known.

    Raises:
        UsageError: there is no such remote.
        MvcError: a path is not tracked, or the remote cannot be read.
    """
    paths = [*paths]
    failed: list[Failure] = []
    selections = chosen_each(project, project.tracked(), paths, failed)
    with project.locks.store(), transferring(project, remote, JOBS) as tools:
        bring_manifests(tools, pointers_of(selections))
        users = objects_in_use(project, selections)
        known = {name: use.xxh128 for name, use in users.items()}
        invalid = invalid_manifests(project, selections)
        scope = ScrubScope(frozenset(known) if paths else None, known if quick else {})
        result = scrub_remote(tools.remote, scope, project.around.progress.advance)
    paths_of = {name: tuple(use.paths) for name, use in users.items()}
    reasons = {item.name: item.reason for item in result.damage}  # there may be two copies
    wrong = [*invalid, *(Wrong(name, reason, paths_of.get(name, ())) for name, reason in reasons.items())]
    found = tuple(with_history(project, wrong)) if wrong else ()
    return RemoteVerified(find_remote(project, remote).name, result.objects, result.bytes, found, tuple(failed))
