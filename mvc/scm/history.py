"""What commits brought and changed, and what tags name: of a history, read from Git's objects alone.

Git is one that `landing.reading` returns.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import NamedTuple

from mvc.errors import MvcError
from mvc.scm.blobs import not_here
from mvc.scm.landing import RAW, is_partial
from mvc.scm.plumbing import Git, RawChange, blob_at, reason_of, split_nul

# Renames.


def renames(git: Git, old: str, new: str, *patterns: str) -> list[tuple[str, str]]:
    """Return the files that Git sees renamed between two trees, among those that `patterns` mean."""
    output = git.run("diff-tree", *_RENAMES, old, new, "--", *patterns)
    return [pair for _, pair in _parse_renames(output)]


_RENAMES = ("-M", "-l1000", *(option for option in RAW if option != "--no-renames"))


def renames_in(git: Git, commits: Iterable[str], *patterns: str) -> list[tuple[str, tuple[str, str]]]:
    """Return the files that Git sees renamed by each of `commits`, against its first parent, with the commit."""
    asked = "".join(f"{commit} {parent}\n" for commit, parent in _first_parents(git, commits)).encode()
    if not asked:
        return []
    return _parse_renames(git.run("diff-tree", *_RENAMES, "--stdin", "--", *patterns, stdin=asked))


def _first_parents(git: Git, commits: Iterable[str]) -> list[tuple[str, str]]:
    asked = "".join(f"{commit}\n" for commit in commits).encode()
    rows = git.run("rev-list", "--no-walk=unsorted", "--parents", "--stdin", stdin=asked).decode() if asked else ""
    fields = [row.split() for row in rows.splitlines()]
    return [(row[0], row[1]) for row in fields if len(row) > 1]


def _parse_renames(output: bytes) -> list[tuple[str, tuple[str, str]]]:
    """Return the renames in what `--raw -z -M` prints, each with the commit that stands before it, if any."""
    found = []
    commit = ""
    fields = iter(split_nul(output))
    for field in fields:
        if not field.startswith(":"):
            commit = field.strip()
        elif field.split(" ")[4].startswith(("R", "C")):
            pair = next(fields), next(fields)
            found.append((commit, pair))
        else:
            next(fields)
    return found


# History.


class Step(NamedTuple):
    """A commit on the way from a tip back along the first parents, and what it changed."""

    commit: str
    changes: tuple[RawChange, ...]


def first_parents(git: Git, tip: str, *patterns: str) -> list[Step]:
    """Return the commits of the first-parent history of `tip` that changed what `patterns` mean, the newest first."""
    return _steps(git, "--first-parent", "-m", tip, patterns=patterns)


def aside(git: Git, tip: str, *patterns: str) -> list[Step]:
    """Return the commits that the history of `tip` has besides those, the newest first, on branches merged into it.

    Each with what it changed; of merges what they add themselves.
    """
    rows = git.run("rev-list", "--parents", tip, "--").decode().splitlines()
    left = {commit: parents_ for commit, *parents_ in map(str.split, rows)}
    following = next(iter(left))
    while following:
        following = next(iter(left.pop(following)), "")
    asked = "".join(f"{commit}\n" for commit in left).encode()
    return _steps(git, "-c", "--no-walk=unsorted", "--stdin", patterns=patterns, stdin=asked) if asked else []


def brought(git: Git, base: str, head: str) -> list[Step]:
    """Return the commits that `head` has and `base` has not, the newest first; of merges what they add themselves."""
    return _steps(git, "-c", f"{base}..{head}")


_LOG = (
    *RAW, "--root", "--no-show-signature", "--no-notes", "--no-mailmap", "--no-color", "--format=%H",
)


def _steps(git: Git, *options: str, patterns: Iterable[str] = (), stdin: bytes = b"") -> list[Step]:
    """Return what `git log` tells. Its fields are read one by one: a file's name may hold anything but NUL."""
    found: list[tuple[str, list[RawChange]]] = []
    fields = iter(git.run("log", *_LOG, *options, "--", *patterns, stdin=stdin).split(b"\0"))
    for field in fields:
        row = field.lstrip(b"\n").decode()
        if row.startswith(":"):
            found[-1][1].append(_change(row, os.fsdecode(next(fields))))
        elif row:
            found.append((row, []))
    return [Step(commit, tuple(changes)) for commit, changes in found]


