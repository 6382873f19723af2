"""`mvc push`: the objects that pointers need, to the remote that lacks them."""

from __future__ import annotations

import time
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from mvc.errors import CorruptObject, MissingObject, MvcError
from mvc.objects.digest import Digest
from mvc.objects.pointer import Pointer
from mvc.ops.shared.remote_roots import announce
from mvc.ops.shared.transfers.by_remote import to_each_remote
from mvc.ops.shared.transfers.failures import failures
from mvc.ops.shared.transfers.needed import NeededObjects, needed
from mvc.ops.shared.transfers.open_remote import bring_manifests, transferring
from mvc.ops.shared.transfers.results import TransferFailure, TransferResult
from mvc.ops.shared.transfers.selected import RevisionScope, Selected, selected
from mvc.project import Project
from mvc.retention.available import listing_objects
from mvc.retention.roots import PATTERN
from mvc.scm.index import has_staged
from mvc.scm.refs import has_unpushed
from mvc.store.buckets.bucket import PART, RemoteError, Transient
from mvc.store.cache.scrub import ScrubScope
from mvc.store.cache.writer import LOOSE_AT
from mvc.store.remote.compaction import compact
from mvc.store.remote.gc import garbage_lists, merged, sweep
from mvc.store.remote.location import FileVersion, ObjectsByFile, object_key, pack_key
from mvc.store.remote.scrub import rebuild_index, scrub_remote
from mvc.store.remote.sending import drop_objects
from mvc.transfer.pool import JOBS
from mvc.transfer.send import missing_there, not_whole, push_objects
from mvc.transfer.tools import Lost, Moved, Tools
from mvc.workspace.tracked import Selection, pointers_of


class PushOptions(NamedTuple):
    """What to send, and where to."""

    remote: str | None = None
    scope: RevisionScope = RevisionScope()
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
    with project.locks.store():
        return push_selected(project, selected(project, paths, options.scope), options)


def push_selected(project: Project, meant: Selected, options: PushOptions) -> list[TransferResult]:
    """Send what is meant, as `push` does; the cache is held."""

    def move(remote: str, selections: tuple[Selection, ...]) -> TransferResult:
        return _push(project, remote, selections, options)

    return to_each_remote(project, meant, options.remote, move)


def _push(
    project: Project, remote: str, selections: tuple[Selection, ...], options: PushOptions,
) -> TransferResult:
    with project.locks.clone(), transferring(project, remote, options.jobs) as tools:
        lists = bring_manifests(tools, pointers_of(selections))  # a clone that fetched nothing has none
        needs = needed(project, selections)
        refused = None if options.dry_run else _announce(project, tools, needs)
        tools.remote.forget()  # what was seen before the announcement may be gone
        damaged = _damaged(tools, needs) if options.repair and not options.dry_run else {}
        missing = _missing(tools, remote, needs, damaged)
        if refused and (missing or damaged):
            raise refused
        moved = _planned(tools, missing) if options.dry_run else _sent(tools, missing)
        _drop(tools, damaged, moved)
        if moved.objects and not options.dry_run and any(digest.size < LOOSE_AT for digest in missing):
            compact(tools.remote, f"{tools.folder}/compaction")
        unread = _unread(tools, selections, lists, {digest.blake3 for digest in missing})
        lost = failures(project, remote, needs, (*unread, *moved.failed))
        skipped, requests = len(needs.objects) - len(missing) - len(unread), tools.remote.bucket.requests
        return TransferResult(
            remote, moved.objects, skipped, moved.bytes, requests, lost, _unknown_there(remote, refused),
        )


def _unread(
    tools: Tools, selections: Iterable[Selection], lists: Moved, sent: AbstractSet[str],
) -> list[Lost]:
    """Return the manifests and shards that cannot be read: nobody can tell which files are to be sent.

    Those that were to be `sent` themselves have failed already.
    """
    lost = {item.name: item for item in lists.failed}
    for digest in (digest for pointer in pointers_of(selections) for digest in _lists(tools, pointer)):
        name = digest.blake3
        if name not in lost and name not in sent and not tools.cache.intact(digest):
            lost[name] = Lost(name, CorruptObject(f"object {name} is damaged in the cache", "mvc verify"))
    return [item for name, item in lost.items() if name not in sent]


