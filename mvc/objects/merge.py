"""Three-way merge of the files of a directory and of a pointer's notes. What both sides changed is not decided.

A tracked file is merged as a directory with one file, whose path is empty.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, TypeVar

from mvc.objects.diff import EntryChange, diff_manifests
from mvc.objects.manifest import Entry, Manifest
from mvc.objects.patch import patch
from mvc.objects.pointer import Notes, Pointer, dir_pointer, file_pointer

T = TypeVar("T")


class Side(NamedTuple):
    """One side of a merge: files and notes."""

    manifest: Manifest = Manifest.holding(())
    notes: Notes = Notes()

    @classmethod
    def of(cls, entries: Iterable[Entry], notes: Notes = Notes()) -> Side:
        """Return the side with these files."""
        return cls(Manifest.holding(sorted(entries)), notes)

    @classmethod
    def of_file(cls, pointer: Pointer) -> Side:
        """Return the side with a tracked file."""
        return cls.of([Entry("", *pointer.digest, pointer.exec)], pointer.notes)


class Sides(NamedTuple):
    """The sides of a merge; `base` is their common ancestor."""

    base: Side
    ours: Side
    theirs: Side
    chosen: Side | None = None
    """What the user chose: it decides what both sides changed, where it is as one of them."""


class Versions(NamedTuple):
    """One path in the common ancestor and on both sides; None where there is no file."""

    base: Entry | None
    ours: Entry | None
    theirs: Entry | None


class Merged(NamedTuple):
    """The result of a merge, as changes of our side."""

    changes: dict[str, Entry | None]
    """By path; None deletes the file."""
    undecided: dict[str, Versions]
    """What both sides changed; a file that one side renamed has its new name on both."""
    versions: dict[str, Versions]
    """Every path that a side changed."""
    notes: Notes = Notes()
    undecided_notes: tuple[str, ...] = ()

    @property
    def is_decided(self) -> bool:
        """Whether nothing is left to choose."""
        return not self.undecided and not self.undecided_notes


def merge(sides: Sides) -> Merged:
    """Return what both sides changed since `base`.

    A file that one side renamed, and that the other changed, is changed under its new name. A rename is a file that is
    gone, and a new one with the same content, if no others of a side have that content; empty files do not count.
    """
    ours, theirs = (_changes(sides.base.manifest, side.manifest) for side in (sides.ours, sides.theirs))
    versions = {path: _versions(path, ours, theirs) for path in {*ours, *theirs}}
    renamed, contested = _follow_renames(ours, theirs, versions)
    changes: dict[str, Entry | None] = {}
    undecided: dict[str, Versions] = {}
    for path, found in sorted({**versions, **renamed}.items()):
        decided, entry = _merge_entry(found)
        if not decided or path in contested:
            undecided[path] = found
        elif entry != versions[path].ours:
            changes[path] = entry
    notes, undecided_notes = _merge_notes(sides)
    merged = Merged(changes, undecided, versions, notes, undecided_notes)
    return _choose(merged, sides.chosen.manifest) if sides.chosen and undecided else merged


def _changes(old: Manifest, new: Manifest) -> dict[str, EntryChange]:
    return {change.path: change for change in diff_manifests(old, new)}


def _versions(path: str, ours: Mapping[str, EntryChange], theirs: Mapping[str, EntryChange]) -> Versions:
    own, other = ours.get(path), theirs.get(path)
    base = own.old if own else other.old if other else None
    return Versions(base, own.new if own else base, other.new if other else base)


def _merge_entry(found: Versions) -> tuple[bool, Entry | None]:
    """Return whether the merge is decided, and its result; content and mode are merged separately."""
    base, ours, theirs = found
    decided, entry = _merge_values(base, ours, theirs)
    if decided or not (base and ours and theirs):
        return decided, entry
    decided, digest = _merge_values(base.digest, ours.digest, theirs.digest)
    _, executable = _merge_values(base.exec, ours.exec, theirs.exec)
    return decided, Entry(ours.path, *digest, executable)


def _merge_values(base: T, ours: T, theirs: T) -> tuple[bool, T]:
    if theirs in (ours, base):
        return True, ours
    return base == ours, theirs


# Renames.


def _follow_renames(
    ours: Mapping[str, EntryChange], theirs: Mapping[str, EntryChange], versions: Mapping[str, Versions],
) -> tuple[dict[str, Versions], set[str]]:
    """Return the paths at which one side changed what the other renamed, and those on whose existence they disagree."""
    own, other = _renames(ours), _renames(theirs)
    found: dict[str, Versions] = {}
    contested: set[str] = set()
    for renames, opposite, others, flip in ((own, other, theirs, False), (other, own, ours, True)):
        for old, new in renames.items():
            change = others.get(old)
            if change is None or new in others or opposite.get(old) == new:
                continue
            contested |= {new} if change.new is None else set()
            found[new] = _renamed(versions, old, new, flip=flip)
            if change.new is not None:
                found[old] = Versions(change.old, None, None)
    return found, contested


def _renames(changes: Mapping[str, EntryChange]) -> dict[str, str]:
    """Return the new names by the old ones."""
    gone = [change.old for change in changes.values() if change.old and not change.new and change.old.size]
    come = [change.new for change in changes.values() if change.new and not change.old]
    counts = [Counter(entry.blake3 for entry in entries) for entries in (gone, come)]
    new_names = {entry.blake3: entry.path for entry in come}
    return {
        entry.path: new_names[entry.blake3] for entry in gone if all(count[entry.blake3] == 1 for count in counts)
    }


def _renamed(versions: Mapping[str, Versions], old: str, new: str, *, flip: bool) -> Versions:
    """Return the versions of a renamed file under its new name; with `flip`, the other side renamed it."""
    before, after = versions[old], versions[new]
    moved = Versions(*(entry and entry._replace(path=new) for entry in before))
    return moved._replace(theirs=after.theirs) if flip else moved._replace(ours=after.ours)


# Choices.


def _choose(merged: Merged, chosen: Manifest) -> Merged:
    wanted = {entry.path: entry for entry in chosen.entries}
    decided = {path: wanted.get(path) for path, found in merged.undecided.items() if wanted.get(path) in found[1:]}
    return decide(merged, decided)


def decide(merged: Merged, chosen: Mapping[str, Entry | None]) -> Merged:
    """Return the merge with these versions of files that both sides changed."""
    changes = {**merged.changes, **chosen}
    changes = {path: entry for path, entry in changes.items() if entry != merged.versions[path].ours}
    undecided = {path: found for path, found in merged.undecided.items() if path not in chosen}
    return merged._replace(changes=changes, undecided=undecided)


def decide_for(merged: Merged, sides: Sides, side: int) -> Merged:
    """Return the merge with what both sides changed, files and notes, as on a side: 0 is the base, 1 ours, 2 theirs."""
    chosen = {path: found[side] for path, found in merged.undecided.items()}
    own = (sides.base, sides.ours, sides.theirs)[side].notes
    notes = {name: getattr(own, name) for name in merged.undecided_notes}
    return decide(merged, chosen)._replace(notes=merged.notes._replace(**notes), undecided_notes=())


def merged_files(sides: Sides, merged: Merged) -> Manifest:
    """Return the merged files.

    Raises:
        InvalidName: the names of two files collide.
    """
    ours = sides.ours.manifest
    return patch(ours, merged.changes, ours.total)


def pointer_to(files: Manifest, ours: Pointer, notes: Notes) -> Pointer:
    """Return the pointer of merged files, of the same kind as `ours`."""
    if ours.kind == "dir":
        return dir_pointer(files, notes)
    (entry,) = files.entries
    return file_pointer(entry.digest, executable=entry.exec, notes=notes)


def _merge_notes(sides: Sides) -> tuple[Notes, tuple[str, ...]]:
    found: dict[str, Any] = {}
    undecided = []
    for position, name in enumerate(Notes._fields):
        base, ours, theirs = (side.notes[position] for side in (sides.base, sides.ours, sides.theirs))
        decided, found[name] = _merge_values(base, ours, theirs)
        chosen = sides.chosen.notes[position] if sides.chosen else None
        if not decided and sides.chosen and chosen in (ours, theirs):
            found[name] = chosen
        elif not decided:
            undecided.append(name)
    return Notes(**found), tuple(undecided)


def with_notes_of_content(merged: Merged, sides: Sides) -> Merged:
    """Return the merge of a tracked file; notes that both sides changed are of the side that alone changed the content.

    They describe it.
    """
    found = merged.versions.get("")
    if found is None or merged.undecided or not found.base or found.base not in found[1:]:
        return merged
    return decide_for(merged, sides, 2 if found.ours == found.base else 1)


# The workspace.


def add_workspace(merged: Merged, ours: Manifest, here: Manifest) -> Merged:
    """Add the files of the workspace that no side knows. Nothing is removed: the workspace may lack a side's files.

    Undecided is what the workspace and the other side changed.
    """
    changes, undecided = dict(merged.changes), dict(merged.undecided)
    for change in diff_manifests(ours, here):
        known = merged.versions.get(change.path, Versions(change.old, change.old, change.old))
        if change.new is None or change.new in known:
            continue
        if change.path in merged.changes or change.path in undecided:
            undecided[change.path] = known
            changes.pop(change.path, None)
        else:
            changes[change.path] = change.new
    return merged._replace(changes=changes, undecided=undecided)


def take_workspace(merged: Merged, ours: Manifest, here: Manifest, covers: Callable[[str], bool]) -> Merged:
    """Take the files that `covers` selects as they are in the workspace."""
    changes = {path: entry for path, entry in merged.changes.items() if not covers(path)}
    undecided = {path: found for path, found in merged.undecided.items() if not covers(path)}
    taken = {change.path: change.new for change in diff_manifests(ours, here) if covers(change.path)}
    return merged._replace(changes=changes | taken, undecided=undecided)
