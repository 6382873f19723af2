"""`mvc verify -r NAME`: checks a remote against the digests of its objects, without changing it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import NamedTuple

from mvc.objects.pointer import Pointer
from mvc.ops.shared.content.mismatch import remote_mismatch
from mvc.ops.shared.content.missing import may_be_elsewhere, missing_content
from mvc.ops.shared.failures import Failure
from mvc.ops.shared.object_users import objects_in_use
from mvc.ops.shared.remotes import find_remote
from mvc.ops.shared.selection import chosen_each
from mvc.ops.shared.transfers.open_remote import bring_manifests, transferring
from mvc.ops.shared.workspace_content import observe_path
from mvc.ops.storage.verify import Missing, Wrong, exit_code_of, invalid_manifests, unusable_pointers, with_history
from mvc.project import Project
from mvc.retention.available import known_objects
from mvc.store.cache.scrub import ScrubScope
from mvc.store.remote.scrub import scrub_remote
from mvc.transfer.pool import JOBS
from mvc.transfer.tools import Tools
from mvc.workspace.tracked import Selection, pointers_of


class RemoteVerified(NamedTuple):
    """The number of objects and bytes read on a remote, and the problems."""

    remote: str
    objects: int
    bytes: int
    wrong: tuple[Wrong, ...]
    missing: tuple[Missing, ...] = ()
    """Objects that are neither here nor on this remote."""
    failed: tuple[Failure, ...] = ()

    @property
    def exit_code(self) -> int:
        """As of `exit_code_of`."""
        return exit_code_of(self.wrong, self.missing, self.failed)


def verify_remote(
    project: Project, remote: str | None, paths: Iterable[str] = (), *, quick: bool = False,
) -> RemoteVerified:
    """Read a remote, or what `paths` need of it, and compare it with the digests.

    An object that the remote lacks is missing only if this clone lacks it, too.
    `quick` compares xxh128 of objects whose digest is known.

    Raises:
        UsageError: there is no such remote.
        MvcError: a path is not tracked, or the remote cannot be read.
    """
    paths = [*paths]
    failed: list[Failure] = []
    selections = chosen_each(project, project.tracked(), paths, failed)
    name = find_remote(project, remote).name
    with project.locks.store(), transferring(project, remote, JOBS) as tools:
        bring_manifests(tools, pointers_of(selections))
        users = objects_in_use(project.cache, selections)
        known = {name: use.digest.xxh128 for name, use in users.items()}
        invalid = invalid_manifests(project, selections)
        scope = ScrubScope(frozenset(known) if paths else None, known if quick else None)
        result = scrub_remote(tools.remote, scope, project.around.progress)
        missing = _missing(project, tools, name, selections)
        sound = users.keys() - {item.name for item in result.damage}
        failed += unusable_pointers(project, selections, _mismatches(tools, sound))
    paths_of = {name: tuple(use.paths) for name, use in users.items()}
    reasons = {item.name: item.reason for item in result.damage}  # there may be two copies
    wrong = [*invalid, *(Wrong(name, reason, paths_of.get(name, ())) for name, reason in reasons.items())]
    found, lacking = (tuple(with_history(project, items)) for items in (wrong, missing))
    return RemoteVerified(name, result.objects, result.bytes, found, lacking, tuple(failed))


def _mismatches(tools: Tools, sound: Iterable[str]) -> Callable[[Pointer], str]:
    """Return a function that finds the field of a pointer that disagrees with a sound object on the remote."""
    there = tools.remote.locate(sound)

    def mismatch(pointer: Pointer) -> str:
        digests = (digest for _, digest in known_objects(tools.cache, pointer))
        return remote_mismatch(tools.cache, pointer, digests, there)

    return mismatch


def _missing(project: Project, tools: Tools, remote: str, selections: list[Selection]) -> list[Missing]:
    """Return the needed objects that neither this clone nor the remote has."""
    absent = missing_content(project, selections, partial(observe_path, project))
    there = tools.remote.locate(item.digest.blake3 for item in absent) if absent else {}
    lost = not may_be_elsewhere(project, remote)
    return [Missing.of(project, item, lost=lost) for item in absent if item.digest.blake3 not in there]
