"""What nobody needs on a remote: first listed, and deleted a grace later, unless somebody wrote it anew.

A push writes its roots, then reads the lists. Whoever deletes says so beside the list first, and reads
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
from mvc.store.buckets.address import deleting
from mvc.store.buckets.bucket import Changed, Item, RemoteError
from mvc.store.remote.line_reader import read_lines
from mvc.store.remote.store import Doomed, Place, RemoteStore, Version, version
from mvc.store.stored import Amount

ABANDONED = 86_400
"""Seconds after which an upload that was begun counts as given up."""

_HEADER = "mvc-gc 1"
_LIST = re.compile(r"gc/[0-9a-f-]{36}")
_LINE = re.compile(r"(objects/[0-9a-f]{2}/[0-9a-f]{64}|packs/[0-9a-f]{64}\.(?:pack|idx)) ([0-9.e+]+) (.*)")
_NAME = re.compile(r"[0-9a-f]{64}")
_HALF = re.compile(r"(packs/[0-9a-f]{64}\.)(pack|idx)")
_DELETING = ".deleting-"
_BATCH = 1000
"""Objects that are deleted at once."""
_PATIENCE = 60.0
"""Seconds for which it is believed that no clone needs more than it did."""
_DEAD = 900.0
"""Seconds after which a gc that did not renew its marker counts as killed."""
_HEX = 64


class GarbageList(NamedTuple):
    """What some gc found that nobody needed then."""

    item: Item
    """Where it lies; when it was written."""
    doomed: Doomed
    deleting: bool
    """Whether a gc has begun to delete it."""


class Spare(NamedTuple):
    """What nobody needs, as it lies on a remote."""

    name: str
    """The object; empty when it is none: half of a pack that was merged, or that a killed push left."""
    place: Place

    @property
    def item(self) -> Item:
        """The file that it is, or is in."""
        return self.place.item


def find_spares(remote: RemoteStore, needed: AbstractSet[str]) -> list[Spare]:
    """Return everything on the remote that is not in `needed`; an object as often as it is there."""
    files = {item.key: item for item in remote.bucket.list("packs/")}
    loose = [Spare(name, place) for name, place in remote.loose() if name not in needed]
    packed = [
        Spare(name, Place(item, record))
        for item, index in remote.packs().values()
        for record in index.records()
        if (name := record.blake3.hex()) not in needed
    ]
    return loose + packed + [Spare("", Place(item)) for item in files.values() if _is_half(item.key, files.keys())]


def _is_half(key: str, files: AbstractSet[str]) -> bool:
    return _HALF.fullmatch(key) is not None and _other_half(key) not in files


def _other_half(key: str) -> str:
    stem, _, suffix = key.rpartition(".")
    return f"{stem}.{'idx' if suffix == 'pack' else 'pack'}"


class Choice(NamedTuple):
    """Spares, told apart by what shall happen to them."""

    fresh: list[Spare]
    """To be listed."""
    young: list[Spare]
    listed: list[Spare]


def choose(spares: Iterable[Spare], doomed: Doomed, before: float, abandoned: float) -> Choice:
    """Return what to do with each; times in seconds since the epoch.

    Young is what was written after `before`, and half of a pack that was written after `abandoned`: the
    other half may be on its way.
    """
    choice = Choice([], [], [])
    for spare in spares:
        if is_listed(doomed, spare):
            choice.listed.append(spare)
        elif spare.item.modified > (before if spare.name else min(before, abandoned)):
            choice.young.append(spare)
        else:
            choice.fresh.append(spare)
    return choice


def is_listed(doomed: Doomed, spare: Spare) -> bool:
    """Whether a list names it, as it is now."""
    names = doomed.get(version(spare.item))
    return names is not None and (not spare.name or spare.name in names)


# Lists.


def encode_list(spares: Iterable[Spare]) -> bytes:
    """Return the bytes of a list: a line for each file, and below a pack's the names of its objects."""
    files: dict[Item, list[str]] = defaultdict(list)
    for spare in spares:
        files[spare.item] += [spare.name] if spare.place.record else []
    rows = chain.from_iterable(
        [f"{item.key} {item.modified!r} {item.etag}", *sorted(names)] for item, names in sorted(files.items())
    )
    return "\n".join([_HEADER, *rows, ""]).encode()


def parse_list(lines: Iterable[str], what: str) -> Doomed:
    """Return what a list names. The last line must be empty.

    Raises:
        UsageError: a newer mvc wrote it, or it is damaged.

    """
    lines = iter(lines)
    header = next(lines)
    if header != _HEADER and header.startswith("mvc-gc "):
        raise UsageError(f"{what} was written by a newer mvc", "pip install --upgrade modelvc")
    if header != _HEADER:
        raise _damaged(what)
    found: dict[Version, set[str]] = {}
    names: set[str] = set()
    ended = False
    for line in lines:
        if ended:
            raise _damaged(what)
        if match := _LINE.fullmatch(line):
            names = {match[1][-_HEX:]} if match[1].startswith("objects/") else set()
            found[match[1], float(match[2]), match[3]] = names
        elif _NAME.fullmatch(line) and found:
            names.add(line)
        elif line:
            raise _damaged(what)
        ended = not line
    if not ended:
        raise _damaged(what)
    return found


def _damaged(what: str) -> InvalidFormat:
    return InvalidFormat(f"{what} is damaged", f"{deleting(what)}  # it is only a list: the next gc makes a new one")


