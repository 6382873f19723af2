"""Three-way merge of the files of a directory and of a pointer's notes. What both sides changed is not decided."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple, TypeVar

from mvc.objects.manifest import Entry
from mvc.objects.pointer import Notes

T = TypeVar("T")
Files = Mapping[str, Entry]


class Side(NamedTuple):
    """One side of a merge: files by path, and notes."""

    files: Files
    notes: Notes = Notes()

    @classmethod
    def of(cls, entries: Iterable[Entry], notes: Notes = Notes()) -> Side:
        """Return the side with these files."""
        return cls({entry.path: entry for entry in entries}, notes)


class Sides(NamedTuple):
    """The sides of a merge; `base` is their common ancestor."""

    base: Side
    ours: Side
    theirs: Side
    chosen: Side | None = None
    """What the user chose: it decides what both sides changed, where it is as one of them."""


class Merged(NamedTuple):
    """The merged files, and the paths and notes that both sides changed."""

    files: dict[str, Entry]
    notes: Notes
    undecided: tuple[str, ...]
    undecided_notes: tuple[str, ...] = ()


def merge(sides: Sides) -> Merged:
    """Return the changes of both sides since `base`."""
    base, ours, theirs, chosen = sides
    files: dict[str, Entry] = {}
    undecided = []
    for path in sorted({*base.files, *ours.files, *theirs.files}):
        versions = [side.files.get(path) for side in (base, ours, theirs)]
        decided, entry = _merged(*versions, *([chosen.files.get(path)] if chosen else ()))
        if not decided:
            undecided.append(path)
        elif entry is not None:
            files[path] = entry
    notes, undecided_notes = _merge_notes(sides)
    return Merged(files, notes, tuple(undecided), undecided_notes)


def _merged(base: T, ours: T, theirs: T, *chosen: T) -> tuple[bool, T]:
    """Return whether the merge is decided, and its result."""
    if theirs in (ours, base):
        return True, ours
    if base == ours:
        return True, theirs
    return (True, chosen[0]) if chosen and chosen[0] in (ours, theirs) else (False, ours)


def _merge_notes(sides: Sides) -> tuple[Notes, tuple[str, ...]]:
    found = {}
    undecided = []
    for position, name in enumerate(Notes._fields):
        values = [side.notes[position] for side in (sides.base, sides.ours, sides.theirs)]
        decided, found[name] = _merged(*values, *([sides.chosen.notes[position]] if sides.chosen else ()))
        if not decided:
            undecided.append(name)
    return Notes(**found), tuple(undecided)


def add_workspace(merged: Merged, sides: Sides, here: Files) -> Merged:
    """Add the files of the workspace that no side knows. Nothing is removed: the workspace may lack a side's files.

    Undecided is what the workspace and the other side changed.
    """
    files, undecided = dict(merged.files), set(merged.undecided)
    for path, entry in here.items():
        if entry in (side.files.get(path) for side in sides[:3]):
            continue
        if files.get(path) == sides.ours.files.get(path) and path not in undecided:
            files[path] = entry
        else:
            undecided.add(path)
    return merged._replace(files=files, undecided=tuple(sorted(undecided)))
