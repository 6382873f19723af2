"""What push, fetch and pull share: whose objects are meant, by remote; the remote, opened; what failed."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import NamedTuple

from blake3 import blake3

from mvc.errors import InvalidFormat, MissingObject, MvcError, UsageError
from mvc.objects.digest import Digest
from mvc.objects.pointer import MAX_BYTES, path_of
from mvc.ops.shared.object_users import Use, uses_in_history
from mvc.ops.shared.remotes import find_remote
from mvc.ops.shared.revisions import tracked_at
from mvc.ops.shared.selection import broken_list, chosen, unusable
from mvc.project import Project
from mvc.retention.available import listing_objects, needed_objects
from mvc.retention.roots import PATTERN
from mvc.scm.blobs import present_blobs, stream_blobs
from mvc.scm.commits import author_emails, head, identity, resolve
from mvc.scm.plumbing import Git
from mvc.scm.reachable import inside, mentions
from mvc.scm.refs import list_tips
from mvc.store.buckets.address import open_bucket
from mvc.store.buckets.bucket import RemoteError
from mvc.store.remote.roots import DamagedRoots
from mvc.store.remote.store import RemoteStore
from mvc.transfer.pool import Pool
from mvc.transfer.receive import fetch_objects
from mvc.transfer.tools import Lost, Moved, Tools
from mvc.workspace.tracked import NotTracked, Selection, Tracked, parsed, select


class Scope(NamedTuple):
    """Whose objects are meant: the workspace's pointers, or those of revisions."""

    revisions: tuple[str, ...] = ()
    branches: bool = False
    tags: bool = False
    commits: bool = False
    """Every commit that anything leads to."""


class TransferFailure(NamedTuple):
    """An object that did not arrive, or a pointer that says of none; and a path that needs it."""

    path: str
    """Empty when it is not about one path."""
    blake3: str
    """Empty when it is not about one object."""
    error: str
    fix: str = ""

    @classmethod
    def of(cls, path: str, error: MvcError) -> TransferFailure:
        """Return the failure that `error` is for `path`, whatever objects that needs."""
        return cls(path, "", error.message, error.fix)


class TransferResult(NamedTuple):
    """What was moved between cache and remote, or would be."""

    remote: str
    transferred: int = 0
    """Objects."""
    skipped: int = 0
    """Objects that were there already."""
    bytes: int = 0
    requests: int = 0
    """What the remote was asked, in requests."""
    failed: tuple[TransferFailure, ...] = ()
    warnings: tuple[TransferFailure, ...] = ()
    """What arrived although something is wrong with it on the remote."""

    @property
    def exit_code(self) -> int:
        """How the command ends: 3 whatever it was that did not arrive."""
        return 3 if self.failed else 0


# Whose objects.


class Selected(NamedTuple):
    """What is meant, and what of it can't be used."""

    selections: tuple[Selection, ...]
    failed: tuple[TransferFailure, ...] = ()

    def __or__(self, other: Selected) -> Selected:
        """Return both together."""
        return Selected(self.selections + other.selections, self.failed + other.failed)


def selected(project: Project, paths: Iterable[str], scope: Scope) -> Selected:
    """Return what is meant; a path inside of a directory means that part.

    Raises:
        UsageError: no such revision.
        MvcError: a path is not tracked.

    """
    paths = [*paths]
    if scope == Scope():
        return _usable(project, chosen(project, project.tracked(), paths), named=any(paths))
    if scope.commits:
        return _ever(project, paths)
    return _at_revisions(project, paths, _commits(project, scope))


def _usable(project: Project, selections: Iterable[Selection], *, named: bool, commit: str = "") -> Selected:
    """Tell pointers from what is none; what a sparse checkout leaves out is meant only when it is named."""
    good, failed = [], []
    for selection in selections:
        item = selection.item
        if item.pointer is not None and item.condition != "not-checked-out":
            good.append(selection)
        elif item.condition != "not-checked-out" or named:
            error = unusable(project, item, project.shell.line("mvc log", item.path) if commit else "")
            text = f"at {commit[:12]}: {error.message}" if commit else error.message
            failed.append(TransferFailure(item.path, "", text, error.fix))
    return Selected(tuple(good), tuple(failed))


