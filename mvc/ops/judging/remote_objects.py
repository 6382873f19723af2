"""`mvc gate -r`: whether a remote holds every object that a change needs. Content is asked for, never downloaded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from mvc.errors import InvalidFormat, MvcError, UsageError
from mvc.fs.files import as_error
from mvc.objects.digest import Digest
from mvc.objects.pointer import Pointer
from mvc.objects.pointer_reader import parse
from mvc.ops.shared.remotes import find_remote
from mvc.ops.shared.transfers.open_remote import bring_manifests, transferring
from mvc.project import Project
from mvc.quality.judge.facts import Lacking, ModelFacts, RemoteFacts
from mvc.retention.available import needed_objects
from mvc.transfer.transfer import JOBS, Tools, missing_there


def ask_remote(project: Project, remote: str, models: Iterable[ModelFacts]) -> RemoteFacts:
    """Return what the remote lacks of the models, or why it could not be asked.

    The lists of large directories' files are fetched into the cache, as far as it lacks them.

    Raises:
        UsageError: there is no such remote.

    """
    pointers = {model.path: pointer for model in models if (pointer := _pointer(model))}
    find_remote(project, remote)
    try:
        with project.locks.store(), transferring(project, remote, JOBS) as tools:
            unread = {item.name: item.error for item in bring_manifests(tools, pointers.values()).failed}
            return RemoteFacts(remote, tuple(_ask(tools, pointers, unread)))
    except UsageError:
        raise
    except MvcError as error:
        return RemoteFacts(remote, problem=error.message, fix=error.fix)
    except OSError as error:
        told = as_error(error, remote)
        return RemoteFacts(remote, problem=told.message, fix=told.fix)


def _pointer(model: ModelFacts) -> Pointer | None:
    try:
        return parse(model.pointer.raw) if model.pointer else None
    except InvalidFormat:
        return None


def _ask(tools: Tools, pointers: Mapping[str, Pointer], unread: Mapping[str, MvcError]) -> Iterator[Lacking]:
    """Yield what is lacking; `unread` are the lists of files that the remote did not give, and why."""
    needs: dict[str, dict[str, Digest]] = {}
    for path, pointer in pointers.items():
        try:
            needs[path] = {digest.blake3: digest for _, digest in needed_objects(tools.cache, pointer)}
        except InvalidFormat as error:
            yield Lacking(path, problem=f"the list of its files cannot be used: {error.message}")
    everything = (digest for found in needs.values() for digest in found.values())
    lacking = {digest.blake3 for digest in missing_there(tools.remote, everything)}
    for path, found in needs.items():
        if missing := found.keys() & lacking:
            yield Lacking(path, len(missing), len(found), sum(found[name].size for name in missing))
        elif lists := sorted(found.keys() & unread.keys()):
            problem = f"the list of its files cannot be read: {unread[lists[0]].message}"
            yield Lacking(path, problem=problem, damaged=True)
