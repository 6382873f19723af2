"""The files that git-lfs tracks: as Git resolves its attributes, and as its index has them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from mvc.errors import InvalidFormat, InvalidName, MvcError, UsageError
from mvc.objects.lfs import MAX_BYTES, LfsPointer, is_lfs_pointer, parse
from mvc.objects.names import check_path
from mvc.objects.pointer import SUFFIX
from mvc.ops.shared.failures import Failure, collecting
from mvc.ops.shared.revisions import COMPANIONS
from mvc.project import FOLDER, Project
from mvc.scm.attributes import paths_with
from mvc.scm.blobs import blob_sizes, read_blobs
from mvc.scm.index import IndexEntry, index_entries
from mvc.workspace.tracked import Tracked, find_twins, folders_above, holder_of, matching

_REGULAR = ("100644", "100755")
_OWN = (SUFFIX, *COMPANIONS, ".gitignore", ".gitattributes")


class LfsFile(NamedTuple):
    """A file that git-lfs tracks."""

    path: str
    pointer: LfsPointer
    exec: bool
    before: Tracked | None
    """The pointer of mvc that an interrupted import wrote."""


class LfsFiles(NamedTuple):
    """The files to import, and the others to which the attributes of git-lfs apply."""

    files: tuple[LfsFile, ...]
    finished: tuple[str, ...]
    """They are mvc's."""
    in_git: tuple[str, ...]
    """Selected files that Git itself has: they were committed without git-lfs."""
    own: tuple[str, ...]
    """Files of mvc and Git, such as pointers, that git-lfs tracks."""
    others: tuple[str, ...]
    """The rest of the index: not selected, of Git itself, or failed."""


def find_lfs(project: Project, wanted: Collection[str], failed: list[Failure]) -> LfsFiles:
    """Return what git-lfs tracks; `wanted` are paths or patterns from the top of the worktree, or none for all.

    Raises:
        UsageError: none of the files is one that is wanted, or two are equal where case is ignored.
        MvcError: Git cannot read its index.
    """
    tracked = project.tracked()
    regular = {entry.path: entry for entry in index_entries(project.git) if entry.mode in _REGULAR}
    covered = paths_with(project.git, "filter", "lfs", {*regular, *tracked})
    entries = [entry for path, entry in regular.items() if path in covered]
    sizes = blob_sizes(project.git, {entry.oid for entry in entries})
    entries = [entry for entry in entries if sizes[entry.oid]]  # an empty file is the same in Git
    found = _read(project, entries, sizes)
    own = tuple(path for path in found if _is_own(path))
    selected = _selected(covered, wanted)
    if not selected and wanted:
        raise UsageError(f"git-lfs tracks nothing at {', '.join(wanted)}", "git lfs ls-files  # lists what it tracks")
    chosen = [entry for entry in entries if entry.path in selected and not _is_own(entry.path)]
    files = _files(project, tracked, chosen, found, failed)
    named = {file.path for file in files}
    if twins := find_twins(tracked.keys() - named, sorted(named)):
        raise UsageError(f"{twins[0]} and {twins[1]} are equal on a case-insensitive file system", "git mv OLD NEW")
    return LfsFiles(
        tuple(files),
        tuple(path for path in tracked if path in covered and path not in regular),
        tuple(entry.path for entry in chosen if entry.path not in found),
        own,
        tuple({entry.path for entry in entries if not _is_own(entry.path)} - named),
    )


def _is_own(path: str) -> bool:
    return path.endswith(_OWN) or path.startswith(f"{FOLDER}/")


def _selected(paths: Collection[str], wanted: Collection[str]) -> set[str]:
    """Return which of `paths` are wanted: themselves, or as they are in a directory, or match a pattern."""
    if not wanted or "" in wanted:
        return set(paths)
    inside = {path for path in paths if any(path == name or path.startswith(f"{name}/") for name in wanted)}
    return inside.union(*(matching(pattern, paths) for pattern in wanted))


def _read(project: Project, entries: list[IndexEntry], sizes: Mapping[str, int]) -> dict[str, bytes]:
    """Return the pointers of git-lfs in the index, by path."""
    small = sorted({entry.oid for entry in entries if sizes[entry.oid] <= MAX_BYTES})
    content = dict(zip(small, read_blobs(project.git, small), strict=True))
    return {entry.path: raw for entry in entries if is_lfs_pointer(raw := content.get(entry.oid, b""))}


def _files(
    project: Project, tracked: dict[str, Tracked], chosen: list[IndexEntry], found: Mapping[str, bytes],
    failed: list[Failure],
) -> list[LfsFile]:
    files, above = [], folders_above(tracked)
    for entry in chosen:
        if entry.path in found:
            with collecting(failed, entry.path):
                _check(project, entry, tracked, above)
                pointer = _parse(project, entry.path, found[entry.path])
                if pointer.extensions:
                    told = f"{entry.path}: git-lfs changes its content by {', '.join(pointer.extensions)}"
                    raise MvcError(told, "git lfs ext  # lists the extensions; store the file without them first")
                files.append(LfsFile(entry.path, pointer, entry.mode == "100755", tracked.get(entry.path)))
    return files


def _parse(project: Project, path: str, raw: bytes) -> LfsPointer:
    try:
        return parse(raw, path)
    except InvalidFormat as error:
        raise InvalidFormat(error.message, project.shell.line("git add --renormalize --", path)) from None


def _check(project: Project, entry: IndexEntry, tracked: Mapping[str, Tracked], above: Mapping[str, str]) -> None:
    path = entry.path
    try:
        check_path(path)
    except InvalidName as error:
        raise InvalidName(error.message, "git mv OLD NEW") from None
    if entry.stage:
        raise MvcError(f"{path} is in conflict", "git status")
    if entry.state == "skip-worktree":
        raise MvcError(f"{path} is left out by a sparse checkout", "git sparse-checkout disable")
    if other := holder_of(tracked, path) or above.get(path, ""):
        line = f"{project.shell.line('git rm --cached --', path)}  # it is mvc's"
        raise MvcError(f"{path} is tracked by git-lfs, and {other} by mvc", line)
