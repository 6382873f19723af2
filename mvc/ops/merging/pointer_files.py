"""Merging two versions of a pointer: a directory's by file, and content, mode and each note separately."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from mvc.errors import CorruptObject, InvalidFormat, MissingObject
from mvc.objects.manifest import Manifest
from mvc.objects.merge import (
    Merged,
    Side,
    Sides,
    Versions,
    decide_for,
    merge,
    merged_files,
    pointer_to,
    with_notes_of_content,
)
from mvc.objects.pointer import Notes, Pointer, emit
from mvc.objects.visible import size
from mvc.ops.merging.marks import Labels, mark
from mvc.ops.shared.conflicts.lines import merging_line
from mvc.ops.shared.conflicts.outcome import Outcome, Texts
from mvc.ops.shared.conflicts.sides import side_of
from mvc.ops.shared.pointers import store_directory
from mvc.project import Project
from mvc.retention.available import record_merged
from mvc.store.cache.writer import CacheWriter
from mvc.workspace.tracked import parsed

_BASE, _OURS, _THEIRS = 0, 1, 2
_FEW = 3
"""Files of a directory that are named."""


class Pointers(NamedTuple):
    """The three versions of a pointer; `base` is None if there is none of the same kind."""

    base: Pointer | None
    ours: Pointer
    theirs: Pointer


class Contested(NamedTuple):
    """What both sides changed."""

    what: str
    """In words."""
    files: tuple[str, ...] = ()
    """In a directory, the files that can be chosen one by one."""
    fix: str = ""
    """What to type first."""


def read_pointers(path: str, texts: Texts) -> Pointers | None:
    """Return the versions of a pointer; None if one is there and is not a pointer."""
    base, ours, theirs = (parsed(path, raw).pointer for raw in texts)
    if ours is None or theirs is None or (texts.base and base is None):
        return None
    return Pointers(base if base and base.kind == ours.kind else None, ours, theirs)


def merge_pointers(
    project: Project, path: str, texts: Texts, found: Pointers, labels: Callable[[], Labels], marker_size: int,
) -> tuple[Outcome, Contested | None]:
    """Return the merged pointer, whose manifest is stored, or the one with markers, and what is contested."""
    whole = (texts.ours, texts.theirs)
    contested = Contested("it: a file here, a directory there")
    if found.ours.kind == found.theirs.kind:
        try:
            sides = _sides(project, found)
            merged = merge(sides)
            if found.ours.kind == "file":
                merged = with_notes_of_content(merged, sides)
            if merged.is_decided:
                pointer = _stored(project, found, merged_files(sides, merged), merged.notes)
                return Outcome(emit(pointer), clean=True), None
            contested, whole = _contested(merged), _variants(found, sides, merged) or whole
            if not merged.undecided and found.ours.kind == "dir":
                both = (found.ours.notes, found.theirs.notes)
                contested = contested._replace(fix=merging_line(project.shell, path, merged.undecided_notes, *both))
        except (MissingObject, CorruptObject) as error:
            fix = project.shell.line("mvc fetch --all-commits", path)
            contested = Contested(f"it, and its list of files cannot be read: {error.message}", fix=fix)
        except InvalidFormat as error:
            contested = Contested(f"it, and the result would be invalid: {error.message}")
    return Outcome(mark(*whole, labels(), marker_size), clean=False), contested


def merge_where_decided(project: Project, found: Pointers) -> bytes | None:
    """Return the merged pointer, with what is contested as in the base; None if that cannot be told."""
    if found.base is None or found.ours.kind != found.theirs.kind:
        return None
    try:
        sides = _sides(project, found)
        merged = decide_for(merge(sides), sides, _BASE)
        return emit(_stored(project, found, merged_files(sides, merged), merged.notes))
    except (MissingObject, CorruptObject, InvalidFormat):
        return None


def _sides(project: Project, found: Pointers) -> Sides:
    return Sides(*(Side() if pointer is None else side_of(project, pointer) for pointer in found))


def _stored(project: Project, found: Pointers, files: Manifest, notes: Notes) -> Pointer:
    if found.ours.kind == "file" or files.is_inline:
        return pointer_to(files, found.ours, notes)
    with project.locks.store():
        with CacheWriter(project.cache) as writer:
            pointer = store_directory(writer, files, notes)
        record_merged(project.cache, project.catalog, [found.ours, found.theirs], pointer)
    return pointer


def _variants(found: Pointers, sides: Sides, merged: Merged) -> tuple[bytes, bytes] | None:
    """Return the merged pointers with one side's version of all that is contested; None if they do not list files."""
    both = (decide_for(merged, sides, side) for side in (_OURS, _THEIRS))
    ours, theirs = (pointer_to(merged_files(sides, one), found.ours, one.notes) for one in both)
    listed = all(pointer.kind == "file" or pointer.manifest for pointer in (ours, theirs))
    return (emit(ours), emit(theirs)) if listed else None


def _contested(merged: Merged) -> Contested:
    if "" in merged.undecided:
        return Contested("it")
    files = tuple(merged.undecided)
    if not files:
        return Contested(f"its {' and '.join(merged.undecided_notes)}")
    named = ", ".join(f"{name} ({_both(merged.undecided[name])})" for name in files[:_FEW])
    more = f" and {len(files) - _FEW:,} more" if len(files) > _FEW else ""
    return Contested(f"{named}{more}", files)


def _both(found: Versions) -> str:
    ours, theirs = (size(entry.size) if entry else "deleted" for entry in (found.ours, found.theirs))
    return f"ours {ours}, theirs {theirs}"
