"""The workspace's content at a tracked path, compared with its pointer."""

from __future__ import annotations

import shlex

from mvc.errors import CorruptObject, MissingObject, UsageError
from mvc.modelfiles.stubs import stub_of
from mvc.objects.pointer import Pointer
from mvc.project import Project, Shell
from mvc.retention.available import is_available, load_manifest
from mvc.store.cache.cache import Cache
from mvc.workspace.observe import Observed, ObserveOptions, observe
from mvc.workspace.read_files import hashing


def observe_path(project: Project, path: str) -> Observed:
    """Return the content at a tracked path; digests of the files read are remembered."""
    options = ObserveOptions(project.catalog.snapshot(path), hashing(project.around.progress))
    observed = observe(project.tree, path, project.links, options)
    if observed.content is not None and observed.snapshot is not None:
        project.catalog.remember(path, observed.snapshot)
    return observed


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


def lacks_only_links(cache: Cache, pointer: Pointer, observed: Observed) -> bool:
    """Whether the workspace has the pointer's content but for symlinks that mvc made and that lead nowhere."""
    found = observed.scan
    if not found.unbound or found.bound().refused or found.kind != pointer.kind:
        return False
    if pointer.kind == "file":
        return True
    try:
        wanted = set(load_manifest(cache, pointer).entries)
    except (MissingObject, CorruptObject):
        return False
    absent = wanted.difference(observed.entries())
    return wanted.issuperset(observed.entries()) and {entry.path for entry in absent} == set(found.unbound)


def observed_id(observed: Observed) -> str:
    """Return the id of the workspace's content; empty when there is none. Equal content has an equal `pointer_id`."""
    if observed.digest is None:
        return ""
    return f"{observed.scan.kind}:{observed.digest.blake3}{':x' if observed.executable else ''}"


def pointer_id(pointer: Pointer) -> str:
    """Return the id of the pointer's content; notes do not count."""
    return f"{pointer.kind}:{pointer.digest.blake3}{':x' if pointer.exec else ''}"
