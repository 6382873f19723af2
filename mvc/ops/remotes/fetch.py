"""`mvc fetch` and `mvc pull`: the objects that pointers need and the cache lacks, from the remote."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from mvc.errors import MissingObject
from mvc.objects.digest import Digest
from mvc.ops.remotes.fallback import Fallback, FetchObjects, Supplied, fallback_remotes
from mvc.ops.shared.checkout import CheckoutResult, check_out
from mvc.ops.shared.failures import Failure
from mvc.ops.shared.transfers.by_remote import to_each_remote
from mvc.ops.shared.transfers.failures import failures
from mvc.ops.shared.transfers.needed import NeededObjects, needed, objects_by_path
from mvc.ops.shared.transfers.open_remote import bring_manifests, opening
from mvc.ops.shared.transfers.results import TransferFailure, TransferResult
from mvc.ops.shared.transfers.selected import RevisionScope, Selected, selected
from mvc.project import Project
from mvc.store.buckets.bucket import RemoteError
from mvc.store.cache.layout import sweep_scratch
from mvc.transfer.pool import JOBS
from mvc.transfer.tools import Lost, Moved, Tools
from mvc.workspace.tracked import Selection, pointers_of


class FetchOptions(NamedTuple):
    """What to bring, and where from."""

    remote: str | None = None
    scope: RevisionScope = RevisionScope()
    jobs: int = JOBS
    dry_run: bool = False


def fetch(project: Project, paths: Iterable[str] = (), options: FetchOptions = FetchOptions()) -> list[TransferResult]:
    """Bring what the pointers at `paths` need and the cache lacks; a result for each remote.

    Raises:
        UsageError: no such remote or revision.
        MvcError: a path is not tracked.

    """
    return _fetch_all(project, selected(project, paths, options.scope), options)


def _fetch_all(project: Project, meant: Selected, options: FetchOptions) -> list[TransferResult]:
    def move(remote: str, selections: tuple[Selection, ...]) -> TransferResult:
        return _fetch(project, remote, selections, options)

    with project.locks.store():
        return to_each_remote(project, meant, options.remote, move)


def _fetch(
    project: Project, remote: str, selections: tuple[Selection, ...], options: FetchOptions,
) -> TransferResult:
    """Manifests come first: only then it is known which files their directories need."""
    needs = needed(project, selections)
    if not project.cache.missing(needs.objects):
        sweep_scratch(project.cache.root)
        return TransferResult(remote, skipped=len(needs.objects), failed=needs.failed)
    names = [] if options.remote else fallback_remotes(project, remote)
    with opening(project, remote, options.jobs) as tools, Fallback(project, names, options.jobs) as fallback:
        fallback.probe(lambda: _refuse_empty(tools, remote))
        asked: set[str] = set()
        lists = bring_manifests(tools, pointers_of(selections), _noting(asked, fallback.fetch))
        needs = needed(project, selections)
        gone = {item.name for item in lists.failed}
        missing = [needs.objects[name].digest for name in sorted(project.cache.missing(needs.objects) - gone)]
        brought = fallback.fetch_with(_planned, tools, missing) if options.dry_run else fallback.fetch(tools, missing)
        moved = lists.then(brought)
        if fallback.primary_error and not moved.objects and moved.failed:
            raise fallback.primary_error
        skipped = len(needs.objects.keys() - asked) - len(missing)
        requests = tools.remote.bucket.requests + fallback.requests
        lost = failures(project, remote, needs, moved.failed, fallback.answered)
        warnings = _no_answer(remote, fallback.supplied, options)
        warnings += _repairs(project, remote, needs, fallback.supplied, options)
        return TransferResult(remote, moved.objects, skipped, moved.bytes, requests, lost, warnings)


def _noting(asked: set[str], fetch: FetchObjects) -> FetchObjects:
    """Return a `fetch` that adds the objects that it is called for to `asked`."""

    def noted(tools: Tools, digests: Sequence[Digest]) -> Moved:
        asked.update(digest.blake3 for digest in digests)
        return fetch(tools, digests)

    return noted


def _no_answer(remote: str, supplied: Mapping[str, Supplied], options: FetchOptions) -> tuple[TransferFailure, ...]:
    """Return why the remote did not answer, and where the content came from instead."""
    others = [other for other in supplied.values() if isinstance(other.primary_error, RemoteError)]
    if not others:
        return ()
    verb = "would come" if options.dry_run else "came"
    names, error = ", ".join(dict.fromkeys(other.remote for other in others)), others[0].primary_error
    told = f"{remote} did not answer: content {verb} from {names}: {error.message}"
    return (TransferFailure(error=told, fix=error.fix),)


def _repairs(
    project: Project, remote: str, needs: NeededObjects, supplied: Mapping[str, Supplied], options: FetchOptions,
) -> tuple[TransferFailure, ...]:
    """Return what came from another remote, with the line that repairs the primary one."""
    verb = "it would come" if options.dry_run else "it came"
    flags = "".join(f" {flag}" for flag in _flags(options.scope))
    told = []
    for name, other in supplied.items():
        if isinstance(other.primary_error, RemoteError):  # its content may be whole
            continue
        path = needs.objects[name].path
        absent = isinstance(other.primary_error, MissingObject)
        error = f"object {name} is {'not' if absent else 'damaged'} on {remote}: {verb} from {other.remote}"
        fix = project.shell.line(f"mvc push{'' if absent else ' --repair'} -r {remote}{flags}", path)
        told.append(TransferFailure(path, name, error, fix))
    return tuple(told)


def _flags(scope: RevisionScope) -> Iterator[str]:
    """Yield the options that say `scope`."""
    yield from (f"--rev {shlex.quote(revision)}" for revision in scope.revisions)
    yield from (f"--all-{name}" for name in ("branches", "tags", "commits") if getattr(scope, name))


def _refuse_empty(tools: Tools, remote: str) -> None:
    if not tools.remote.check_format():
        url = tools.remote.bucket.url
        message = f"the remote {remote} at {url} is empty: nothing was ever pushed to it, or it is not mounted"
        raise RemoteError(message, "mvc push  # in a clone that has the content")


def _planned(tools: Tools, missing: Sequence[Digest]) -> Moved:
    places = tools.remote.locate(digest.blake3 for digest in missing)
    there = [digest for digest in missing if digest.blake3 in places]
    gone = (digest.blake3 for digest in missing if digest.blake3 not in places)
    lost = tuple(Lost(name, MissingObject(f"object {name} is not on {tools.remote.bucket.url}")) for name in gone)
    return Moved(len(there), sum(digest.size for digest in there), lost)


class Pulled(NamedTuple):
    """What was fetched, and what was checked out after that."""

    fetched: list[TransferResult]
    checkout: CheckoutResult


def pull(project: Project, paths: Iterable[str] = (), options: FetchOptions = FetchOptions()) -> Pulled:
    """Fetch what revisions need, and what the workspace does; then check that out.

    What could not be checked out is in the first result's `failed`, too, unless it was told there already.
    """
    paths = [*paths]
    meant = selected(project, paths, RevisionScope())
    if options.scope != RevisionScope():
        meant |= selected(project, paths, options.scope)
    fetched = _fetch_all(project, meant, options)
    if options.dry_run:
        return Pulled(fetched, CheckoutResult(()))
    done = check_out(project, paths)
    told = [failure for result in fetched for failure in result.failed]
    needs = objects_by_path(project.cache, meant.selections)
    names = {failure.blake3 for failure in told}
    if not all(failure.path for failure in told):  # a remote gave nothing: that says it all
        names |= project.cache.missing(set().union(*needs.values()))
    untold = _untold(needs, done.failed, {failure.path for failure in told}, names)
    rest = tuple(TransferFailure(item.path, "", item.message, item.fix) for item in untold)
    first = fetched[0]
    return Pulled([first._replace(failed=(*first.failed, *rest)), *fetched[1:]], done)


def _untold(
    needs: dict[str, set[str]], failed: Iterable[Failure], paths: AbstractSet[str], names: AbstractSet[str],
) -> list[Failure]:
    """Return those that are not about a path, or an object it needs, that was told already."""
    return [item for item in failed if item.path not in paths and not names & needs.get(item.path, set())]