def _commits(project: Project, scope: Scope) -> list[str]:
    if head(project.git) is None and not list_tips(project.git, branches=True, tags=True):
        raise UsageError("there is no commit yet", "git commit")
    commits = [resolve(project.git, revision) for revision in scope.revisions]
    commits += list_tips(project.git, branches=scope.branches, tags=scope.tags)
    return list(dict.fromkeys(commits))


def _at_revisions(project: Project, paths: list[str], commits: Iterable[str]) -> Selected:
    """A path need not be tracked at each of them."""
    found, unseen = Selected(()), set(paths)
    for commit in commits:
        try:
            tracked = tracked_at(project.git, commit)
        except MvcError as error:
            problem = TransferFailure("", "", f"the pointers of {commit[:12]}: {error.message}", error.fix)
            found |= Selected((), (problem,))
            continue
        known = [path for path in paths if _tracks(tracked, path)]
        unseen -= {*known}
        if known or not paths:
            found |= _usable(project, select(tracked, known), named=False, commit=commit)
    _refuse_unseen(unseen)
    return found


def _tracks(tracked: dict[str, Tracked], path: str) -> bool:
    try:
        return bool(select(tracked, [path]))
    except NotTracked:
        return False


def _refuse_unseen(paths: Iterable[str]) -> None:
    for path in sorted(paths):
        raise MvcError(f"{path} is not tracked at any of these revisions", "mvc ls REV  # lists what is")


def _ever(project: Project, paths: list[str]) -> Selected:
    """Return every version of every pointer that a commit has; what never could be read is left out."""
    git = inside(project.git, project.layout.common_dir)
    versions = {(mention.oid, path_of(mention.path)) for mention in mentions(git, PATTERN)}
    names = {path: Tracked(path) for _, path in sorted(versions)}
    _refuse_unseen(path for path in paths if not _tracks(names, path))
    parts = {item.path: inner for item, inner in select(names, paths)}
    meant = {oid: path for oid, path in sorted(versions) if path in parts}
    here = present_blobs(git, meant)
    items = versions_of(git, [version for version in meant.items() if version[0] in here])
    found = tuple(Selection(item, parts[item.path]) for item in items)
    return Selected(found, tuple(_not_in_clone(path, oid) for oid, path in meant.items() if oid not in here))


def versions_of(git: Git, versions: Sequence[tuple[str, str]]) -> list[Tracked]:
    """Return the pointers in `versions`: blobs of this clone, each with its tracked path. What is none is left out."""
    bodies = stream_blobs(git, (oid for oid, _ in versions), MAX_BYTES)
    items = (parsed(path, raw) for (_, path), raw in zip(versions, bodies, strict=True))
    return [item for item in items if item.pointer is not None]


def _not_in_clone(path: str, oid: str) -> TransferFailure:
    return TransferFailure(path, "", f"its pointer {oid[:12]} is not in this clone", "git fetch --refetch")


# By remote.


def to_each_remote(
    project: Project,
    meant: Selected,
    remote: str | None,
    move: Callable[[str, tuple[Selection, ...]], TransferResult],
) -> list[TransferResult]:
    """Call `move` for each remote with what belongs there; a remote that fails does not stop the others.

    Raises:
        UsageError: no such remote.
        MvcError: there is only one, and it can't be used for another reason than that it does not answer.

    """
    groups, unknown = by_remote(project, meant.selections, remote)
    results: list[TransferResult] = []
    for name, selections in groups.items():
        try:
            results.append(move(name, selections) if selections else TransferResult(name))
        except MvcError as error:
            if len(groups) == 1 and not isinstance(error, RemoteError):
                raise
            results.append(TransferResult(name, failed=(TransferFailure.of("", error),)))
    first = results[0]
    return [first._replace(failed=(*meant.failed, *unknown, *first.failed)), *results[1:]]


