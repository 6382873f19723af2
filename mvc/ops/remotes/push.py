"""`mvc push`: sends the objects that pointers need and a remote lacks."""

from __future__ import annotations

import time
from collections.abc import Container, Iterable
from typing import NamedTuple

from mvc.errors import MissingObject, MvcError
from mvc.objects.digest import Digest
from mvc.objects.digest_table import DigestTable
from mvc.ops.remotes.pushed_parts import pushed_parts, record_pushed
from mvc.ops.remotes.repair import drop_damaged, find_damaged
from mvc.ops.shared.remote_roots import announce
from mvc.ops.shared.transfers.by_remote import to_each_remote
from mvc.ops.shared.transfers.failures import damaged_lists, failures
from mvc.ops.shared.transfers.needed import needed
from mvc.ops.shared.transfers.open_remote import bring_manifests, transferring
from mvc.ops.shared.transfers.results import TransferFailure, TransferResult
from mvc.ops.shared.transfers.selected import RevisionScope, Selected, selected
from mvc.project import Project
from mvc.retention.roots import PATTERN
from mvc.scm.index import commit_line, has_staged
from mvc.scm.refs import has_unpushed
from mvc.store.buckets.bucket import PART, RemoteError, Transient
from mvc.store.cache.cache import Cache
from mvc.store.cache.writer import LOOSE_AT
from mvc.store.remote.compaction import compact
from mvc.store.remote.gc import garbage_lists, merged, sweep
from mvc.store.remote.location import Locations, ObjectLocation, ObjectsByFile
from mvc.transfer.pool import JOBS
from mvc.transfer.send import missing_there, not_whole, push_objects
from mvc.transfer.tools import Lost, Moved, Tools
from mvc.workspace.tracked import Selection, pointers_of


class PushOptions(NamedTuple):
    """Options of `mvc push`."""

    remote: str | None = None
    scope: RevisionScope = RevisionScope()
    jobs: int = JOBS
    dry_run: bool = False
    repair: bool = False
    """Also read the objects on the remote, and send damaged ones again."""


def push(project: Project, paths: Iterable[str] = (), options: PushOptions = PushOptions()) -> list[TransferResult]:
    """Send what the pointers at `paths` need and their remotes lack; return a result for each remote.

    Raises:
        UsageError: there is no such remote or revision.
        MvcError: a path is not tracked, or the only remote cannot be reached.
    """
    with project.locks.store():
        return push_selected(project, selected(project, paths, options.scope), options)


def push_selected(project: Project, meant: Selected, options: PushOptions) -> list[TransferResult]:
    """Send what is selected, as `push` does; the caller holds the lock of the cache."""

    def push_to(remote: str, selections: tuple[Selection, ...]) -> TransferResult:
        return _push(project, remote, selections, options)

    return to_each_remote(project, meant, options.remote, push_to)


def _push(
    project: Project, remote: str, selections: tuple[Selection, ...], options: PushOptions,
) -> TransferResult:
    with project.locks.clone(), transferring(project, remote, options.jobs) as tools:
        manifests = bring_manifests(tools, pointers_of(selections))  # a clone that fetched nothing has none
        pushed = {} if options.repair else pushed_parts(project, tools.remote)
        objects, unknown, parts, is_new, known = needed(project, selections, pushed)
        refused = _announce(project, tools, objects) if is_new and not options.dry_run else None
        damaged = find_damaged(tools, objects) if options.repair and not options.dry_run else {}
        missing, packed = _missing(tools, remote, objects, damaged)
        lost = (*manifests.failed, *damaged_lists(tools.cache, selections, {item.name for item in manifests.failed}))
        unreadable = [item for item in lost if item.name not in missing]  # else they fail as they are sent
        present = len(objects) + known - len(missing) - sum(item.name in objects for item in unreadable)
        del objects  # before the packs need memory
        if refused and (missing or damaged):
            raise refused
        moved = _plan(tools, missing) if options.dry_run else _send(tools, missing, damaged)
        failed = unknown + failures(project, remote, selections, (*unreadable, *moved.failed))
        complete = packed and _are_large(moved.alone) and not (failed or refused or options.dry_run)
        there = {**pushed, **parts}
        if complete and there and (moved.objects or there != pushed):  # what is new changed the roots, too
            record_pushed(project, tools.remote, there)
        return TransferResult(
            remote,
            moved.objects,
            skipped=present,
            bytes=moved.bytes,
            requests=tools.remote.bucket.requests,
            failed=failed,
            warnings=() if refused is None else (_not_announced(remote, refused),),
        )


