"""Garbage on a remote: listed first, deleted after the grace unless it was written again.

A push writes its roots, then reads the lists. A gc that deletes writes a marker beside the list first, and reads
all roots after that. So one of the two sees the other. Layout: docs/formats.md, "Lists of garbage".
"""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet
from contextlib import suppress
from itertools import chain
from typing import NamedTuple
from uuid import uuid4

from mvc.errors import InvalidFormat, MissingObject, UsageError
from mvc.objects.parsing.digits import decimal_number
from mvc.packages import UPGRADE
from mvc.store.buckets.address import deleting
from mvc.store.buckets.bucket import Changed, Item, RemoteError
from mvc.store.cache.inventory import Totals
from mvc.store.remote.line_reader import read_lines
from mvc.store.remote.location import FileVersion, ObjectLocation, ObjectsByFile, pack_name
from mvc.store.remote.sending import drop_objects
from mvc.store.remote.store import RemoteStore

ABANDONED = 86_400
"""Seconds after which an unfinished upload counts as abandoned."""

_HEADER = "mvc-gc 1"
_LIST = re.compile(r"gc/[0-9a-f-]{36}")
_LINE = re.compile(r"(objects/[0-9a-f]{2}/[0-9a-f]{64}|packs/[0-9a-f]{64}\.(?:pack|idx)) ([^ ]+) (.*)")
_NAME = re.compile(r"[0-9a-f]{64}")
_HALF = re.compile(r"(packs/[0-9a-f]{64}\.)(pack|idx)")
_DELETING = ".deleting-"
_BATCH = 1000
"""Objects in one deletion."""
_PATIENCE = 60.0
"""Seconds after which the roots of all clones are read again."""
_DEAD = 900.0
"""Seconds after which a gc that has not renewed its marker counts as killed."""
_HEX = 64


class GarbageList(NamedTuple):
    """The unneeded objects that a gc found."""

    item: Item
    """The file of the list."""
    gc_candidates: ObjectsByFile
    deleting: bool
    """Whether a gc has begun to delete them."""


class Unneeded(NamedTuple):
    """An object that no clone needs, or an orphan half of a pack."""

    name: str
    """The object; empty for a half of a pack, which a compaction or a killed push left."""
    location: ObjectLocation

    @property
    def item(self) -> Item:
        return self.location.item


def find_unneeded(remote: RemoteStore, names: AbstractSet[str]) -> list[Unneeded]:
    """Return each copy of the objects with these `names` on the remote, and the orphan halves of packs."""
    files = {item.key: item for item in remote.bucket.list("packs/")}
    unneeded = [Unneeded(name, location) for name, location in remote.objects() if name in names]
    halves = [item for key, item in files.items() if _HALF.fullmatch(key) and _other_half(key) not in files]
    return unneeded + [Unneeded("", ObjectLocation(item)) for item in halves]


def _other_half(key: str) -> str:
    stem, _, suffix = key.rpartition(".")
    return f"{stem}.{'idx' if suffix == 'pack' else 'pack'}"


class Choice(NamedTuple):
    """What to do with unneeded objects."""

    fresh: list[Unneeded]
    """To be listed."""
    young: list[Unneeded]
    listed: list[Unneeded]


def choose(
    unneeded: Iterable[Unneeded], gc_candidates: ObjectsByFile, before: float, abandoned: float,
) -> Choice:
    """Return the choice for each; times in seconds since the epoch.

    Young objects were written after `before`, young halves of packs after `abandoned`: the other half may be under way.
    """
    choice = Choice([], [], [])
    for found in unneeded:
        if is_listed(gc_candidates, found):
            choice.listed.append(found)
        elif found.item.modified > (before if found.name else min(before, abandoned)):
            choice.young.append(found)
        else:
            choice.fresh.append(found)
    return choice


