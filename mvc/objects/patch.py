"""Changing some files of a manifest: shards without changes are neither read nor written."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, pairwise

from mvc.objects.hashing import hash_bytes
from mvc.objects.manifest import (
    HEADER,
    SHARD_ABOVE,
    Entry,
    Manifest,
    Shard,
    encode_lines,
    ends_shard,
    parse_lines,
    shard_ends,
)
from mvc.objects.names import check_paths


def patch(manifest: Manifest, changes: Mapping[str, Entry | None], total: int) -> Manifest:
    """Return `manifest` with files added and replaced, or deleted where a change is None.

    `total` is the bytes of all files in `manifest`.

    Raises:
        InvalidName: the names of two files collide.
        MissingObject: a shard is not there.
    """
    before = _present(manifest, changes)
    grown = sum(path not in before and entry is not None for path, entry in changes.items())
    files = manifest.files + grown - sum(path in before and entry is None for path, entry in changes.items())
    total += sum(entry.size for entry in changes.values() if entry) - sum(entry.size for entry in before.values())
    if manifest.is_sharded and files > SHARD_ABOVE:
        patched = _patch_shards(manifest, changes)
    else:
        kept = (entry for entry in manifest.entries if entry.path not in changes)
        patched = Manifest.holding(sorted([*kept, *filter(None, changes.values())]))
    if grown and changes.keys() != {""}:
        check_paths(lambda: (entry.path for entry in patched.entries))
    return Manifest(patched.shards, patched.read, lambda: total)


def _present(manifest: Manifest, changes: Mapping[str, Entry | None]) -> dict[str, Entry]:
    """Return the files of `manifest` at the changed paths."""
    found: dict[str, Entry] = {}
    for shard, paths in _by_shard(manifest.shards, changes):
        if paths:
            lines = _lines(manifest, shard)
            rows = (lines[at] for path in paths if (at := _position(lines, path)) < len(lines))
            found |= {entry.path: entry for entry in parse_lines(_body(rows)) if entry.path in changes}
    return found


def _by_shard(shards: tuple[Shard, ...], changes: Iterable[str]) -> Iterator[tuple[Shard, list[str]]]:
    """Yield each shard with the changed paths in its range."""
    paths, start = sorted(changes), 0
    for position, shard in enumerate(shards):
        last = position + 1 == len(shards)
        end = len(paths) if last else bisect_left(paths, shards[position + 1].first)
        yield shard, paths[start:end]
        start = end


def _patch_shards(manifest: Manifest, changes: Mapping[str, Entry | None]) -> Manifest:
    bodies: dict[Shard, bytes] = {}
    shards: list[Shard] = []
    rest: list[bytes] = []  # lines after which no shard ends
    for position, (shard, paths) in enumerate(_by_shard(manifest.shards, changes), 1):
        if not paths and not rest:
            shards.append(shard)
            continue
        lines = _lines(manifest, shard)
        for path in paths:
            _change(lines, path, changes[path])
        groups = _divided(rest + lines)
        rest = groups.pop() if groups and position < len(manifest.shards) and not _is_ended(groups[-1]) else []
        made = {_shard(group): _body(group) for group in groups}
        bodies |= made
        shards += made
    return Manifest(shards, lambda shard: bodies.get(shard) or manifest.read(shard))


def _lines(manifest: Manifest, shard: Shard) -> list[bytes]:
    return manifest.read(shard).split(b"\n")[1:-1]


def _body(lines: Iterable[bytes]) -> bytes:
    return b"\n".join(chain([HEADER[:-1].encode()], lines, [b""]))


def _path(line: bytes) -> bytes:
    return line.split(b" ", 4)[4]


def _position(lines: list[bytes], path: str) -> int:
    return bisect_left(lines, path.encode(), key=_path)


def _change(lines: list[bytes], path: str, entry: Entry | None) -> None:
    at = _position(lines, path)
    replaced = at < len(lines) and _path(lines[at]) == path.encode()
    new = [] if entry is None else [encode_lines([entry])[len(HEADER) : -1]]
    lines[at : at + replaced] = new


def _divided(lines: list[bytes]) -> list[list[bytes]]:
    """Return the lines of each shard; after the last one, a shard need not end."""
    ends = shard_ends([_path(line).decode() for line in lines], part=True) if lines else []
    return [lines[start:end] for start, end in pairwise([0, *ends])]


def _is_ended(lines: list[bytes]) -> bool:
    return ends_shard(_path(lines[-1]).decode())


def _shard(lines: list[bytes]) -> Shard:
    return Shard(hash_bytes(_body(lines)), len(lines), _path(lines[0]).decode())
