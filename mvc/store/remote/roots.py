"""The objects that each clone needs on a remote, written there before it pushes: docs/formats.md, "Roots".

A gc of the remote reads those of all clones. A clone only adds to its own, unless it knows all that it needs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from collections.abc import Set as AbstractSet
from sys import intern
from threading import Lock
from typing import NamedTuple, TypeVar

from mvc.errors import InvalidFormat, MissingObject, MvcError, UsageError
from mvc.objects.digest import check_object_name
from mvc.objects.digest_table import NameTable
from mvc.packages import UPGRADE
from mvc.store.buckets.address import deleting
from mvc.store.buckets.bucket import PART, Bucket, Changed, Item
from mvc.store.remote.line_reader import read_lines
from mvc.store.remote.store import RemoteStore

_HEADER = "mvc-roots 1"
_KEY = re.compile(r"repos/([0-9a-f-]{36})/roots")
_TRIES = 5

T = TypeVar("T")


class DamagedRoots(MvcError):
    """The roots in `file`, on the remote called `remote`, are damaged, so that clone's needs are unknown."""

    def __init__(self, file: str, remote: str = "NAME") -> None:
        line = f"mvc gc -r {remote} --yes  # in that clone; if that clone was deleted: {deleting(file)}"
        super().__init__(f"{file} is damaged: what that clone needs is unknown", line)
        self.file = file


class Roots(NamedTuple):
    """The objects that a clone needs, or those among them that were asked about."""

    clone: str
    """Its id, a UUID."""
    place: str
    """Its host and directory, informative only; never verified."""
    written: float
    """Seconds since the epoch by the remote's clock."""
    names: frozenset[str]
    """Manifests, and the files that they list."""


def roots_key(clone: str) -> str:
    """Return the key of the roots of the clone with this id."""
    return f"repos/{clone}/roots"


def encode_roots(place: str, names: NameTable) -> bytes:
    """Return the bytes of a clone's roots."""
    shown = "".join(char if char.isprintable() else "?" for char in place)
    text = bytearray(f"{_HEADER}\n# {shown}\n".encode(errors="replace"))
    for key in sorted(names.keys()):
        text += b"%s\n" % key.hex().encode()
    return bytes(text)


def parse_roots(
    lines: Iterable[str], what: str, among: AbstractSet[str] | None = None,
) -> tuple[str, frozenset[str]]:
    """Return the place and the names, or those that are `among` these.

    Raises:
        UsageError: a newer mvc wrote it.
        DamagedRoots: it breaks its format.
    """
    place, names = "", set[str]()
    for line in _checked(lines, what):
        if line.startswith("#"):
            place = place or line[2:]
        elif among is None or line in among:
            names.add(line if among is None else intern(line))  # many clones need the same ones
    return place, frozenset(names)


def _checked(lines: Iterable[str], what: str) -> Iterator[str]:
    """Yield the lines after the header: comments and names."""
    try:
        lines = iter(lines)
        header = next(lines, "")
        if header != _HEADER and header.startswith("mvc-roots "):
            raise UsageError(f"{what} was written by a newer mvc", UPGRADE)
        if header != _HEADER:
            raise InvalidFormat(header)
        for line in lines:
            yield line if line.startswith("#") else check_object_name(line)
    except InvalidFormat:
        raise DamagedRoots(what) from None


def read_roots(bucket: Bucket, clone: str, among: AbstractSet[str] | None = None) -> Roots | None:
    """Return the roots of the clone with this id, or those that are `among` these; None if it never pushed.

    Raises:
        DamagedRoots: they break their format.
    """
    def read(item: Item, lines: Iterator[str], what: str) -> Roots:
        place, names = parse_roots(lines, what, among)
        return Roots(clone, place, item.modified, names)

    return _read(bucket, clone, read)


def _read(bucket: Bucket, clone: str, take: Callable[[Item, Iterator[str], str], T]) -> T | None:
    """Return what `take` makes of the roots' lines; None without roots. `take` is called again if they change."""
    for left in reversed(range(_TRIES)):
        if (item := bucket.head(roots_key(clone))) is None:
            return None
        try:
            return take(item, read_lines(bucket, item), f"{bucket.url}/{item.key}")
        except (Changed, MissingObject):  # that clone is pushing now
            if not left:
                raise
    raise AssertionError("the last try returns or raises")


class Needs(NamedTuple):
    """Which objects clones need; in memory once, however many clones need them."""

    users: dict[str, str]
    """By object: the clone that needs it; empty if several do."""
    clones: dict[str, Roots]
    """By id, without their names."""


def read_needs(remote: RemoteStore, among: AbstractSet[str], but: str = "") -> Needs:
    """Return which of the objects `among` these are needed by clones that have pushed, except the clone `but`.

    What clones need, and the remote has no more, takes no memory.

    Raises:
        MvcError: some cannot be read.
    """
    needs, adding = Needs({}, {}), Lock()

    def add(clone: str) -> None:
        roots = read_roots(remote.bucket, clone, among)
        with adding:
            if roots:
                needs.clones[clone] = roots._replace(names=frozenset())
            for name in roots.names if roots else ():
                needs.users[name] = "" if name in needs.users else clone

    sizes = {match[1]: item.size for item in remote.bucket.list("repos/") if (match := _KEY.fullmatch(item.key))}
    sizes.pop(but, None)
    remote.run(add, sorted(sizes), min(max(sizes.values(), default=0), PART))
    return needs


def add_roots(bucket: Bucket, clone: str, place: str, names: NameTable) -> None:
    """Add `names` to the roots of a clone.

    Raises:
        DamagedRoots: the existing roots break their format.
    """
    def read(_: Item, lines: Iterator[str], what: str) -> NameTable:
        return NameTable(line for line in _checked(lines, what) if not line.startswith("#"))

    known = _read(bucket, clone, read)
    if known is None or known.add_rows(names.keys()):
        bucket.write(roots_key(clone), encode_roots(place, names if known is None else known))