def is_listed(gc_candidates: ObjectsByFile, found: Unneeded) -> bool:
    """Whether a list has its current version."""
    names = gc_candidates.get(FileVersion.of(found.item))
    return names is not None and (not found.name or found.name in names)


# Lists.


def encode_list(unneeded: Iterable[Unneeded]) -> bytes:
    """Return the bytes of a list: a line for each file, and after a pack the names of its objects."""
    files: dict[Item, list[str]] = defaultdict(list)
    for found in unneeded:
        files[found.item] += [found.name] if found.location.record else []
    rows = chain.from_iterable(
        [f"{item.key} {item.modified!r} {item.etag}", *sorted(names)] for item, names in sorted(files.items())
    )
    return "\n".join([_HEADER, *rows, ""]).encode()


def parse_list(lines: Iterable[str], what: str) -> ObjectsByFile:
    """Return the entries of a list.

    Raises:
        UsageError: a newer mvc wrote it, or it is damaged.
    """
    lines = iter(lines)
    header = next(lines, "")
    if header != _HEADER and header.startswith("mvc-gc "):
        raise UsageError(f"{what} was written by a newer mvc", UPGRADE)
    if header != _HEADER:
        raise _damaged(what)
    found: dict[FileVersion, set[str]] = {}
    names: set[str] = set()
    for line in lines:
        if (match := _LINE.fullmatch(line)) and (modified := decimal_number(match[2])) is not None:
            names = {match[1][-_HEX:]} if match[1].startswith("objects/") else set()
            found[FileVersion(match[1], modified, match[3])] = names
        elif _NAME.fullmatch(line) and found:
            names.add(line)
        else:
            raise _damaged(what)
    return found


def _damaged(what: str) -> InvalidFormat:
    return InvalidFormat(f"{what} is damaged", f"{deleting(what)}  # only a list: the next gc writes a new one")


def garbage_lists(remote: RemoteStore) -> list[GarbageList]:
    """Return all lists that are on the remote.

    Raises:
        UsageError: one of them cannot be read.
    """
    items = {item.key: item for item in remote.bucket.list("gc/")}
    found = remote.run(lambda item: _read_list(remote, item), [items[key] for key in items if _LIST.fullmatch(key)], 0)
    return [
        GarbageList(item, gc_candidates, any(key.startswith(f"{item.key}{_DELETING}") for key in items))
        for item, gc_candidates in filter(None, found)
    ]


def merged(lists: Iterable[GarbageList]) -> ObjectsByFile:
    """Return the entries of all lists."""
    found: dict[FileVersion, set[str]] = defaultdict(set)
    for listed in lists:
        for file, names in listed.gc_candidates.items():
            found[file] |= names
    return dict(found)


def _read_list(remote: RemoteStore, item: Item) -> tuple[Item, ObjectsByFile] | None:
    what = f"{remote.bucket.url}/{item.key}"
    try:
        return item, parse_list(read_lines(remote.bucket, item), what)
    except (MissingObject, Changed):
        return None  # just carried out
    except InvalidFormat:
        raise _damaged(what) from None


def write_list(remote: RemoteStore, unneeded: Iterable[Unneeded]) -> None:
    """Write the list, so that every push knows what will be deleted."""
    remote.bucket.write(f"gc/{uuid4()}", encode_list(unneeded), new=True)


# Deletion.


def sweep(remote: RemoteStore, now: float) -> None:
    """Remove abandoned uploads; ignore a missing permission."""
    with suppress(RemoteError):
        remote.bucket.sweep(now - ABANDONED)


