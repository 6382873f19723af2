"""The workspace's content at a tracked path, compared with its pointer and with what is saved."""

from __future__ import annotations

import shlex
from collections.abc import Callable

from mvc.errors import CorruptObject, MissingObject, MvcError, UsageError
from mvc.modelfiles.stubs import stub_of
from mvc.objects.diff import diff_manifests
from mvc.objects.manifest import Entry
from mvc.objects.pointer import Pointer
from mvc.project import Project, Shell
from mvc.retention.available import is_available, load_manifest
from mvc.retention.named import NamedObjects
from mvc.store.cache.cache import Cache
from mvc.workspace.checkout import Plan, lost_by
from mvc.workspace.observe import Observed, ObserveOptions, observe
from mvc.workspace.read_files import hashing
from mvc.workspace.scan import scan
from mvc.workspace.stat_index import unchanged
from mvc.workspace.tracked import Tracked

_LISTED = 3
"""Files listed in a refusal."""


def observe_path(project: Project, path: str) -> Observed:
    """Return the content at a tracked path; digests of the files read are remembered."""
    options = ObserveOptions(project.catalog.snapshot(path), hashing(project.around.progress))
    observed = observe(project.tree, path, project.links, options)
    if observed.is_new and (snapshot := observed.snapshot):
        project.catalog.remember(path, snapshot)
    return observed


def known_content(project: Project, path: str) -> Observed | None:
    """Return the content at a tracked path without reading it; None if its stat data does not prove what it is."""
    found, known = scan(project.tree, path, project.links), project.catalog.snapshot(path)
    if found.kind == "none" or found.is_bare:
        return Observed(found)
    is_known = known is not None and known.kind == found.kind and unchanged(found.groups, known)
    return Observed(found, known.groups) if known and is_known else None


def refuse_stub(shell: Shell, path: str, content: bytes) -> None:
    """Refuse a file that only stands for content which another tool has not fetched.

    Raises:
        UsageError: with the line that fetches it.
    """
    if (tool := stub_of(path, content)) is None:
        return
    lines = {
        "git-lfs": f"git lfs pull {shlex.quote(f'--include={path}')}",
        "git-annex": shell.line("git annex get --", path),
        "DVC": shell.line("dvc pull", path),
    }
    message = f"{path} is a pointer of {tool}, whose content was not fetched"
    raise UsageError(message, f"{lines[tool]}  # then run the command again")


def refuse_empty(project: Project, path: str, pointer: Pointer | None) -> None:
    """Refuse an empty file, unless its pointer says that it is empty.

    Raises:
        UsageError: with the line that brings back its content, or gives it to Git.
    """
    if pointer is None:
        line = project.shell.line("git add --", path)
        raise UsageError(f"{path} is empty", f"{line}  # if it must be empty: Git can keep it")
    if pointer.total:
        available = is_available(project.cache, project.catalog, pointer)
        fetch = "" if available else f"{project.shell.line('mvc fetch', path)} && "
        line = project.shell.line("mvc checkout -f", path)
        raise UsageError(f"{path} is empty", f"{fetch}{line}  # brings back its content")


def same_content(pointer: Pointer, observed: Observed) -> bool:
    """Whether the workspace has exactly the pointer's content."""
    return (pointer.kind, pointer.digest, pointer.exec) == (observed.scan.kind, observed.digest, observed.executable)


def check_unchanged(project: Project, path: str, pointer: Pointer) -> None:
    """Check that the workspace has no other content at a tracked path than its pointer: it may lack it.

    Raises:
        UsageError: it has.
    """
    seen = observe_path(project, path)
    if seen.digest is not None and not same_content(pointer, seen):
        raise UsageError(f"{path} differs from its pointer", project.shell.line("mvc add", path))


def lacks_only_links(cache: Cache, pointer: Pointer, observed: Observed) -> bool:
    """Whether the workspace has the pointer's content but for symlinks that mvc made and that lead nowhere."""
    found = observed.scan
    if not found.unbound or found.bound().refused or found.kind != pointer.kind:
        return False
    if pointer.kind == "file":
        return True
    absent = only_lacks(cache, pointer, observed)
    return absent is not None and {entry.path for entry in absent} == set(found.unbound)


def only_lacks(cache: Cache, pointer: Pointer, observed: Observed) -> list[Entry] | None:
    """Return the files that a directory lacks, if it differs in nothing else from its pointer; else None.

    Also None if the cache lacks the manifest.
    """
    absent = []
    try:
        for change in diff_manifests(load_manifest(cache, pointer), observed.manifest):
            if change.old is None or change.new is not None:
                return None
            absent.append(change.old)
    except (MissingObject, CorruptObject):
        return None
    return absent


def observed_id(observed: Observed) -> str:
    """Return the id of the workspace's content; empty when there is none. Equal content has an equal `pointer_id`."""
    if observed.digest is None:
        return ""
    return f"{observed.scan.kind}:{observed.digest.blake3}{':x' if observed.executable else ''}"


def pointer_id(pointer: Pointer) -> str:
    """Return the id of the pointer's content; notes do not count."""
    return f"{pointer.kind}:{pointer.digest.blake3}{':x' if pointer.exec else ''}"


def was_updated(project: Project, path: str, pointer: Pointer) -> bool:
    """Whether the pointer was updated since the workspace last matched it, so that `add` would revert that."""
    return project.catalog.synced(path) not in ("", pointer_id(pointer))


# Saved content: intact in the cache, and named by a pointer.


def named_objects(project: Project) -> NamedObjects:
    """Return the objects that a pointer in this repository names."""
    return NamedObjects(project.git, project.layout.common_dir, project.root, project.cache)


def unnamed(named: NamedObjects, plan: Plan, item: Tracked) -> list[Entry]:
    """Return the content that the plan destroys at a tracked path and no pointer names."""
    destroyed = plan.destroyed
    files = named.unlisted(item.path, destroyed, item.raw) if plan.old.is_sharded else list(destroyed)
    names = named.lacking({entry.blake3 for entry in files}, item.raw)
    return [entry for entry in files if entry.blake3 in names]


def has_unsaved(project: Project, names: set[str], pointer: bytes = b"") -> bool:
    """Whether the cache lacks some of these objects, or no pointer names them; for a hint: none of them is read."""
    return bool(project.cache.missing(names) or named_objects(project).lacking(names, pointer))


def check_saved(
    project: Project, named: NamedObjects, item: Tracked, plan: Plan, refusal: str, fix: Callable[[], str],
) -> None:
    """Check that everything that the plan destroys at a tracked path is saved.

    Raises:
        MvcError: some is not: `refusal`, with the reason for `{}`, about the first few files, and the line of `fix`.
    """
    absent = lost_by(project.cache, plan, project.around.progress)
    lost = absent or unnamed(named, plan, item)
    if not lost:
        return
    names = ", ".join(f"{item.path}/{entry.path}" if entry.path else item.path for entry in lost[:_LISTED])
    more = f" and {len(lost) - _LISTED} more" if len(lost) > _LISTED else ""
    reason = "not in the cache" if absent else "named by no pointer"
    raise MvcError(f"{names}{more}: {refusal.format(reason)}", fix())
