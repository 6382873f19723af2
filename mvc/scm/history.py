"""The changes of commits in a history, read from Git's objects only.

`git` is one that `landing.reading` returns.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from mvc.scm.commits import head
from mvc.scm.merging.landing import RAW
from mvc.scm.plumbing import Git, RawChange, split_nul

# Renames.

_RENAMES = ("-M", "-l1000", *(option for option in RAW if option != "--no-renames"))


class Rename(NamedTuple):
    """A rename that Git detected."""

    old: str
    new: str
    commit: str = ""
    """The commit that renames it; empty between two trees."""


def renames(git: Git, old: str, new: str, pattern: str) -> list[Rename]:
    """Return the renames between two trees, among files that match `pattern`."""
    return _parse_renames(git.run("diff-tree", *_RENAMES, old, new, "--", pattern))


def renames_in(git: Git, commits: Iterable[str], pattern: str) -> list[Rename]:
    """Return the renames by each of `commits` against its first parent."""
    asked = "".join(f"{commit}\n" for commit in commits).encode()
    rows = git.run("rev-list", "--no-walk=unsorted", "--parents", "--stdin", stdin=asked).decode() if asked else ""
    lines = (row.split()[:2] for row in rows.splitlines())
    pairs = "".join(f"{' '.join(line)}\n" for line in lines if len(line) > 1).encode()
    return _parse_renames(git.run("diff-tree", *_RENAMES, "--stdin", "--", pattern, stdin=pairs)) if pairs else []


def _parse_renames(output: bytes) -> list[Rename]:
    """Return the renames in the output of `--raw -z -M`, each with the commit before it, if any."""
    found = []
    commit = ""
    fields = iter(split_nul(output))
    for field in fields:
        if not field.startswith(":"):
            commit = field.strip()
        elif field.split(" ")[4].startswith(("R", "C")):
            found.append(Rename(next(fields), next(fields), commit))
        else:
            next(fields)
    return found


# Changes.


class CommitChanges(NamedTuple):
    """A commit, and the files that it changed."""

    commit: str
    changes: tuple[RawChange, ...]


def first_parent_history(git: Git, tip: str, *patterns: str) -> list[CommitChanges]:
    """Return the commits on the first-parent history of `tip` that change files matching `patterns`, newest first."""
    return _log(git, "--first-parent", "--diff-merges=first-parent", tip, patterns=patterns)


_MANY = 500
"""Paths of one command line."""


def earlier_files(git: Git, tip: str, paths: Iterable[str]) -> set[tuple[str, str]]:
    """Return what the first-parent history of `tip` has had at `paths`: each path with each of its blobs."""
    wanted = [f":(top,literal){path}" for path in paths]
    parts = (wanted[start : start + _MANY] for start in range(0, len(wanted), _MANY))
    commits = (item for part in parts for item in first_parent_history(git, tip, *part))
    return {(change.path, oid) for item in commits for change in item.changes for oid in (change.old, change.oid)}


def merged_branches(git: Git, tip: str, *patterns: str) -> list[CommitChanges]:
    """Return the other commits in the history of `tip`, newest first: those of branches merged into it.

    Of a merge, the changes are those that differ from all its parents.
    """
    rows = git.run("rev-list", "--parents", tip, "--").decode().splitlines()
    left = {commit: parents for commit, *parents in map(str.split, rows)}
    following = next(iter(left))
    while following:
        following = next(iter(left.pop(following)), "")
    asked = "".join(f"{commit}\n" for commit in left).encode()
    options = (_OF_MERGES, "--no-walk=unsorted", "--stdin")
    return _log(git, *options, patterns=patterns, stdin=asked) if asked else []


def all_history(git: Git, *patterns: str) -> list[CommitChanges]:
    """Return the commits of all branches, tags and HEAD that change files matching `patterns`, newest first.

    Merges are as in `merged_branches`.
    """
    tip = head(git)
    return _log(git, _OF_MERGES, "--branches", "--remotes", "--tags", tip, patterns=patterns) if tip else []


def commits_between(git: Git, base: str, head: str) -> list[CommitChanges]:
    """Return the commits in the history of `head` and not of `base`, newest first; merges as in `merged_branches`."""
    return _log(git, _OF_MERGES, f"{base}..{head}")


def outside(git: Git, commits: Iterable[str], other: str) -> set[str]:
    """Return those of `commits` that are not in the history of `other`."""
    wanted = set(commits)
    asked = "".join(f"{commit}\n" for commit in (*sorted(wanted), f"^{other}")).encode()
    return wanted & set(git.run("rev-list", "--stdin", stdin=asked).decode().split()) if wanted else set()


class Introduced(NamedTuple):
    """The newest commit that brings a blob, and the path where."""

    commit: str
    path: str


def introduced(git: Git, tips: Sequence[str], blob: str, pattern: str) -> Introduced | None:
    """Return where the history of `tips` (none: of all refs) brings `blob` to a file that matches `pattern`."""
    for item in _log(git, f"--find-object={blob}", *(tips or ("--all", "HEAD")), patterns=[pattern]):
        for change in item.changes:
            if change.oid == blob:
                return Introduced(item.commit, change.path)
    return None


_LOG = (*RAW, "--root", "--no-show-signature", "--no-notes", "--no-mailmap", "--format=%H")
_OF_MERGES = "--diff-merges=combined"


def _log(git: Git, *options: str, patterns: Iterable[str] = (), stdin: bytes = b"") -> list[CommitChanges]:
    """Run `git log`. Its fields are read one by one: a file name may contain anything but NUL."""
    found: list[tuple[str, list[RawChange]]] = []
    fields = iter(git.run("log", *_LOG, *options, "--", *patterns, stdin=stdin).split(b"\0"))
    for field in fields:
        row = field.lstrip(b"\n").decode()
        if row.startswith(":"):
            found[-1][1].append(_parse_change(row, os.fsdecode(next(fields))))
        elif row:
            found.append((row, []))
    return [CommitChanges(commit, tuple(changes)) for commit, changes in found]


def _parse_change(row: str, path: str) -> RawChange:
    """Parse a row with one or more colons: a merge has one for each parent. `old` is the first parent's."""
    parents = len(row) - len(row.lstrip(":"))
    fields = row.lstrip(":").split(" ")
    return RawChange(path, fields[0], fields[parents], fields[parents + 1], fields[2 * parents + 1])


def new_objects(git: Git, base: str, head: str) -> dict[str, str]:
    """Return the objects reachable from `head` and not from `base`, each with its path, or an empty one.

    Raises:
        MvcError: this clone lacks one.
    """
    rows = git.run("rev-list", "--objects", head, f"^{base}", "--").split(b"\n")
    named = (os.fsdecode(row).partition(" ") for row in rows)
    return {oid: path for oid, _, path in named if oid}
