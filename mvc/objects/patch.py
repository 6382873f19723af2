"""Changing some files of a manifest: shards without changes are neither read nor written."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise

from mvc.objects.hashing import hash_bytes
from mvc.objects.manifest import HEADER, Entry, Manifest, Shard, encode_lines, ends_shard, parse_lines, paths_in
from mvc.objects.manifest_lines import body_of, lines_of, path_of, place
from mvc.objects.names import check_paths, collides, fold


def patch(manifest: Manifest, changes: Mapping[str, Entry | None], total: int) -> Manifest:
    """Return `manifest` with files added and replaced, or deleted where a change is None.

    `total` is the bytes of all files in `manifest`.

    Raises:
        InvalidName: the names of two files collide.
        MissingObject: a shard is not there.
    """
    patched, gone = _patch_shards(manifest, changes)
    if not (manifest.is_sharded and patched.is_sharded):
        patched = Manifest.holding(list(patched.entries))
    before = {entry.path: entry.size for entry in parse_lines(body_of(gone))}
    added = {path for path, entry in changes.items() if entry} - before.keys() - {""}
    if added and collides(added, (paths_in(fold(patched.read(shard).decode())) for shard in patched.shards)):
        check_paths(lambda: (entry.path for entry in patched.entries))
    total += sum(entry.size for entry in changes.values() if entry) - sum(before.values())
    return Manifest(patched.shards, patched.read, lambda: total)


def _patch_shards(manifest: Manifest, changes: Mapping[str, Entry | None]) -> tuple[Manifest, list[bytes]]:
    """Return the manifest, and the lines that were replaced or deleted."""
    bodies: dict[Shard, bytes] = {}
    shards: list[Shard] = []
    gone: list[bytes] = []
    rest: list[bytes] = []  # lines after which no shard ends
    for shard, paths in _by_shard(manifest.shards, changes):
        if not paths and not rest:
            shards.append(shard)
            continue
        lines = rest + lines_of(manifest, shard)
        may_end = [*paths, *(path_of(line).decode() for line in lines[-1:])]
        for path in paths:
            gone += _change(lines, path, changes[path])
        ends = [0, *_ends(lines, may_end)]
        made = dict(_shard(lines[start:end]) for start, end in pairwise(ends))
        bodies |= made
        shards += made
        rest = lines[ends[-1] :]
    made = dict([_shard(rest)] if rest else [])
    bodies |= made
    return Manifest([*shards, *made], lambda shard: bodies.get(shard) or manifest.read(shard)), gone


def _by_shard(shards: tuple[Shard, ...], changes: Iterable[str]) -> Iterator[tuple[Shard, list[str]]]:
    """Yield each shard with the changed paths in its range."""
    paths, start = sorted(changes), 0
    for position, shard in enumerate(shards):
        last = position + 1 == len(shards)
        end = len(paths) if last else bisect_left(paths, shards[position + 1].first)
        yield shard, paths[start:end]
        start = end


def _change(lines: list[bytes], path: str, entry: Entry | None) -> list[bytes]:
    """Change the line of a path; return the one that was there."""
    here = place(lines, path)
    before = lines[here]
    lines[here] = [] if entry is None else [encode_lines([entry])[len(HEADER) : -1]]
    return before


def _ends(lines: list[bytes], paths: Iterable[str]) -> list[int]:
    """Return the positions in `lines` after which a shard ends, given the paths after which one may end."""
    return sorted({here.stop for path in paths if ends_shard(path) and lines[here := place(lines, path)]})


def _shard(lines: list[bytes]) -> tuple[Shard, bytes]:
    """Return the shard with these lines, and its object."""
    body = body_of(lines)
    return Shard(hash_bytes(body), len(lines), path_of(lines[0]).decode()), body
