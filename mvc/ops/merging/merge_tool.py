"""`git mergetool --tool=mvc`: Git asks for one file after the other, which the user decides once for each path."""

from __future__ import annotations

from typing import NamedTuple

from mvc.errors import UsageError
from mvc.ops.shared.conflicts.versions import SIDES, SideName, Version, find_conflicts, versions
from mvc.ops.shared.reports import model_of
from mvc.project import Project
from mvc.scm.index import conflict_blobs, staged_file


class Merging(NamedTuple):
    """A file that Git wants merged, of a tracked path in conflict."""

    path: str
    """The tracked path."""
    sides: tuple[Version, Version]
    decided: SideName | None
    """The side that another file of the path was taken from; None if the user is to choose."""
    is_last: bool
    """Whether the path has no other file in conflict."""

    def content(self, file: str, side: SideName) -> bytes | None:
        """Return what one side has of `file`, which is this path's."""
        return self.sides[SIDES.index(side)].files[file.removeprefix(self.path)]


def start_merging(project: Project, file: str) -> Merging:
    """Return what is known about `file` (from the top of the worktree).

    Raises:
        UsageError: it is not one of mvc's in conflict.
    """
    path = model_of(file)
    conflict = find_conflicts(project).get(path)
    if conflict is None or file.removeprefix(path) not in conflict.files:
        raise UsageError(f"{file} is not a file of mvc in conflict", "git status")
    both = versions(project, conflict)
    return Merging(path, both, _decided(project, both, set(conflict.files)), len(conflict.files) == 1)


def _decided(project: Project, both: tuple[Version, Version], in_conflict: set[str]) -> SideName | None:
    """Return the side of which the index has a file that was in conflict and is not any more."""
    for suffix in both[0].files.keys() - in_conflict:
        name = both[0].path + suffix
        if conflict_blobs(project.git, name, resolved=True):
            ours, theirs = (version.files[suffix] for version in both)
            staged = staged_file(project.git, name)
            if staged in (ours, theirs):
                return "ours" if staged == ours else "theirs"
    return None