def _announce(project: Project, tools: Tools, objects: DigestTable) -> RemoteError | None:
    """Tell the remote what this clone needs; return the error of a remote that this user can only read."""
    try:
        announce(project, tools.remote, objects)
    except Transient:
        raise
    except RemoteError as error:
        return error
    finally:
        tools.remote.forget()  # objects seen before may have been deleted
    return None


def _not_announced(remote: str, refused: RemoteError) -> TransferFailure:
    message = f"a gc of {remote} will not know what this clone needs: {refused.message}"
    return TransferFailure(error=message, fix=refused.fix)


# What to send.


def _missing(
    tools: Tools, remote: str, objects: DigestTable, damaged: ObjectsByFile,
) -> tuple[DigestTable, bool]:
    """Return the objects that the remote lacks, and damaged ones and gc candidates if the cache has them.

    Also whether the others are all there, the small ones in packs.
    """
    without = {**_gc_candidates(tools, remote, objects), **damaged}
    there = tools.remote.glance(objects, without)
    doubted = (_as_stored(tools.cache, digest, there) for digest in not_whole(objects, there))
    missing = DigestTable(digest for digest in doubted if not _is_whole(there.get(digest.blake3), digest.size))
    if not without:
        return missing, _are_large(objects[name] for name in there.loose)
    absent = tools.cache.missing(missing)
    lost = missing_there(tools.remote, missing.only(absent).digests())
    kept = DigestTable(digest for digest in missing.digests() if digest.blake3 not in absent or digest.blake3 in lost)
    return kept, False


def _are_large(digests: Iterable[Digest]) -> bool:
    return all(digest.size >= LOOSE_AT for digest in digests)


def _is_whole(location: ObjectLocation | None, size: int) -> bool:
    return location is not None and location.is_whole(size)


def _as_stored(cache: Cache, digest: Digest, there: Locations) -> Digest:
    """Return the digest of an object that is `there` as the cache's pack has it: the size in a pointer may be wrong."""
    stored = cache.look_up(digest.blake3) if digest.blake3 in there else None
    return digest._replace(xxh128=stored.xxh128, size=stored.size) if stored and stored.pack else digest


def _gc_candidates(tools: Tools, remote: str, names: Container[str]) -> ObjectsByFile:
    """Return what a gc may delete on the remote.

    Raises:
        MvcError: a gc is deleting needed objects.
    """
    lists = garbage_lists(tools.remote)
    being_deleted = merged(listed for listed in lists if listed.deleting)
    if any(name in names for candidates in being_deleted.values() for name in candidates):
        message = f"a gc of the remote {remote} is deleting what this push needs"
        fix = f"mvc push -r {remote}  # once it has ended; if it was killed: mvc gc -r {remote} --yes"
        raise MvcError(message, fix)
    return merged(lists)


def _send(tools: Tools, missing: DigestTable, damaged: ObjectsByFile) -> Moved:
    moved = push_objects(tools, missing) if missing else Moved()
    if any(size > PART for size in missing.sizes()):
        sweep(tools.remote, time.time())
    drop_damaged(tools, damaged, moved)
    if moved.objects and any(size < LOOSE_AT for size in missing.sizes()):
        compact(tools.remote, f"{tools.folder}/compaction")
    return moved


def _plan(tools: Tools, missing: DigestTable) -> Moved:
    absent = sorted(tools.cache.absent(missing))
    lost = tuple(Lost(name, MissingObject(f"object {name} is not in the cache")) for name in absent)
    size = sum(missing.sizes()) - sum(missing[name].size for name in absent)
    return Moved(len(missing) - len(lost), size, lost)


def next_step(project: Project, results: Iterable[TransferResult], *, dry_run: bool) -> str:
    """Return the command that makes Git send the pointers, too; empty if they were sent."""
    if dry_run:
        return "mvc push" if any(result.transferred for result in results) else ""
    if has_staged(project.git, PATTERN):
        return commit_line(project.git)
    return "git push" if has_unpushed(project.git) else ""
