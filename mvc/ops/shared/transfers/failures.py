"""The failures of a transfer: each with its path, and the author to ask if the object is missing everywhere."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from contextlib import suppress

from mvc.errors import CorruptObject, MissingObject, MvcError
from mvc.ops.shared.object_users import Use, uses_in_history
from mvc.ops.shared.transfers.needed import users_of
from mvc.ops.shared.transfers.results import TransferFailure
from mvc.project import Project, Shell
from mvc.retention.available import listing_objects
from mvc.scm.commits import author_emails, identity
from mvc.scm.plumbing import Git
from mvc.store.cache.cache import Cache
from mvc.transfer.tools import Lost
from mvc.workspace.tracked import Selection, pointers_of


def failures(
    project: Project, remote: str, selections: Sequence[Selection], lost: Sequence[Lost], others: Sequence[str] = (),
) -> tuple[TransferFailure, ...]:
    """Return the unusable and missing objects that the selections need, each with its path.

    `others` are the remotes that were asked after `remote`.
    """
    paths = users_of(project.cache, selections, {item.name for item in lost})
    absent = {item.name for item in lost if isinstance(item.error, MissingObject)}
    uses: dict[str, tuple[Use, ...]] = {}
    with suppress(MvcError):  # the failures are reported even if the history cannot be read
        uses = uses_in_history(project, absent)
    where = f"any of the remotes {', '.join((remote, *others))}" if others else f"the remote {remote}"
    own = _own_commits(project.git, uses.values())
    return tuple(
        _absent(project.shell, where, paths[item.name], item.name, uses.get(item.name, ()), own)
        if item.name in absent
        else _unusable(project.shell, remote, paths[item.name], item)
        for item in lost
    )


def damaged_lists(cache: Cache, selections: Iterable[Selection], but: Container[str] = ()) -> Iterator[Lost]:
    """Yield the manifests and shards that are damaged in the cache, so that the files they list are unknown."""
    lists = {
        digest.blake3: digest
        for pointer in pointers_of(selections) if pointer.kind == "dir"
        for digest in listing_objects(cache, pointer)
    }
    for name, digest in lists.items():
        if name not in but and cache.has(name) and not cache.intact(digest):
            yield Lost(name, CorruptObject(f"object {name} is damaged in the cache", "mvc verify"))


def _unusable(shell: Shell, remote: str, path: str, lost: Lost) -> TransferFailure:
    repair = f"{shell.line(f'mvc push --repair -r {remote}', path)}  # in a clone where it is intact"
    return TransferFailure(path, lost.name, lost.error.message, lost.error.fix or repair)


def _own_commits(git: Git, uses: Iterable[tuple[Use, ...]]) -> set[str]:
    """Return which of the commits that first used an object have the current user as author."""
    emails = author_emails(git, (found[-1].commit for found in uses if found))
    me = identity(git) if emails else ""
    return {commit for commit, email in emails.items() if me and email == me}


def _absent(
    shell: Shell, where: str, path: str, name: str, uses: tuple[Use, ...], own: set[str],
) -> TransferFailure:
    error = f"object {name} is neither in the cache nor on {where}"
    if not uses:
        fix = f"{shell.line('mvc add', path)}  # where the file still is"
        return TransferFailure(path, name, f"{error}, and its pointer was never committed", fix)
    first = uses[-1]
    commit = first.commit[:12]
    told = f"{error}: committed by {first.author} on {first.date[:10]} in {commit}, never pushed or since deleted"
    line = f"mvc push --rev {commit}"
    fix = f"{line}  # in the clone where you added it" if first.commit in own else f"ask {first.author} to run: {line}"
    return TransferFailure(path, name, told, fix)
