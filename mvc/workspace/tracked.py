"""Tracked paths: the pointers in index and workspace, and selecting them by paths."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from mvc.errors import InvalidFormat, InvalidName, MvcError, UsageError
from mvc.fs.files import UnsafePath, as_error
from mvc.fs.tree import Tree
from mvc.objects.names import check_path, fold
from mvc.objects.pointer import MAX_BYTES, SUFFIX, Pointer, path_of
from mvc.objects.pointer_lines import is_directory, parse_unordered
from mvc.objects.pointer_reader import parse
from mvc.scm.blobs import present_blobs, read_blobs
from mvc.scm.index import IndexEntry, files_ending
from mvc.scm.plumbing import Git, MissingGitObject

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

Condition: TypeAlias = Literal["", "conflict", "invalid", "not-checked-out"]


class Tracked(NamedTuple):
    """A tracked path. `condition` says why it has no `pointer`, or no pointer in the workspace."""

    path: str
    raw: bytes = b""
    pointer: Pointer | None = None
    condition: Condition = ""
    problem: str = ""
    """Why the pointer is invalid, or which of its lines are not in order."""
    unreadable: bool = False
    """Whether the reason is a system error."""

    stages: frozenset[int] = frozenset()
    """The versions of a pointer in conflict that the index has: 2 is ours, 3 theirs."""

    @property
    def pointer_path(self) -> str:
        """The path of the pointer."""
        return self.path + SUFFIX

    @property
    def unordered(self) -> bool:
        """Whether the pointer is valid but for the order of its lines."""
        return self.pointer is not None and bool(self.problem)

    @property
    def can_be_merged(self) -> bool:
        """Whether both sides of a conflict list the files of a directory."""
        return self.condition == "conflict" and self.stages >= {2, 3} and is_directory(self.raw)


def list_tracked(git: Git, tree: Tree) -> dict[str, Tracked]:
    """Return every tracked path of the workspace, sorted.

    A pointer that was deleted from the workspace is not tracked any more; one that a sparse
    checkout leaves out is.
    """
    entries = [entry for entry in files_ending(git, SUFFIX) if _is_pointer(entry)]
    conflicts: dict[str, set[int]] = {}
    for entry in entries:
        if entry.stage:
            conflicts.setdefault(entry.path, set()).add(entry.stage)
    found = {entry.path: entry for entry in entries}
    tracked = [_read(tree, entry, frozenset(conflicts.get(path, ()))) for path, entry in sorted(found.items())]
    return {item.path: item for item in _with_left_out(git, tracked, found)}


def _is_pointer(entry: IndexEntry) -> bool:
    return entry.mode in ("", "100644", "100755") and not entry.path.endswith(f"/{SUFFIX}") and entry.path != SUFFIX


def _read(tree: Tree, entry: IndexEntry, stages: frozenset[int]) -> Tracked | None:
    path = path_of(entry.path)
    try:
        raw = tree.read(entry.path, MAX_BYTES + 1)
    except UnsafePath as error:
        return Tracked(path, condition="invalid", problem=error.message)
    except OSError as error:
        problem = as_error(error, entry.path).message
        return Tracked(path, condition="invalid", problem=problem, unreadable=True)
    if stages:
        return Tracked(path, raw or b"", condition="conflict", stages=stages)
    if raw is not None:
        return parsed(path, raw)
    return Tracked(path, condition="not-checked-out") if entry.state == "skip-worktree" else None


def _with_left_out(git: Git, tracked: list[Tracked | None], found: dict[str, IndexEntry]) -> list[Tracked]:
    """Add the pointers that a sparse checkout leaves out, from the index."""
    left_out = [item for item in tracked if item and item.condition == "not-checked-out"]
    oids = {item.path: found[item.pointer_path].oid for item in left_out}
    content = _present(git, list(oids.values()))
    read = {path: parsed(path, content[oid]) for path, oid in oids.items() if oid in content}
    return [
        read[item.path]._replace(condition="not-checked-out") if item.path in read else item
        for item in tracked
        if item is not None
    ]


def _present(git: Git, oids: list[str]) -> dict[str, bytes]:
    """Return the content of the blobs that this clone has: a partial clone lacks what a sparse checkout leaves out."""
    try:
        return dict(zip(oids, read_blobs(git, oids), strict=True))
    except MissingGitObject:
        here = sorted(present_blobs(git, oids))
        return dict(zip(here, read_blobs(git, here), strict=True))


def parsed(path: str, raw: bytes) -> Tracked:
    """Return the tracked path with the pointer in `raw`."""
    try:
        check_path(path)
    except InvalidName as error:
        return Tracked(path, raw, condition="invalid", problem=error.message)
    try:
        return Tracked(path, raw, parse(raw, path + SUFFIX))
    except InvalidFormat as error:
        pointer = parse_unordered(raw)
        return Tracked(path, raw, pointer, "" if pointer else "invalid", error.message)


class NotTracked(MvcError):
    """A path is not tracked."""

    def __init__(self, path: str) -> None:
        super().__init__(f"{path} is not tracked")
        self.path = path


class Selection(NamedTuple):
    """A tracked path, and the selected parts of the directory; all of it when `inside` is empty."""

    item: Tracked
    inside: tuple[str, ...] = ()

    def covers(self, name: str) -> bool:
        """Whether the file `name` of a tracked directory is selected."""
        return not self.inside or any(means(part, name) for part in self.inside)


def pointers_of(selections: Iterable[Selection]) -> list[Pointer]:
    """Return the pointers that can be used."""
    return [selection.item.pointer for selection in selections if selection.item.pointer is not None]


def select(tracked: dict[str, Tracked], paths: Iterable[str]) -> list[Selection]:
    """Return the selection by `paths`: tracked paths, directories above or below them, or patterns; without paths, all.

    Raises:
        NotTracked: a path is not tracked.
    """
    wanted: dict[str, tuple[str, ...]] = {}
    paths = list(paths)
    for path in paths:
        matches = _matches(tracked, path)
        if not matches:
            raise NotTracked(path)
        for name, inside in matches:
            whole = not inside or (name in wanted and not wanted[name])
            wanted[name] = () if whole else (*wanted.get(name, ()), inside)
    if not paths:
        return [Selection(item) for item in tracked.values()]
    return [Selection(item, wanted[name]) for name, item in tracked.items() if name in wanted]


def _matches(tracked: dict[str, Tracked], path: str) -> list[tuple[str, str]]:
    """Return the tracked paths that `path` selects, each with the part inside it."""
    if path in ("", "."):
        return [(name, "") for name in tracked]
    path = path_of(path) if path_of(path) in tracked else path
    if path in tracked:
        return [(path, "")]
    if holder := holder_of(tracked, path):
        return [(holder, path[len(holder) + 1 :])]
    below = [(name, "") for name in tracked if name.startswith(path + "/")]
    return below or [(name, "") for name in matching(path, tracked)]


def holder_of(tracked: Iterable[str], path: str) -> str:
    """Return the tracked path that contains `path`; empty without one."""
    folder = path.rpartition("/")[0]
    names = tracked if isinstance(tracked, dict) else set(tracked)
    while folder and folder not in names:
        folder = folder.rpartition("/")[0]
    return folder


def find_twins(tracked: Iterable[str], new: Iterable[str]) -> tuple[str, str] | None:
    """Return a path of `new`, and another or a tracked one that is equal where case and composition are ignored."""
    known = {fold(path): path for path in tracked}
    return next(((path, other) for path in new if (other := known.setdefault(fold(path), path)) != path), None)


def folders_above(paths: Iterable[str]) -> dict[str, str]:
    """Return every directory above `paths`, each with one path below it."""
    folders: dict[str, str] = {}
    for path in paths:
        folder = path.rpartition("/")[0]
        while folder and folder not in folders:
            folders[folder] = path
            folder = folder.rpartition("/")[0]
    return folders


def means(part: str, name: str) -> bool:
    """Whether the file `name` of a tracked directory is `part`, is below it, or matches it as a pattern."""
    return name == part or name.startswith(part + "/") or (_is_pattern(part) and _spec(f"/{part}").match_file(name))


def matching(pattern: str, paths: Iterable[str]) -> list[str]:
    """Return which of `paths` match the gitignore-style `pattern`."""
    return sorted(_spec(pattern).match_files(paths)) if _is_pattern(pattern) else []


def _is_pattern(text: str) -> bool:
    return any(char in text for char in "*?[")


@cache
def _spec(pattern: str) -> GitIgnoreSpec:
    from pathspec import GitIgnoreSpec  # noqa: PLC0415 - only patterns need it

    try:
        return GitIgnoreSpec.from_lines([pattern])
    except (ValueError, re.error):
        raise UsageError(f"invalid pattern {pattern!r}: expected one in the format of .gitignore") from None