def _lists(tools: Tools, pointer: Pointer) -> list[Digest]:
    return listing_objects(tools.cache, pointer) if pointer.kind == "dir" else []


def _announce(project: Project, tools: Tools, needs: NeededObjects) -> RemoteError | None:
    """Tell the remote what is needed; why it does not take that. Who may only read can have nothing to send."""
    try:
        if needs.objects:
            announce(project, tools.remote, needs.objects)
    except Transient:
        raise
    except RemoteError as error:
        return error
    return None


def _unknown_there(remote: str, refused: RemoteError | None) -> tuple[TransferFailure, ...]:
    if refused is None:
        return ()
    told = f"a gc of {remote} will not know that this clone needs what is there: {refused.message}"
    return (TransferFailure(error=told, fix=refused.fix),)


# Repair.


def _damaged(tools: Tools, needs: NeededObjects) -> ObjectsByFile:
    """Return what is damaged on the remote and sound in the cache: it counts as absent there, and is sent again."""
    found = scrub_remote(tools.remote, ScrubScope(frozenset(needs.objects)), tools.progress.advance)
    files: dict[FileVersion, set[str]] = {}
    for item in found.damage:
        if item.name == item.pack:
            rebuild_index(tools.remote, item.pack)
            tools.remote.forget({pack_key(item.pack)})
        elif tools.cache.intact(needs.objects[item.name].digest):
            key = pack_key(item.pack) if item.pack else object_key(item.name)
            if (file := tools.remote.bucket.head(key)) is not None:
                files.setdefault(FileVersion.of(file), set()).add(item.name)
    tools.remote.forget()
    return files


def _drop(tools: Tools, damaged: ObjectsByFile, moved: Moved) -> None:
    """Remove damaged objects from packs, now that they were sent again; loose ones were replaced."""
    failed = {item.name for item in moved.failed}
    for version, names in damaged.items():
        file = tools.remote.bucket.head(version.key)
        in_pack = version.key.startswith("packs/")
        if in_pack and file is not None and FileVersion.of(file) in damaged and names - failed:
            drop_objects(tools.remote, file, names - failed)


# What to send.


def _missing(tools: Tools, remote: str, needs: NeededObjects, damaged: ObjectsByFile) -> list[Digest]:
    """Return what is to be sent: also what the cache has and is damaged, or a gc candidate, on the remote."""
    digests = {name: need.digest for name, need in needs.objects.items()}
    without = {**_gc_candidates(tools, remote, needs.objects.keys()), **damaged}
    missing = not_whole(digests, tools.remote.glance(digests, without))
    if not without:
        return missing
    absent = tools.cache.missing(digest.blake3 for digest in missing)
    lost = missing_there(tools.remote, [digest for digest in missing if digest.blake3 in absent])
    return [digest for digest in missing if digest.blake3 not in absent or digest in lost]


def _gc_candidates(tools: Tools, remote: str, names: AbstractSet[str]) -> ObjectsByFile:
    """Return what a gc may delete on the remote.

    Raises:
        MvcError: a gc is deleting what is needed.

    """
    lists = garbage_lists(tools.remote)
    being_deleted = merged(listed for listed in lists if listed.deleting)
    if any(names & candidates for candidates in being_deleted.values()):
        message = f"a gc of the remote {remote} is deleting what this push needs"
        fix = f"mvc push -r {remote}  # once it has ended; if it was killed: mvc gc -r {remote} --yes"
        raise MvcError(message, fix)
    return merged(lists)


def _sent(tools: Tools, missing: list[Digest]) -> Moved:
    moved = push_objects(tools, missing) if missing else Moved()
    if any(digest.size > PART for digest in missing):
        sweep(tools.remote, time.time())
    return moved


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