class _Deletion:
    """A gc that carries out a list. Its marker shows others that it runs, and is renewed meanwhile.

    The clones' roots are read again after a while, for example after a laptop has slept.
    """

    def __init__(self, remote: RemoteStore, listed: GarbageList, read_needed: Callable[[], AbstractSet[str]]) -> None:
        self._remote, self._list, self._read = remote, listed.item.key, read_needed
        self._marker = f"{self._list}{_DELETING}{uuid4()}"
        self._needed: AbstractSet[str] = frozenset()
        self._since: float | None = None
        remote.bucket.write(self._marker, b"")

    def needed(self) -> AbstractSet[str]:
        """Return the objects that clones need.

        Raises:
            RemoteError: another gc treated this one as killed.
        """
        if self._since is None or _uptime() - self._since > _PATIENCE:
            if self._remote.bucket.head(self._marker) is None:
                message = f"{self._remote.bucket.url}: another gc took over, because this one paused too long"
                raise RemoteError(message, "run the command again")
            self._remote.bucket.write(self._marker, b"")
            self._needed, self._since = self._read(), _uptime()
        return self._needed

    def end(self) -> None:
        """Remove the marker, and the list unless another gc carries it out."""
        own = self._remote.bucket.head(self._marker)
        self._remote.bucket.delete([self._marker])
        others = list(self._remote.bucket.list(f"{self._list}{_DELETING}"))
        stale = [item.key for item in others if own and own.modified - item.modified > _DEAD]
        self._remote.bucket.delete(stale)
        if len(stale) == len(others):
            self._remote.bucket.delete([self._list])


def _uptime() -> float:
    """Return seconds that also count while the machine sleeps, and never go back."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def carry_out(remote: RemoteStore, listed: GarbageList, read_needed: Callable[[], AbstractSet[str]]) -> Totals:
    """Delete the entries of a list, unless a clone needs them or they were rewritten. Return the amount deleted.

    `read_needed` is called once the marker is visible to all others.
    """
    deletion = _Deletion(remote, listed, read_needed)
    there = {item.key: item for prefix in ("objects/", "packs/") for item in remote.bucket.list(prefix)}
    names_in = {item: listed.gc_candidates.get(FileVersion.of(item)) for item in there.values()}
    files = [(item, names) for item, names in names_in.items() if names is not None]
    freed = [
        _free_packed(remote, item, names - deletion.needed()) if names else _free_half(remote, item)
        for item, names in files
        if item.key.startswith("packs/")
    ]
    loose = [(item, names) for item, names in files if item.key.startswith("objects/")]
    freed += [_free_loose(remote, loose[at : at + _BATCH], deletion) for at in range(0, len(loose), _BATCH)]
    deletion.end()
    return Totals.sum(freed)


def _free_loose(remote: RemoteStore, files: list[tuple[Item, AbstractSet[str]]], deletion: _Deletion) -> Totals:
    unneeded = [item for item, names in files if not names & deletion.needed()]
    now = remote.run(remote.bucket.head, [item.key for item in unneeded], 0)
    same = [item for item, found in zip(unneeded, now, strict=True) if found and _is_same(found, item)]
    remote.bucket.delete(item.key for item in same)
    return Totals(len(same), sum(item.size for item in same))


def _is_same(one: Item, other: Item) -> bool:
    return FileVersion.of(one) == FileVersion.of(other)


def _free_half(remote: RemoteStore, item: Item) -> Totals:
    """Delete a half of a pack, unless a push has just begun to send it again."""
    now, other = remote.bucket.head(item.key), remote.bucket.head(_other_half(item.key))
    if other is not None or now is None or not _is_same(now, item):
        return Totals()
    remote.bucket.delete([item.key])
    return Totals(0, item.size)


def _free_packed(remote: RemoteStore, pack: Item, names: AbstractSet[str]) -> Totals:
    _, index = remote.packs().get(pack_name(pack.key), (pack, None))
    records = [index.find(bytes.fromhex(name)) for name in names] if index else []
    sizes = {record.blake3.hex(): record.stored for record in records if record is not None}
    if not sizes:
        return Totals()
    try:
        drop_objects(remote, pack, sizes.keys())
    except (MissingObject, Changed):  # another gc was faster
        remote.forget()
        return Totals()
    return Totals(len(sizes), sum(sizes.values()))
