"""The manifest: the sorted list of a directory's files, and its canonical form.

With `cut` and `b3sum -c`, data can be recovered from it without mvc. Above `SHARD_ABOVE` files it is divided into
shards at positions that depend on the names only, so that a changed file changes one shard.
Format: docs/formats.md, "Manifest".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from xxhash import xxh64_intdigest

from mvc.errors import CorruptObject, InvalidFormat
from mvc.objects.digest import MAX_SIZE, Digest
from mvc.objects.hashing import hash_bytes
from mvc.objects.names import check_path, check_paths

HEADER = "mvc-manifest 1\n"
INDEX_HEADER = "mvc-manifest-index 1\n"
SHARD_ABOVE = 4096
"""Most files in a manifest that is one object."""
SHARD_MASK = 4096 - 1
"""A shard ends after a path whose xxh64 has zeros in all these bits."""
INLINE_FILES = 256
INLINE_BYTES = 64 << 10

_LINE = re.compile(r"([0-9a-f]{64}) ([0-9a-f]{32}) (0|[1-9][0-9]{0,18}) ([-x]) ([^\n]+)\n", re.ASCII)
_SHARD_LINE = re.compile(r"([0-9a-f]{64}) ([0-9a-f]{32}) ([1-9][0-9]{0,18}) ([1-9][0-9]{0,18}) ([^\n]+)\n", re.ASCII)


class Entry(NamedTuple):
    """One file of a directory; `path` is relative to it, with `/`."""

    path: str
    blake3: str
    xxh128: str
    size: int
    exec: bool = False

    @property
    def digest(self) -> Digest:
        return Digest(self.blake3, self.xxh128, self.size)


class Manifest(NamedTuple):
    """The files of a directory, sorted by the UTF-8 bytes of their paths."""

    entries: tuple[Entry, ...]

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> Manifest:
        """Return the manifest of `entries`, in any order.

        Raises:
            InvalidName: a name is refused, or two collide.
        """
        ordered = tuple(sorted(entries))  # code points sort as their UTF-8 bytes do
        check_paths(entry.path for entry in ordered)
        return cls(ordered)

    @property
    def files(self) -> int:
        """The number of files."""
        return len(self.entries)

    @property
    def total(self) -> int:
        """Bytes of content."""
        return sum(entry.size for entry in self.entries)


class Encoded(NamedTuple):
    """A manifest as objects."""

    digest: Digest
    objects: tuple[tuple[Digest, bytes], ...]
    """The shards, then the object that `digest` names."""

    @property
    def inline(self) -> bool:
        """Whether the pointer lists the files."""
        body = self.objects[-1][1]
        return len(body) <= INLINE_BYTES and body.count(b"\n") <= INLINE_FILES + 1 and not is_index(body)


def encode(manifest: Manifest) -> Encoded:
    """Return the objects of `manifest`: one, or shards and their index."""
    if manifest.files <= SHARD_ABOVE:
        body = _encode_lines(manifest.entries)
        digest = hash_bytes(body)
        return Encoded(digest, ((digest, body),))
    shards = [(group, body, hash_bytes(body)) for group in _cut(manifest.entries) if (body := _encode_lines(group))]
    index = INDEX_HEADER + "".join(
        f"{digest.blake3} {digest.xxh128} {digest.size} {len(group)} {group[0].path}\n"
        for group, _, digest in shards
    )
    top = index.encode()
    digest = hash_bytes(top)
    return Encoded(digest, (*((digest, body) for _, body, digest in shards), (digest, top)))


def is_index(body: bytes) -> bool:
    """Whether `body` lists shards rather than files."""
    return body.startswith(INDEX_HEADER.encode())


def decode(body: bytes, read: Callable[[Digest], bytes]) -> Manifest:
    """Return the manifest in the object `body`; `read` returns a verified shard.

    Raises:
        InvalidFormat: `body` is not a manifest in canonical form.
        CorruptObject: a shard does not match the index.
    """
    if not is_index(body):
        return _checked(body, _parse_lines(body))
    entries: list[Entry] = []
    for shard in parse_index(body):
        part = _parse_lines(read(shard.digest))
        if len(part) != shard.files or part[0].path != shard.first:  # an index lists no empty shard
            raise CorruptObject(f"manifest shard {shard.digest.blake3} does not match its index")
        entries += part
    return _checked(body, entries)


class Shard(NamedTuple):
    """A line of a manifest index."""

    digest: Digest
    files: int
    first: str
    """The path of its first file."""


def parse_index(body: bytes) -> list[Shard]:
    """Return the shards in an index.

    Raises:
        InvalidFormat: a line is malformed.
    """
    return [
        Shard(Digest(blake3, xxh128, _bounded(size)), _bounded(files), check_path(first))
        for blake3, xxh128, size, files, first in _match_lines(body, INDEX_HEADER, _SHARD_LINE)
    ]


def _checked(body: bytes, entries: list[Entry]) -> Manifest:
    """Return the manifest if `body` is in canonical form: sorted, without duplicates, divided at the right places."""
    manifest = Manifest.of(entries)
    if manifest.entries != tuple(entries) or encode(manifest).objects[-1][1] != body:
        raise InvalidFormat("manifest is not in canonical form")
    return manifest


def _encode_lines(entries: Iterable[Entry]) -> bytes:
    lines = [
        f"{blake3} {xxh128} {size} {'x' if executable else '-'} {path}\n"
        for path, blake3, xxh128, size, executable in entries
    ]
    return (HEADER + "".join(lines)).encode()


def _cut(entries: tuple[Entry, ...]) -> Iterator[tuple[Entry, ...]]:
    start = 0
    for position, entry in enumerate(entries, 1):
        if not xxh64_intdigest(entry.path.encode()) & SHARD_MASK:
            yield entries[start:position]
            start = position
    if start < len(entries):
        yield entries[start:]


def _parse_lines(body: bytes) -> list[Entry]:
    return [
        Entry(path, blake3, xxh128, _bounded(size), mode == "x")
        for blake3, xxh128, size, mode, path in _match_lines(body, HEADER, _LINE)
    ]


def _match_lines(body: bytes, header: str, line: re.Pattern[str]) -> list[tuple[str, ...]]:
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise InvalidFormat("manifest is not UTF-8") from None
    if not text.startswith(header):
        raise InvalidFormat("not a manifest, or one of a newer mvc")
    rows, position = [], len(header)
    for match in line.finditer(text, position):
        if match.start() != position:
            break
        rows.append(match.groups())
        position = match.end()
    if position != len(text):
        raise InvalidFormat(f"manifest line {len(rows) + 2} is malformed")
    return rows


def _bounded(digits: str) -> int:
    if (number := int(digits)) > MAX_SIZE:
        raise InvalidFormat(f"manifest: number {digits} is too large, expected at most {MAX_SIZE}")
    return number
