"""Content that tracked paths need, and that neither the cache nor the workspace has."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import NamedTuple

from mvc.objects.digest import Digest
from mvc.objects.pointer import SUFFIX
from mvc.ops.shared.object_users import objects_in_use, used_objects
from mvc.ops.shared.remotes import configured_remotes
from mvc.project import Project
from mvc.scm.commits import is_committed
from mvc.store.cache.inventory import quarantined_objects
from mvc.workspace.observe import Observed
from mvc.workspace.tracked import Selection


class MissingContent(NamedTuple):
    """A needed object that is neither in the cache, nor in quarantine, nor in the workspace."""

    digest: Digest
    path: str
    """The first tracked path that needs it."""
    users: tuple[str, ...]
    """All paths with this content; of a directory, the files in it."""


def missing_content(
    project: Project,
    selected: Iterable[Selection],
    observed_at: Callable[[str], Observed],
    known: Collection[str] = (),
) -> list[MissingContent]:
    """Return the missing objects, without those `known` to be.

    `observed_at` reads the workspace at a tracked path; it is called for the paths that lack objects.
    """
    selected = list(selected)
    needed = (digest.blake3 for _, digest in used_objects(project.cache, selected))
    absent = project.cache.missing(needed) - quarantined_objects(project.cache).keys() - {*known}
    users = objects_in_use(project.cache, selected, absent) if absent else {}
    found: dict[str, str] = {}
    for path in [selection.item.path for selection in selected] if absent else ():
        if lacking := [name for name in absent if _is_of(path, users[name].paths)]:
            absent -= _objects_of(observed_at(path))
            found |= {name: path for name in lacking if name not in found}
    return [MissingContent(users[name].digest, found[name], tuple(users[name].paths)) for name in sorted(absent)]


def may_be_elsewhere(project: Project, asked: str = "") -> bool:
    """Whether a remote other than `asked` is configured, which may have what this clone lacks."""
    return bool(set(configured_remotes(project.settings)) - {asked})


def way_out(project: Project, path: str) -> str:
    """Return the command line for a tracked path whose content is lost."""
    if is_committed(project.git, path + SUFFIX):
        return f"{project.shell.line('mvc log', path)}  # its other versions"
    return f"{project.shell.line('mvc rm --keep', path)}  # stops tracking it"


def _is_of(path: str, users: Iterable[str]) -> bool:
    return any(user == path or user.startswith(f"{path}/") for user in users)


def _objects_of(observed: Observed) -> set[str]:
    """Return the objects that the content of a tracked path consists of, with the manifest of a directory."""
    names = {entry.blake3 for entry in observed.entries()}
    if observed.scan.kind == "dir":
        names |= {digest.blake3 for digest, _ in observed.manifest.objects()}
    return names