def garbage_lists(remote: RemoteStore) -> list[GarbageList]:
    """Return all lists that are on the remote.

    Raises:
        UsageError: one of them cannot be read.

    """
    items = {item.key: item for item in remote.bucket.list("gc/")}
    found = remote.run(lambda item: _read_list(remote, item), [items[key] for key in items if _LIST.fullmatch(key)], 0)
    return [
        GarbageList(item, doomed, any(key.startswith(f"{item.key}{_DELETING}") for key in items))
        for item, doomed in (pair for pair in found if pair is not None)
    ]


def merged(lists: Iterable[GarbageList]) -> Doomed:
    """Return what any of the lists names."""
    found: dict[Version, set[str]] = defaultdict(set)
    for listed in lists:
        for file, names in listed.doomed.items():
            found[file] |= names
    return dict(found)


def _read_list(remote: RemoteStore, item: Item) -> tuple[Item, Doomed] | None:
    what = f"{remote.bucket.url}/{item.key}"
    try:
        return item, parse_list(read_lines(remote.bucket, item), what)
    except (MissingObject, Changed):
        return None  # it was just carried out
    except InvalidFormat:
        raise _damaged(what) from None


def write_list(remote: RemoteStore, spares: Iterable[Spare]) -> None:
    """Let all who push know what is going to be deleted."""
    remote.bucket.write(f"gc/{uuid4()}", encode_list(spares), new=True)


# Deletion.


def sweep(remote: RemoteStore, now: float) -> None:
    """Remove what uploads have left that were given up; whoever may not do that may do the rest."""
    with suppress(RemoteError):
        remote.bucket.sweep(now - ABANDONED)


class _Deletion:
    """One gc's carrying out of a list. Its marker says so to all; it is renewed as long as the gc lives.

    What clones need is read anew when that was a while ago, as after a laptop slept in the midst of it all.
    """

    def __init__(self, remote: RemoteStore, listed: GarbageList, read_needed: Callable[[], AbstractSet[str]]) -> None:
        self._remote, self._list, self._read = remote, listed.item.key, read_needed
        self._marker = f"{self._list}{_DELETING}{uuid4()}"
        self._needed: AbstractSet[str] = frozenset()
        self._since: float | None = None
        remote.bucket.write(self._marker, b"")

    def needed(self) -> AbstractSet[str]:
        """Return what clones need.

        Raises:
            RemoteError: another gc took this one for dead.

        """
        if self._since is None or _uptime() - self._since > _PATIENCE:
            if self._remote.bucket.head(self._marker) is None:
                url = self._remote.bucket.url
                raise RemoteError(f"{url}: another gc took this one for dead", "run the command again")
            self._remote.bucket.write(self._marker, b"")
            self._needed, self._since = self._read(), _uptime()
        return self._needed

    def end(self) -> None:
        """Take the marker away, and the list with it unless another gc is still at it."""
        own = self._remote.bucket.head(self._marker)
        self._remote.bucket.delete([self._marker])
        others = list(self._remote.bucket.list(f"{self._list}{_DELETING}"))
        stale = [item.key for item in others if own and own.modified - item.modified > _DEAD]
        self._remote.bucket.delete(stale)
        if len(stale) == len(others):
            self._remote.bucket.delete([self._list])


def _uptime() -> float:
    """Return seconds that go on while the machine sleeps, and never back."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def carry_out(remote: RemoteStore, listed: GarbageList, read_needed: Callable[[], AbstractSet[str]]) -> Amount:
    """Delete what a list names, nobody needs now, and nobody wrote since; how much that was.

    `read_needed` is called once it is known to all that this is under way.
    """
    deletion = _Deletion(remote, listed, read_needed)
    there = {item.key: item for prefix in ("objects/", "packs/") for item in remote.bucket.list(prefix)}
    files = [(item, listed.doomed[version(item)]) for item in there.values() if version(item) in listed.doomed]
    freed = [
        _free_packed(remote, item, names - deletion.needed()) if names else _free_half(remote, item)
        for item, names in files
        if item.key.startswith("packs/")
    ]
    loose = [(item, names) for item, names in files if item.key.startswith("objects/")]
    freed += [_free_loose(remote, loose[at : at + _BATCH], deletion) for at in range(0, len(loose), _BATCH)]
    deletion.end()
    return Amount.total(freed)


def _free_loose(remote: RemoteStore, files: list[tuple[Item, AbstractSet[str]]], deletion: _Deletion) -> Amount:
    spare = [item for item, names in files if not names & deletion.needed()]
    now = remote.run(remote.bucket.head, [item.key for item in spare], 0)
    same = [item for item, found in zip(spare, now, strict=True) if found and version(found) == version(item)]
    remote.bucket.delete(item.key for item in same)
    return Amount(len(same), sum(item.size for item in same))


def _free_half(remote: RemoteStore, item: Item) -> Amount:
    """Delete half of a pack, unless a push has just begun to send it again."""
    now, other = remote.bucket.head(item.key), remote.bucket.head(_other_half(item.key))
    if other is not None or now is None or version(now) != version(item):
        return Amount(0, 0)
    remote.bucket.delete([item.key])
    return Amount(0, item.size)


def _free_packed(remote: RemoteStore, pack: Item, names: AbstractSet[str]) -> Amount:
    _, index = remote.packs().get(pack.key[6:-5], (pack, None))
    records = [index.find(bytes.fromhex(name)) for name in names] if index else []
    sizes = {record.blake3.hex(): record.stored for record in records if record is not None}
    if not sizes:
        return Amount(0, 0)
    try:
        remote.drop(pack, sizes.keys())
    except (MissingObject, Changed):  # another gc was quicker
        remote.forget()
        return Amount(0, 0)
    return Amount(len(sizes), sum(sizes.values()))