def _change(row: str, path: str) -> RawChange:
    """Return a change; of a merge against its first parent."""
    count = len(row) - len(row.lstrip(":"))
    fields = row.lstrip(":").split(" ")
    return RawChange(path, fields[0], fields[count], fields[count + 1], fields[2 * count + 1])


def new_objects(git: Git, base: str, head: str) -> dict[str, str]:
    """Return all that `head` leads to and `base` does not: commits, trees and blobs, each with a path if it has one.

    Raises:
        MvcError: this clone lacks one.

    """
    rows = git.run("rev-list", "--objects", head, f"^{base}", "--").split(b"\n")
    named = (os.fsdecode(row).partition(" ") for row in rows)
    return {oid: path for oid, _, path in named if oid}


def blob_sizes(git: Git, oids: Iterable[str]) -> dict[str, int]:
    """Return the bytes of those objects that are blobs.

    Raises:
        MvcError: this clone lacks one.

    """
    wanted = list(oids)
    asked = "".join(f"{oid}\n" for oid in wanted).encode()
    rows = git.run("cat-file", "--batch-check=%(objecttype) %(objectsize)", stdin=asked).decode().splitlines()
    found = {}
    for oid, row in zip(wanted, rows, strict=True):
        kind, _, size = row.partition(" ")
        if kind == oid:  # "… missing"
            raise not_here(oid)
        if kind == "blob":
            found[oid] = int(size)
    return found


# Tags.


class VersionTag(NamedTuple):
    """A Git tag such as `ranker@v1.2.0`."""

    tag: str
    name: str
    """What stands before the `@`."""
    commit: str
    merged: bool
    """Whether the history of the target branch has that commit."""


def version_tags(git: Git, base: str, names: Iterable[str]) -> list[VersionTag]:
    """Return the tags that give a version to one of `names`."""
    wanted = set(names)
    merged = set(_refs(git, "%(refname:strip=2)", f"--merged={base}"))
    found = []
    for row in _refs(git, "%(objecttype) %(objectname) %(*objecttype) %(*objectname) %(refname:strip=2)"):
        kind, oid, inner, target, tag = row.split(" ", 4)
        name, at, version_ = tag.rpartition("@")
        if at and name in wanted and "commit" in (kind, inner) and not version_.endswith("!"):
            found.append(VersionTag(tag, name, oid if kind == "commit" else target, tag in merged))
    return found


def _refs(git: Git, form: str, *options: str) -> list[str]:
    return os.fsdecode(git.run("for-each-ref", f"--format={form}", *options, "refs/tags")).split("\n")[:-1]


def files_at(git: Git, places: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Return the blobs of those `places`, a commit and a path, that there are.

    Raises:
        MvcError: this clone is partial and lacks one of them, or may.

    """
    wanted = [place for place in dict.fromkeys(places) if "\n" not in place[1]]
    found = _files_at(git, wanted)
    if missing := [place for place in wanted if place not in found]:
        found |= _files_at(git, missing)  # it may have had too many files open, for a moment
    if len(found) < len(wanted) and is_partial(git):
        return {place: oid for place in wanted if (oid := blob_at(git, *place))}
    return found


def _files_at(git: Git, places: list[tuple[str, str]]) -> dict[tuple[str, str], str]:
    asked = os.fsencode("".join(f"{commit}:{path}\n" for commit, path in places))
    done = git.attempt("cat-file", "--batch-check=%(objectname) %(objecttype)", stdin=asked)
    reason = reason_of(done.stderr)
    if done.returncode or reason:  # what cannot be read is said to be missing, and at times why on stderr
        raise MvcError(f"Git cannot read its objects: {reason}", "git fsck")
    rows = (row.decode(errors="replace").rpartition(" ") for row in done.stdout.split(b"\n")[:-1])
    return {place: oid for place, (oid, _, kind) in zip(places, rows, strict=True) if kind == "blob"}