def by_remote(
    project: Project, selections: Iterable[Selection], remote: str | None,
) -> tuple[dict[str, tuple[Selection, ...]], tuple[TransferFailure, ...]]:
    """Return the selections by the remote that each belongs to: `remote`, else its pointer's, else the default.

    Nothing selected belongs to the default. What names a remote that does not exist is returned besides.

    Raises:
        UsageError: there is no remote `remote`, or no default.

    """
    asked: dict[str | None, list[Selection]] = {}
    for selection in selections:
        notes = selection.item.pointer.notes if selection.item.pointer else None
        asked.setdefault(remote or (notes and notes.remote) or None, []).append(selection)
    groups: dict[str, tuple[Selection, ...]] = {}
    failed: list[TransferFailure] = []
    for wanted, items in asked.items():
        try:
            name = find_remote(project, wanted).name
        except UsageError as error:
            if wanted == remote:
                raise
            failed += [_elsewhere(selection.item, error) for selection in items]
        else:
            groups[name] = (*groups.get(name, ()), *items)
    return groups or {find_remote(project, remote).name: ()}, tuple(failed)


def _elsewhere(item: Tracked, error: UsageError) -> TransferFailure:
    return TransferFailure(item.path, "", f"{item.pointer_path} names a remote of its own: {error.message}", error.fix)


class Needed(NamedTuple):
    """An object and a path that needs it."""

    digest: Digest
    path: str


class Needs(NamedTuple):
    """Every object that is needed, by name, as far as the cache can tell; and the paths of which it can't."""

    objects: dict[str, Needed]
    failed: tuple[TransferFailure, ...] = ()


def needed(project: Project, selections: Iterable[Selection]) -> Needs:
    """Return what the selections need; a manifest that breaks its format does not stop the rest."""
    found: dict[str, Needed] = {}
    failed: list[TransferFailure] = []
    for selection in selections:
        path = selection.item.path
        try:
            for user, digest in _objects_of(project, selection):
                found.setdefault(digest.blake3, Needed(digest, user))
        except InvalidFormat as error:
            failed.append(TransferFailure.of(path, broken_list(project, path, error)))
    return Needs(found, tuple(failed))


def objects_by_path(project: Project, selections: Iterable[Selection]) -> dict[str, set[str]]:
    """Return the objects that each path needs for itself: a directory its manifest, a file in it its content."""
    found: dict[str, set[str]] = {}
    for selection in selections:
        with suppress(InvalidFormat):
            for path, digest in _objects_of(project, selection):
                found.setdefault(path, set()).add(digest.blake3)
    return found


def _objects_of(project: Project, selection: Selection) -> list[tuple[str, Digest]]:
    """Return every object that the selection needs, with the path that needs it."""
    path, pointer = selection.item.path, selection.item.pointer
    objects = needed_objects(project.cache, pointer) if pointer else []
    covered = [(label, digest) for label, digest in objects if not label or selection.covers(label)]
    return [(f"{path}/{label}" if label else path, digest) for label, digest in covered]


# The remote.


@contextmanager
def transferring(project: Project, remote: str | None, jobs: int) -> Iterator[Tools]:
    """Open a remote for moving objects; the default one when None.

    Raises:
        UsageError: there is no such remote, or it needs a newer mvc.
        RemoteError: it gives no answer.

    """
    with opening(project, remote, jobs) as tools:
        tools.remote.check_format()
        yield tools


