"""`mvc gate -r`: checks that a remote has all objects that a change needs, without downloading them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from mvc.errors import InvalidFormat, MvcError, UsageError
from mvc.fs.files import as_error
from mvc.objects.digest import Digest
from mvc.objects.digest_table import DigestTable
from mvc.objects.pointer import Pointer
from mvc.objects.pointer_reader import pointer_in
from mvc.ops.shared.content.mismatch import remote_mismatch
from mvc.ops.shared.remotes import find_remote
from mvc.ops.shared.transfers.open_remote import bring_manifests, transferring
from mvc.project import Project
from mvc.quality.judge.facts import IncompleteModel, ModelFacts, RemoteFacts
from mvc.retention.available import needed_objects
from mvc.transfer.pool import JOBS
from mvc.transfer.send import not_whole
from mvc.transfer.tools import Tools


def ask_remote(project: Project, remote: str, models: Iterable[ModelFacts]) -> RemoteFacts:
    """Return which objects of the models the remote lacks, or why it could not be asked.

    Manifests of large directories are fetched into the cache.

    Raises:
        UsageError: there is no such remote.
    """
    files = {model.path: model.pointer for model in models if model.pointer}
    pointers = {path: pointer for path, file in files.items() if (pointer := pointer_in(file.raw))}
    find_remote(project, remote)
    try:
        with project.locks.store(), transferring(project, remote, JOBS) as tools:
            unread = {item.name: item.error for item in bring_manifests(tools, pointers.values()).failed}
            return RemoteFacts(remote, tuple(_incomplete(tools, pointers, unread)))
    except UsageError:
        raise
    except MvcError as error:
        return RemoteFacts(remote, problem=error.message, fix=error.fix)
    except OSError as error:
        told = as_error(error, remote)
        return RemoteFacts(remote, problem=told.message, fix=told.fix)


def _incomplete(
    tools: Tools, pointers: Mapping[str, Pointer], unread: Mapping[str, MvcError],
) -> Iterator[IncompleteModel]:
    """Yield the models with missing objects; `unread` has the errors of manifests that could not be fetched."""
    needs: dict[str, dict[str, Digest]] = {}
    for path, pointer in pointers.items():
        try:
            needs[path] = {digest.blake3: digest for _, digest in needed_objects(tools.cache, pointer)}
        except InvalidFormat as error:
            yield IncompleteModel(path, problem=f"its list of files is invalid: {error.message}")
    wanted = DigestTable(digest for found in needs.values() for digest in found.values())
    there = tools.remote.locate(wanted)
    absent = {digest.blake3 for digest in not_whole(wanted, there)}
    for path, found in needs.items():
        if mismatch := remote_mismatch(tools.cache, pointers[path], found.values(), there):
            yield IncompleteModel(path, mismatch=mismatch)
        elif missing := found.keys() & absent:
            size = sum(found[name].size for name in missing)
            yield IncompleteModel(path, objects=len(missing), needed=len(found), size=size)
        elif lists := sorted(found.keys() & unread.keys()):
            problem = f"its list of files cannot be read: {unread[lists[0]].message}"
            yield IncompleteModel(path, problem=problem, damaged=True)
