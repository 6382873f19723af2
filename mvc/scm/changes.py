"""Queries of hooks: the files that differ between two commits, and the new blobs of a push."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from mvc.fs.files import exists
from mvc.scm.blobs import present_blobs
from mvc.scm.plumbing import Git, RawChange, parse_raw

_RAW = ("-r", "--raw", "-z", "--no-renames", "--no-abbrev")
_FILES = ("100644", "100755")


class FileChange(NamedTuple):
    """A file that differs between two commits, or a commit and the index."""

    path: str
    old: str
    """The blob before; empty when there was no regular file."""
    new: str
    """The blob after; empty when there is no regular file."""


def hooks_folder(git: Git) -> str:
    """Return the absolute path of the directory in which Git looks for hooks; `core.hooksPath` may set it."""
    told = git.run("rev-parse", "--path-format=absolute", "--git-path", "hooks")
    return os.path.normpath(os.path.join(git.cwd, os.fsdecode(told.removesuffix(b"\n"))))


def changed_between(git: Git, old: str, new: str, pattern: str) -> list[FileChange]:
    """Return the files matching `pattern` that differ between two commits; zeros for `old` stand for an empty tree."""
    before = git.run("hash-object", "-t", "tree", "--stdin").decode().strip() if is_zero(old) else old
    return _changes(git.run("diff-tree", *_RAW, before, new, "--", pattern))


def changed_in_index(git: Git, old: str, pattern: str) -> list[FileChange]:
    """Return the files matching `pattern` that differ between a commit and the index."""
    return _changes(git.run("diff-index", "--cached", *_RAW[1:], old, "--", pattern))


def successive_changes(git: Git, trees: Iterable[str], pattern: str) -> Iterator[list[RawChange]]:
    """Yield, for each of the trees, how its files matching `pattern` differ from the tree before; all of the first."""
    trees = list(trees)
    before = [git.run("hash-object", "-t", "tree", "--stdin").decode().strip(), *trees]
    asked = "".join(f"{old} {new}\n" for old, new in zip(before, trees, strict=False)).encode()
    output = git.run("diff-tree", "--stdin", *_RAW, "--", pattern, stdin=asked) if trees else b""
    changes: list[RawChange] | None = None
    fields = iter(output.split(b"\0"))
    for field in fields:
        *pairs, row = field.split(b"\n")  # Git writes a line before the changes of each pair
        for _ in pairs:
            if changes is not None:
                yield changes
            changes = []
        if row and changes is not None:
            changes += parse_raw(b"%s\0%s\0" % (row, next(fields)))
    if changes is not None:
        yield changes


def _changes(output: bytes) -> list[FileChange]:
    return [
        FileChange(item.path, item.old if item.old_mode in _FILES else "", item.oid if item.mode in _FILES else "")
        for item in parse_raw(output)
    ]


def is_zero(oid: str) -> bool:
    """Whether an object name is all zeros, Git's null object name."""
    return not oid.strip("0")


def new_blobs(git: Git, tips: Iterable[str], known: Iterable[str], remote: str, suffix: str) -> dict[str, str]:
    """Return the new blobs of files with this suffix in the history of `tips`, each with a path.

    Commits in the history of `known`, or of the remote-tracking branches of `remote`, are left out.
    """
    asked = "".join([*(f"{oid}\n" for oid in tips), *(f"^{oid}\n" for oid in known)]).encode()
    there = ["--not", f"--remotes={remote}"] if remote else []
    rows = git.run("rev-list", "--objects", "--stdin", *there, stdin=asked)  # a pathspec would miss subdirectories
    named = (os.fsdecode(row).partition(" ") for row in rows.splitlines())
    found = {oid: path for oid, _, path in named if path.endswith(suffix)}
    here = present_blobs(git, found)
    return {oid: path for oid, path in found.items() if oid in here}


def is_rebasing(git_dir: str) -> bool:
    """Whether a rebase or `git am` is in progress in the worktree with this Git directory."""
    return any(exists(f"{git_dir}/{name}") for name in ("rebase-merge", "rebase-apply"))
