"""The manifest: the sorted list of a directory's files, and its canonical form.

With `cut` and `b3sum -c`, data can be recovered from it without mvc. Above `SHARD_ABOVE` files it is divided into
shards at positions that depend on the names only, so that a changed file changes one shard.
Format: docs/formats.md, "Manifest".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain, pairwise
from operator import lt
from typing import NamedTuple, TypeAlias

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

_LINE = re.compile(r"([0-9a-f]{64}) ([0-9a-f]{32}) (0|[1-9][0-9]{0,18}) ([-x]) ([^\n]*)\n", re.ASCII)
"""The path is empty for a tracked file itself, which has no manifest but can be compared as one."""
_PATH = re.compile(r" [-x] ([^\n]*)\n")
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


Row: TypeAlias = tuple[str, str, str, int, bool]
"""The fields of an `Entry`."""


class Shard(NamedTuple):
    """Consecutive files of a directory: a line of a manifest index. A manifest that is one object is its only shard."""

    digest: Digest
    """Of their lines."""
    files: int
    first: str
    """The path of the first file; empty without files."""


class Manifest:
    """The files of a directory, sorted by the UTF-8 bytes of their paths.

    One shard at a time is read, so that millions of files need little memory. Equal shards have equal files.
    """

    def __init__(
        self, shards: Iterable[Shard], read: Callable[[Shard], bytes], total: Callable[[], int] | None = None,
    ) -> None:
        """`read` returns the object of a shard; `total` the bytes of all files, if that is known."""
        self.shards = tuple(shards)
        self.read = read
        self._total = total

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> Manifest:
        """Return the manifest of `entries`, in any order.

        Raises:
            InvalidName: a name is refused, or two collide.
        """
        ordered = sorted(entries)  # code points sort as their UTF-8 bytes do
        check_paths(lambda: (entry.path for entry in ordered))
        return cls.holding(ordered)

    @classmethod
    def holding(cls, entries: Sequence[Entry]) -> Manifest:
        """Return the manifest of sorted entries, which stay in memory."""
        ends = shard_ends([entry.path for entry in entries])
        groups = [entries[start:end] for start, end in pairwise([0, *ends])]
        bodies = {shard_of(group, hash_bytes(body)): body for group in groups if (body := encode_lines(group))}
        total = sum(entry.size for entry in entries)
        return cls(bodies, bodies.__getitem__, lambda: total)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Manifest) and self.shards == other.shards

    def __hash__(self) -> int:
        return hash(self.shards)

    def __repr__(self) -> str:
        return f"Manifest({self.files} files, {self.digest.blake3})"

    @property
    def entries(self) -> Iterator[Entry]:
        """The files; their shards are read again each time.

        Raises:
            MissingObject: a shard is not there.
            CorruptObject: a shard is damaged, or does not match the index.
            InvalidFormat: a shard is not in canonical form.
        """
        return chain.from_iterable(map(self.files_of, self.shards))

    def files_of(self, shard: Shard) -> list[Entry]:
        """Return the files of one shard."""
        return parse_lines(self.read(shard))

    def paths_of(self, shard: Shard) -> list[str]:
        """Return the paths in one shard, whose lines are valid."""
        return paths_in(self.read(shard).decode())

    @property
    def files(self) -> int:
        """The number of files."""
        return sum(shard.files for shard in self.shards)

    @property
    def total(self) -> int:
        """Bytes of content."""
        return self._total() if self._total else sum(entry.size for entry in self.entries)

    @property
    def is_sharded(self) -> bool:
        """Whether the manifest is an index of shards, not one object."""
        return self.files > SHARD_ABOVE

    @property
    def digest(self) -> Digest:
        """The digest of the manifest object."""
        return hash_bytes(encode_index(self.shards)) if self.is_sharded else self.shards[0].digest

    @property
    def is_inline(self) -> bool:
        """Whether the pointer lists the files."""
        return self.files <= INLINE_FILES and self.digest.size <= INLINE_BYTES

    def objects(self) -> Iterator[tuple[Digest, Callable[[], bytes]]]:
        """Yield the shards, then the object that `digest` names: digests, and what returns the bytes."""
        for shard in self.shards:
            yield shard.digest, partial(self.read, shard)
        if self.is_sharded:
            yield self.digest, partial(encode_index, self.shards)


def shard_ends(paths: Sequence[str], *, part: bool = False) -> list[int]:
    """Return the positions after which sorted files are divided into shards; the last one is their number.

    At most `SHARD_ABOVE` are one shard, unless they are only a `part` of the files.
    """
    if len(paths) <= SHARD_ABOVE and not part:
        return [len(paths)]
    encoded = (path.encode("utf-8", "surrogateescape") for path in paths)
    ends = [end for end, path in enumerate(encoded, 1) if not xxh64_intdigest(path) & SHARD_MASK]
    return ends if ends[-1:] == [len(paths)] else [*ends, len(paths)]


def ends_shard(path: str) -> bool:
    """Whether a shard of a large directory ends after this path."""
    return not xxh64_intdigest(path.encode("utf-8", "surrogateescape")) & SHARD_MASK


def shard_of(entries: Sequence[Entry], digest: Digest) -> Shard:
    """Return the shard with these files, whose lines have this digest."""
    return Shard(digest, len(entries), entries[0].path if entries else "")


def is_index(body: bytes) -> bool:
    """Whether `body` lists shards rather than files."""
    return body.startswith(INDEX_HEADER.encode())


def decode(body: bytes, read: Callable[[Digest], bytes]) -> Manifest:
    """Return the manifest in the object `body`; `read` returns the object of a shard.

    Raises:
        InvalidFormat: `body` is not a manifest in canonical form.
        CorruptObject: a shard does not match the index.
    """
    manifest = open_manifest(body, read)
    if manifest.is_sharded != is_index(body):
        raise _not_canonical()
    sizes: list[int] = []
    check_paths(lambda: _paths_in_order(manifest, sizes))
    return Manifest(manifest.shards, manifest.read, lambda: sum(sizes))


def open_manifest(body: bytes, read: Callable[[Digest], bytes]) -> Manifest:
    """Return a manifest that `decode` has accepted before: its names are not compared again.

    Raises:
        InvalidFormat: `body` is not a manifest.
    """
    if is_index(body):
        return Manifest(parse_index(body), lambda shard: _matching(shard, read(shard.digest)))
    return Manifest([shard_of(parse_lines(body), hash_bytes(body))], lambda _: body)


def _matching(shard: Shard, body: bytes) -> bytes:
    if hash_bytes(body) != shard.digest:
        raise _mismatch(shard)
    return body


def _mismatch(shard: Shard) -> CorruptObject:
    return CorruptObject(f"manifest shard {shard.digest.blake3} does not match its index")


def parse_index(body: bytes) -> list[Shard]:
    """Return the shards in an index.

    Raises:
        InvalidFormat: a line is malformed.
    """
    return [
        Shard(Digest(blake3, xxh128, _bounded(size)), _bounded(files), check_path(first))
        for blake3, xxh128, size, files, first in _match_lines(body, INDEX_HEADER, _SHARD_LINE)
    ]


def _paths_in_order(manifest: Manifest, sizes: list[int]) -> Iterator[str]:
    """Yield the paths; check that they are sorted, without duplicates, and divided at the right places.

    `sizes` gets the bytes of the files in each shard.
    """
    before = ""
    for shard in manifest.shards:
        entries = manifest.files_of(shard)
        if shard != shard_of(entries, shard.digest) or not (entries or shard.digest == manifest.digest):
            raise _mismatch(shard)
        sizes.append(sum(entry.size for entry in entries))
        paths = [entry.path for entry in entries]
        ends = [path for path in paths if ends_shard(path)] if manifest.is_sharded else paths[-1:]
        is_divided = ends == paths[-1:] or (not ends and shard == manifest.shards[-1])
        if not is_divided or not all(map(lt, [before, *paths], paths)):
            raise _not_canonical()
        before = paths[-1] if paths else ""
        yield from paths


def _not_canonical() -> InvalidFormat:
    return InvalidFormat("manifest is not in canonical form")


def encode_lines(entries: Iterable[Row]) -> bytes:
    """Return the object of a shard with these files, or of a manifest that is one object."""
    lines = [
        f"{blake3} {xxh128} {size} {'x' if executable else '-'} {path}\n"
        for path, blake3, xxh128, size, executable in entries
    ]
    return (HEADER + "".join(lines)).encode()


def encode_index(shards: Iterable[Shard]) -> bytes:
    """Return the object that lists shards."""
    lines = [f"{digest.blake3} {digest.xxh128} {digest.size} {files} {first}\n" for digest, files, first in shards]
    return (INDEX_HEADER + "".join(lines)).encode()


def paths_in(text: str) -> list[str]:
    """Return the paths in the lines of a shard, which are valid."""
    return _PATH.findall(text)


def parse_lines(body: bytes) -> list[Entry]:
    """Return the files in the object of a shard.

    Raises:
        InvalidFormat: a line is malformed.
    """
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
    rows: list[tuple[str, ...]] = line.findall(text, len(header))
    separators = line.groups * len(rows)
    if len(header) + sum(map(len, map("".join, rows))) + separators != len(text):
        raise InvalidFormat(f"manifest line {_malformed(text, line)} is malformed")
    return rows


def _malformed(text: str, line: re.Pattern[str]) -> int:
    lines = text.split("\n")[1:]
    return next((number for number, row in enumerate(lines, 2) if not line.fullmatch(f"{row}\n")), 0)


def _bounded(digits: str) -> int:
    if (number := int(digits)) > MAX_SIZE:
        raise InvalidFormat(f"manifest: number {digits} is too large, expected at most {MAX_SIZE}")
    return number
