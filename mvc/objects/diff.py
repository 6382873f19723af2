"""The differences of two manifests."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Literal, NamedTuple, TypeAlias

from mvc.objects.manifest import Entry, Manifest

ChangeKind: TypeAlias = Literal["added", "modified", "deleted", "renamed"]


class EntryChange(NamedTuple):
    """The change of one file; `old` is None for an added one, `new` for a deleted one."""

    change: ChangeKind
    path: str
    old: Entry | None
    new: Entry | None


def diff_manifests(old: Manifest, new: Manifest) -> list[EntryChange]:
    """Return the changes from `old` to `new`, sorted by path; a rename is a deletion and an addition."""
    before = {entry.path: entry for entry in old.entries}
    after = {entry.path: entry for entry in new.entries}
    changes = [
        EntryChange("added" if path not in before else "modified", path, before.get(path), entry)
        for path, entry in after.items()
        if before.get(path) != entry
    ]
    changes += [EntryChange("deleted", path, entry, None) for path, entry in before.items() if path not in after]
    return sorted(changes, key=lambda change: change.path)


def pair_renames(changes: Iterable[EntryChange]) -> list[EntryChange]:
    """Return `changes` with deleted files that were added elsewhere as renames."""
    changes = list(changes)
    gone: dict[str, list[EntryChange]] = defaultdict(list)
    for change in changes:
        if change.old is not None and change.new is None:
            gone[change.old.blake3].append(change)
    paired: list[EntryChange] = []
    used: set[str] = set()
    for change in changes:
        sources = gone.get(change.new.blake3, []) if change.new is not None and change.old is None else []
        if sources:
            source = sources.pop(0)
            used.add(source.path)
            paired.append(EntryChange("renamed", change.path, source.old, change.new))
        else:
            paired.append(change)
    return [change for change in paired if not (change.change == "deleted" and change.path in used)]
