"""Choosing single files of a directory in conflict; all others are merged."""

from __future__ import annotations

from collections.abc import Collection

from mvc.errors import InvalidName, MvcError, UsageError
from mvc.objects.merge import decide_for, merge, merged_files
from mvc.objects.pointer import SUFFIX, emit
from mvc.ops.shared.conflicts.lines import paths_of
from mvc.ops.shared.conflicts.sides import sides_of_directory
from mvc.ops.shared.conflicts.versions import STAGES, Conflict, Origin, Version
from mvc.ops.shared.pointers import store_directory
from mvc.ops.shared.selection import conflict_fix
from mvc.project import Project
from mvc.retention.available import record_merged
from mvc.store.cache.writer import CacheWriter
from mvc.workspace.tracked import means


def merged_version(
    project: Project, conflict: Conflict, both: tuple[Version, Version], chosen: Version, inside: tuple[str, ...],
) -> tuple[Version, tuple[str, ...]]:
    """Return the merged directory with the files `inside` as on the chosen side, and which these are.

    Raises:
        UsageError: one of them is not in conflict.
        MissingObject: the cache lacks the list of files of a side.
        MvcError: others are in conflict as well.
    """
    path = chosen.path
    item = project.tracked()[path]
    sides = sides_of_directory(project, item, conflict.files.get(SUFFIX, {}))
    if sides is None:
        raise UsageError(f"{path} is not a directory on both sides", project.shell.line("mvc status", path))
    merged = merge(sides._replace(chosen=None))
    files = [name for name in merged.undecided if any(means(part, name) for part in inside)]
    if part := next((part for part in inside if not any(means(part, name) for name in files)), ""):
        line = _line(project, chosen, merged.undecided) if merged.undecided else conflict_fix(project, item)
        raise UsageError(f"{path}/{part} is not in conflict", line)
    if left := [name for name in merged.undecided if name not in files]:
        message = f"{path}/{left[0]} is in conflict, too{f', and {len(left) - 1:,} more' * (len(left) > 1)}"
        raise MvcError(message, _line(project, chosen, merged.undecided))
    decided = decide_for(merged, sides, STAGES[chosen.side] - 1)
    try:
        with CacheWriter(project.cache) as writer:
            pointer = store_directory(writer, merged_files(sides, decided), decided.notes)
        pointers = [version.item.pointer for version in both if version.item and version.item.pointer]
        record_merged(project.cache, project.catalog, pointers, pointer)
    except InvalidName as error:
        line = f"{project.shell.line('mvc resolve', path)} --ours  # or --theirs"
        raise MvcError(f"{path}: the sides cannot be merged: {error.message}", line) from None
    return Version(chosen.side, path, {SUFFIX: emit(pointer)}, Origin()), tuple(files)


def _line(project: Project, chosen: Version, names: Collection[str]) -> str:
    return f"{project.shell.line('mvc resolve', *paths_of(chosen.path, names))} --{chosen.side}"
