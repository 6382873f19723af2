"""`mvc fetch` and `mvc pull`: fetch the objects that pointers need and the cache lacks."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from mvc.errors import MissingObject
from mvc.objects.digest_table import DigestTable
from mvc.ops.remotes.fallback import Fallback, fallback_remotes
from mvc.ops.shared.checkout import CheckoutResult, check_out
from mvc.ops.shared.failures import Failure
from mvc.ops.shared.transfers.by_remote import to_each_remote
from mvc.ops.shared.transfers.failures import damaged_lists, failures
from mvc.ops.shared.transfers.needed import needed, objects_at, users_of
from mvc.ops.shared.transfers.open_remote import bring_manifests, opening
from mvc.ops.shared.transfers.results import TransferFailure, TransferResult
from mvc.ops.shared.transfers.selected import RevisionScope, Selected, selected
from mvc.project import Project, Shell
from mvc.store.buckets.bucket import RemoteError
from mvc.store.cache.layout import sweep_scratch
from mvc.transfer.pool import JOBS
from mvc.transfer.receive import fetch_objects
from mvc.transfer.tools import Lost, Moved, Tools
from mvc.workspace.tracked import Selection, pointers_of


class FetchOptions(NamedTuple):
    """What to fetch, and from where."""

    remote: str | None = None
    scope: RevisionScope = RevisionScope()
    jobs: int = JOBS
    dry_run: bool = False


def fetch(project: Project, paths: Iterable[str] = (), options: FetchOptions = FetchOptions()) -> list[TransferResult]:
    """Fetch what the pointers at `paths` need and the cache lacks; return a result for each remote.

    Raises:
        UsageError: there is no such remote or revision.
        MvcError: a path is not tracked.
    """
    return _fetch_all(project, selected(project, paths, options.scope), options)


def _fetch_all(project: Project, meant: Selected, options: FetchOptions) -> list[TransferResult]:
    def fetch_from(remote: str, selections: tuple[Selection, ...]) -> TransferResult:
        return _fetch(project, remote, selections, options)

    with project.locks.store():
        return to_each_remote(project, meant, options.remote, fetch_from)


def _fetch(
    project: Project, remote: str, selections: tuple[Selection, ...], options: FetchOptions,
) -> TransferResult:
    """Fetch manifests first: they say which files their directories need."""
    needs = needed(project, selections)
    if next(project.cache.absent(needs.objects), None) is None:
        sweep_scratch(project.cache.root)
        lost = [*damaged_lists(project.cache, selections)]
        failed = needs.failed + failures(project, remote, selections, lost)
        return TransferResult(remote, skipped=len(needs.objects), failed=failed)
    names = [] if options.remote else fallback_remotes(project, remote)
    with opening(project, remote, options.jobs) as tools, Fallback(project, names, options.jobs) as fallback:
        fallback.probe(lambda: _refuse_empty(tools, remote))
        brought = set[str]()

        def bring(tools: Tools, lists: DigestTable) -> Moved:
            brought.update(lists)
            return fallback.fetch(tools, lists)

        manifests = bring_manifests(tools, pointers_of(selections), bring)
        unknown, skipped, missing = _missing(project, selections, brought)
        moved = manifests.then(fallback.fetch_with(_plan if options.dry_run else fetch_objects, tools, missing))
        if fallback.primary_error and not moved.objects and moved.failed:
            raise fallback.primary_error
        damaged = damaged_lists(project.cache, selections, {item.name for item in moved.failed})
        return TransferResult(
            remote,
            moved.objects,
            skipped=skipped,
            bytes=moved.bytes,
            requests=tools.remote.bucket.requests + fallback.requests,
            failed=unknown + failures(project, remote, selections, (*moved.failed, *damaged), fallback.answered),
            warnings=tuple(_warnings(project, remote, selections, fallback, options)),
        )


def _missing(
    project: Project, selections: Iterable[Selection], asked: AbstractSet[str],
) -> tuple[tuple[TransferFailure, ...], int, DigestTable]:
    """Return the paths whose objects are unknown, the number of objects in the cache, and those to fetch.

    Objects that were `asked` for before are not among them.
    """
    needs = needed(project, selections)
    missing = needs.objects.only(name for name in project.cache.absent(needs.objects) if name not in asked)
    return needs.failed, len(needs.objects) - len(missing) - sum(name in needs.objects for name in asked), missing


def _refuse_empty(tools: Tools, remote: str) -> None:
    if not tools.remote.check_format():
        url = tools.remote.bucket.url
        message = f"the remote {remote} at {url} is empty: nothing was ever pushed to it, or it is not mounted"
        raise RemoteError(message, "mvc push  # in a clone that has the content")


def _plan(tools: Tools, missing: DigestTable) -> Moved:
    locations = tools.remote.locate(missing)
    url = tools.remote.bucket.url
    lost = [Lost(name, MissingObject(f"object {name} is not on {url}")) for name in map(bytes.hex, locations.absent())]
    size = sum(missing.sizes()) - sum(missing[item.name].size for item in lost)
    return Moved(len(missing) - len(lost), size, tuple(lost))


# Warnings.


def _warnings(
    project: Project, remote: str, selections: Sequence[Selection], fallback: Fallback, options: FetchOptions,
) -> Iterator[TransferFailure]:
    yield from _no_answer(remote, fallback, options)
    paths = users_of(project.cache, selections, fallback.supplied)
    yield from _repairs(project.shell, remote, paths, fallback, options)


def _no_answer(remote: str, fallback: Fallback, options: FetchOptions) -> Iterator[TransferFailure]:
    """Yield why the remote did not answer, and where the content came from instead."""
    others = [other for other in fallback.supplied.values() if isinstance(other.primary_error, RemoteError)]
    if others:
        verb = "would come" if options.dry_run else "came"
        names, error = ", ".join(dict.fromkeys(other.remote for other in others)), others[0].primary_error
        message = f"{remote} did not answer: content {verb} from {names}: {error.message}"
        yield TransferFailure(error=message, fix=error.fix)


def _repairs(
    shell: Shell, remote: str, paths: Mapping[str, str], fallback: Fallback, options: FetchOptions,
) -> Iterator[TransferFailure]:
    """Yield what came from another remote, with the line that repairs this one."""
    verb = "it would come" if options.dry_run else "it came"
    flags = "".join(f" {flag}" for flag in _flags(options.scope))
    for name, other in fallback.supplied.items():
        if isinstance(other.primary_error, RemoteError):  # the content on it may be intact
            continue
        path, absent = paths[name], isinstance(other.primary_error, MissingObject)
        error = f"object {name} is {'not' if absent else 'damaged'} on {remote}: {verb} from {other.remote}"
        fix = shell.line(f"mvc push{'' if absent else ' --repair'} -r {remote}{flags}", path)
        yield TransferFailure(path, name, error, fix)


def _flags(scope: RevisionScope) -> Iterator[str]:
    yield from (f"--rev {shlex.quote(revision)}" for revision in scope.revisions)
    yield from (f"--all-{name}" for name in ("branches", "tags", "commits") if getattr(scope, name))


# Pull.


class Pulled(NamedTuple):
    """What was fetched, and then checked out."""

    fetched: list[TransferResult]
    checkout: CheckoutResult


def pull(project: Project, paths: Iterable[str] = (), options: FetchOptions = FetchOptions()) -> Pulled:
    """Fetch what the workspace and the revisions need, then check out the workspace.

    Failures of the checkout are added to the first result, unless the fetch reported their cause.
    """
    paths = [*paths]
    meant = selected(project, paths, RevisionScope())
    if options.scope != RevisionScope():
        meant |= selected(project, paths, options.scope)
    fetched = _fetch_all(project, meant, options)
    if options.dry_run:
        return Pulled(fetched, CheckoutResult(()))
    done = check_out(project, paths)
    unreported = _unreported(project, meant, done, [failure for result in fetched for failure in result.failed])
    rest = tuple(TransferFailure(item.path, error=item.message, fix=item.fix) for item in unreported)
    first = fetched[0]
    return Pulled([first._replace(failed=(*first.failed, *rest)), *fetched[1:]], done)


def _unreported(
    project: Project, meant: Selected, done: CheckoutResult, reported: list[TransferFailure],
) -> list[Failure]:
    """Return the failures of the checkout that are not about a path, or an object it needs, in `reported`."""
    needs = objects_at(project.cache, meant.selections, {item.path for item in done.failed})
    paths, names = {failure.path for failure in reported}, {failure.blake3 for failure in reported}
    if not all(failure.path for failure in reported):  # a remote failed as a whole
        names |= project.cache.missing(set().union(*needs.values()))
    return [item for item in done.failed if item.path not in paths and not names & needs[item.path]]
