"""What a commit would take from the index, seen from inside of a hook: only reading, nothing fetched."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from mvc.errors import MvcError
from mvc.scm.blobs import not_here, read_blobs
from mvc.scm.plumbing import Git, RawChange, parse_raw, split_nul

_PATTERNS = frozenset({
    "GIT_LITERAL_PATHSPECS", "GIT_GLOB_PATHSPECS", "GIT_NOGLOB_PATHSPECS", "GIT_ICASE_PATHSPECS",
})
_EMPTY_BLOBS = frozenset({
    "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391",
    "473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813",
})
"""With SHA-1 and SHA-256."""
LARGE_BLOB = 2 << 20
"""Bytes from which on a blob's first ones are read by a process of its own, which is then stopped."""
_BATCH = 32 << 20
"""Bytes of blobs that are held in memory at once."""


def in_hook(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for Git inside of a hook: index, directories and objects as Git named them.

    `git commit -a` and `git commit -- PATH` judge an index of their own.
    """
    kept = {key: value for key, value in environ.items() if key not in _PATTERNS}
    # Before 2.44 Git fetched what a partial clone lacks whatever the second of them says.
    return {
        **kept,
        "GIT_ALLOW_PROTOCOL": "none",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",  # what is committed, not what stands in for it here
        "GIT_OPTIONAL_LOCKS": "0",
        "LC_ALL": "C",
    }


class Entry(NamedTuple):
    """A path of the index. Where it is in conflict, one of its stages."""

    mode: str
    oid: str
    conflicted: bool = False


class Index(NamedTuple):
    """The index as a commit would take it, and what of it is new. What `git add -N` announced is not in it."""

    entries: dict[str, Entry]
    changes: dict[str, RawChange]
    """Against HEAD; everything on an unborn branch. What is gone, or in conflict, has the mode `000000`."""
    known: frozenset[str]
    """The blobs that HEAD has, or another parent of the commit."""


def read_index(git: Git, git_dir: str) -> Index:
    """Return the index and its changes. `git.cwd` is the top of the worktree.

    Raises:
        MvcError: Git cannot read it.

    """
    entries = dict(map(_entry, split_nul(git.run("ls-files", "-z", "--stage"))))
    changes = _changes(git, "--ita-visible-in-index")
    if any(change.oid in _EMPTY_BLOBS for change in changes.values()):  # new and empty, or only announced
        seen, changes = changes, _changes(git, "--ita-invisible-in-index")
        entries = {path: entry for path, entry in entries.items() if path in changes or path not in seen}
    others = [_changes(git, "--ita-invisible-in-index", commit) for commit in _merged(git, git_dir)]
    known = {entry.oid for path, entry in entries.items() if any(path not in parent for parent in (changes, *others))}
    known |= {change.old for parent in (changes, *others) for change in parent.values()}
    return Index(entries, changes, frozenset(known))


def _entry(row: str) -> tuple[str, Entry]:
    head, _, path = row.partition("\t")
    mode, oid, stage = head.split(" ")
    return path, Entry(mode, oid, stage != "0")


def _changes(git: Git, announced: str, *parent: str) -> dict[str, RawChange]:
    """Return what differs from `parent`, else from HEAD, on an unborn branch from nothing."""
    output = git.run(
        "diff", "--cached", "--raw", "-z", "--no-abbrev", "--no-renames", "--no-color", "--no-ext-diff",
        "--no-relative", "--ignore-submodules=none", "-O/dev/null", announced, *parent, "--",
    )
    return {change.path: change for change in parse_raw(output)}


def _merged(git: Git, git_dir: str) -> list[str]:
    """Return the commits that are being merged into HEAD.

    `pre-merge-commit` runs before Git writes them down; `git merge` names them to what it calls.
    """
    named = [key.removeprefix("GITHEAD_") for key in git.environ if key.startswith("GITHEAD_")]
    with suppress(FileNotFoundError), open(f"{git_dir}/MERGE_HEAD", encoding="ascii") as file:
        named += file.read().split()
    wanted = list(dict.fromkeys(name for name in named if name and not name.strip("0123456789abcdef")))
    return [name for name in wanted if git.attempt("cat-file", "-e", f"{name}^{{commit}}").returncode == 0]


class Sized(NamedTuple):
    """A blob and how many bytes it has."""

    oid: str
    size: int


def sizes(git: Git, oids: Iterable[str]) -> list[Sized]:
    """Return the size of every blob.

    Raises:
        MvcError: one is not in the repository (a partial clone).

    """
    wanted = list(oids)
    if not wanted:
        return []
    asked = "".join(f"{oid}\n" for oid in wanted).encode()
    try:
        rows = git.run("cat-file", "--batch-check=%(objecttype) %(objectsize)", stdin=asked).splitlines()
    except MvcError as error:  # where Git would have fetched, before 2.44
        raise MvcError(error.message, error.fix or "git fetch --refetch") from None
    found = []
    for oid, row in zip(wanted, rows, strict=True):
        kind, _, size = row.partition(b" ")
        if kind != b"blob":
            raise not_here(oid)
        found.append(Sized(oid, int(size)))
    return found


def heads(git: Git, blobs: Iterable[Sized], count: int) -> Iterator[bytes]:
    """Yield the first `count` bytes of every blob, in order; of a large one no more is unpacked.

    Raises:
        MvcError: Git cannot read one.

    """
    blobs = list(blobs)
    small = _together(git, [blob for blob in blobs if blob.size < LARGE_BLOB])
    for blob in blobs:
        yield next(small)[:count] if blob.size < LARGE_BLOB else _alone(git, blob, count)


def _together(git: Git, blobs: list[Sized]) -> Iterator[bytes]:
    """Yield the bytes of every blob, as many through one process as fit into memory."""
    batch: list[str] = []
    held = 0
    for blob in blobs:
        if held + blob.size > _BATCH:
            yield from read_blobs(git, batch)
            batch, held = [], 0
        batch.append(blob.oid)
        held += blob.size
    yield from read_blobs(git, batch)


def _alone(git: Git, blob: Sized, count: int) -> bytes:
    with open(os.devnull, "rb") as nothing, git.start("cat-file", "blob", blob.oid, stdin=nothing) as process:
        output: Any = process.stdout
        data: bytes = output.read(count)
        process.kill()
    if len(data) < min(count, blob.size):
        raise MvcError(f"Git object {blob.oid} cannot be read", "git fsck")
    return data
