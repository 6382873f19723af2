"""The differences of two manifests."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, NamedTuple, TypeAlias

from mvc.objects.manifest import Entry, Manifest, Shard, parse_lines
from mvc.objects.manifest_lines import body_of, lines_of

ChangeKind: TypeAlias = Literal["added", "modified", "deleted", "renamed"]


class EntryChange(NamedTuple):
    """The change of one file; `old` is None for an added one, `new` for a deleted one."""

    change: ChangeKind
    path: str
    old: Entry | None
    new: Entry | None


def diff_manifests(old: Manifest, new: Manifest) -> Iterator[EntryChange]:
    """Yield the changes from `old` to `new`, sorted by path; a rename is a deletion and an addition.

    Shards that both have are not read, and of the others only lines that differ are parsed.
    """
    for before, after in _ranges(old.shards, new.shards):
        if before != after:
            here, there = _lines(old, before), _lines(new, after)
            yield from compare(_parsed(here - there), _parsed(there - here))


def _ranges(old: Sequence[Shard], new: Sequence[Shard]) -> Iterator[tuple[list[Shard], list[Shard]]]:
    """Yield shards of both sides that list the same range of paths."""
    sides = tuple(deque(shard for shard in shards if shard.files) for shards in (old, new))
    found: tuple[list[Shard], list[Shard]] = [], []
    while any(sides):
        coming = [shards[0].first if shards else None for shards in sides]
        if (coming[0] == coming[1] and any(found)) or _is_apart(found, coming):
            yield found
            found = [], []
        start = min(first for first in coming if first is not None)
        for side in (0, 1):
            if coming[side] == start:
                found[side].append(sides[side].popleft())
    if any(found):
        yield found


def _is_apart(found: tuple[list[Shard], list[Shard]], coming: Sequence[str | None]) -> bool:
    """Whether only one side has shards so far, and the other's next one starts no earlier than its own next one."""
    return any(
        found[side] and not found[1 - side] and own is not None and (other is None or other >= own)
        for side, (own, other) in enumerate((coming, coming[::-1]))
    )


def _lines(manifest: Manifest, shards: Iterable[Shard]) -> set[bytes]:
    return set().union(*(lines_of(manifest, shard) for shard in shards))


def _parsed(lines: set[bytes]) -> list[Entry]:
    return sorted(parse_lines(body_of(lines)))


def compare(old: Iterable[Entry], new: Iterable[Entry]) -> Iterator[EntryChange]:
    """Yield every file of either side, both sorted by path: an unchanged one as `modified`, with equal sides."""
    before, after = iter(old), iter(new)
    gone, come = next(before, None), next(after, None)
    while gone or come:
        if gone and (come is None or gone.path < come.path):
            yield EntryChange("deleted", gone.path, gone, None)
            gone = next(before, None)
        elif come and (gone is None or come.path < gone.path):
            yield EntryChange("added", come.path, None, come)
            come = next(after, None)
        elif gone and come:
            yield EntryChange("modified", come.path, gone, come)
            gone, come = next(before, None), next(after, None)


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
