"""The lines of a shard, found by path without parsing the others."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from itertools import chain

from mvc.objects.manifest import HEADER, Entry, Manifest, Shard, parse_lines


def lines_of(manifest: Manifest, shard: Shard) -> list[bytes]:
    """Return the lines of a shard, sorted by path."""
    return manifest.read(shard).split(b"\n")[1:-1]


def body_of(lines: Iterable[bytes]) -> bytes:
    """Return the object with these lines."""
    return b"\n".join(chain([HEADER[:-1].encode()], lines, [b""]))


def path_of(line: bytes) -> bytes:
    """Return the path in a line."""
    return line.split(b" ", 4)[4]


def place(lines: list[bytes], path: str) -> slice:
    """Return where the line of a path is; an empty slice where it would be."""
    at = bisect_left(lines, path.encode(), key=path_of)
    is_there = [path_of(line) for line in lines[at : at + 1]] == [path.encode()]
    return slice(at, at + is_there)


def files_at(manifest: Manifest, shard: Shard, paths: Iterable[str]) -> list[Entry]:
    """Return the files of a shard at these paths, as far as there are any.

    Raises:
        MissingObject: the shard is not there.
        CorruptObject: it is damaged.
        InvalidFormat: one of these lines is malformed.
    """
    lines = lines_of(manifest, shard)
    return parse_lines(body_of(chain.from_iterable(lines[place(lines, path)] for path in paths)))