@contextmanager
def opening(project: Project, remote: str | None, jobs: int) -> Iterator[Tools]:
    """Do the same, but ask nothing yet, for whoever can go on without an answer.

    Raises:
        UsageError: there is no such remote.

    """
    settings = find_remote(project, remote)
    with Pool(jobs) as pool, project.staging() as staging:
        bucket = open_bucket(settings)
        folder = staging.name(project.root)
        try:
            store = RemoteStore(bucket, indexes_of(project, bucket.url), pool)
            yield Tools(project.cache, store, pool, project.around.progress, folder)
        except DamagedRoots as error:
            raise DamagedRoots(error.file, settings.name) from None
        finally:
            bucket.close()
            shutil.rmtree(folder, ignore_errors=True)


def indexes_of(project: Project, url: str) -> str:
    """Return the directory that keeps the pack indexes of the remote at `url`."""
    return f"{project.home}/remotes/{blake3(url.encode()).hexdigest()[:16]}"


def bring_manifests(
    tools: Tools,
    selections: Iterable[Selection],
    fetch: Callable[[Tools, Sequence[Digest]], Moved] = fetch_objects,
) -> Moved:
    """Bring what says which files directories have, as far as only the remote holds it: their manifests and shards."""
    pointers = [selection.item.pointer for selection in selections]
    lists = [pointer for pointer in pointers if pointer and pointer.kind == "dir" and pointer.manifest is None]
    done, tried = Moved(), set[str]()
    while True:
        wanted = {digest.blake3: digest for pointer in lists for digest in listing_objects(tools.cache, pointer)}
        missing = tools.cache.missing(wanted) - tried
        if not missing:
            return done
        tried |= missing
        done = done.then(fetch(tools, [wanted[name] for name in sorted(missing)]))


# What failed.


def failures(
    project: Project, remote: str, needs: Needs, lost: Iterable[Lost], others: Sequence[str] = (),
) -> tuple[TransferFailure, ...]:
    """Return what could not be used and what did not arrive, with its paths; of what is nowhere, who committed it.

    `others` are the remotes that were asked after `remote`.
    """
    lost = [*lost]
    absent = {item.name for item in lost if isinstance(item.error, MissingObject)}
    uses: dict[str, tuple[Use, ...]] = {}
    with suppress(MvcError):  # a history that can't be read keeps nobody from the rest
        uses = uses_in_history(project, absent)
    where = f"any of the remotes {', '.join((remote, *others))}" if others else f"the remote {remote}"
    mine = _mine(project, uses.values())
    told = (
        _absent(project, where, needs.objects[item.name], uses.get(item.name, ()), mine)
        if item.name in absent
        else _wrong(project, remote, needs.objects[item.name].path, item)
        for item in lost
    )
    return (*needs.failed, *told)


def _wrong(project: Project, remote: str, path: str, lost: Lost) -> TransferFailure:
    """Say what is wrong with an object; one that no remote has whole is sent anew by whoever has it."""
    line = project.shell.line(f"mvc push --repair -r {remote}", path)
    return TransferFailure(path, lost.name, lost.error.message, lost.error.fix or f"{line}  # where it is whole")


def _mine(project: Project, uses: Iterable[tuple[Use, ...]]) -> set[str]:
    """Return those of the commits that first needed something which are of who types now."""
    emails = author_emails(project.git, (found[-1].commit for found in uses if found))
    me = identity(project.git) if emails else ""
    return {commit for commit, email in emails.items() if me and email == me}


def _absent(project: Project, where: str, need: Needed, uses: tuple[Use, ...], mine: set[str]) -> TransferFailure:
    """Say who has it: whoever committed it first."""
    name = need.digest.blake3
    error = f"object {name} is neither in the cache nor on {where}"
    if not uses:
        fix = f"{project.shell.line('mvc add', need.path)}  # where the file still is"
        return TransferFailure(need.path, name, f"{error}, and its pointer was never committed", fix)
    first = uses[-1]
    commit = first.commit[:12]
    told = f"{error}: committed by {first.author} on {first.date[:10]} in {commit}, never pushed or gone since"
    line = f"mvc push --rev {commit}"
    fix = f"{line}  # in the clone where you added it" if first.commit in mine else f"ask {first.author} to run: {line}"
    return TransferFailure(need.path, name, told, fix)
