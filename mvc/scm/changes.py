"""What Git's hooks are told of: files that differ between two states, and blobs that a push brings."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import NamedTuple

from mvc.fs.files import exists
from mvc.scm.blobs import present_blobs
from mvc.scm.plumbing import Git, parse_raw

_RAW = ("-r", "--raw", "-z", "--no-renames", "--no-abbrev")
_FILES = ("100644", "100755")


class FileChange(NamedTuple):
    """A file that differs between two states."""

    path: str
    old: str
    """Its blob before; empty when it was no regular file then, or not there."""
    new: str
    """Its blob after; empty when it is no regular file now, or gone."""


def hooks_folder(git: Git) -> str:
    """Return the directory in which Git looks for hooks, absolute: `core.hooksPath`, else the repository's own."""
    told = git.run("rev-parse", "--path-format=absolute", "--git-path", "hooks")
    return os.path.normpath(os.path.join(git.cwd, os.fsdecode(told.removesuffix(b"\n"))))


def changed_between(git: Git, old: str, new: str, pattern: str) -> list[FileChange]:
    """Return how the files that `pattern` means differ between two commits; `old` of zeros is no commit at all."""
    before = git.run("hash-object", "-t", "tree", "--stdin").decode().strip() if is_zero(old) else old
    return _changes(git.run("diff-tree", *_RAW, before, new, "--", pattern))


def changed_in_index(git: Git, old: str, pattern: str) -> list[FileChange]:
    """Return how the files that `pattern` means differ between a commit and the index."""
    return _changes(git.run("diff-index", "--cached", *_RAW[1:], old, "--", pattern))


def _changes(output: bytes) -> list[FileChange]:
    return [
        FileChange(item.path, item.old if item.old_mode in _FILES else "", item.oid if item.mode in _FILES else "")
        for item in parse_raw(output)
    ]


def is_zero(oid: str) -> bool:
    """Whether an object name is Git's word for none: all zeros."""
    return not oid.strip("0")


def commits_of(git: Git, oids: Iterable[str]) -> list[str]:
    """Return the commits that `oids` lead to: tags of them, too. What this clone lacks is left out."""
    asked = "".join(f"{oid}^{{commit}}\n" for oid in oids).encode()
    rows = git.run("cat-file", "--batch-check=%(objectname) %(objecttype)", stdin=asked) if asked else b""
    return [oid for oid, _, kind in (row.decode().partition(" ") for row in rows.splitlines()) if kind == "commit"]


def new_blobs(git: Git, tips: Iterable[str], known: Iterable[str], remote: str, suffix: str) -> dict[str, str]:
    """Return the files with this suffix in commits that `tips` bring: a path for each blob.

    Left out are the commits that lead to `known`, or that the Git remote `remote` is known to have.
    """
    asked = "".join([*(f"{oid}\n" for oid in tips), *(f"^{oid}\n" for oid in known)]).encode()
    there = ["--not", f"--remotes={remote}"] if remote else []
    rows = git.run("rev-list", "--objects", "--stdin", *there, stdin=asked)  # a pattern would not reach below the top
    named = (os.fsdecode(row).partition(" ") for row in rows.splitlines())
    found = {oid: path for oid, _, path in named if path.endswith(suffix)}
    here = present_blobs(git, found)
    return {oid: path for oid, path in found.items() if oid in here}


def is_rebasing(git_dir: str) -> bool:
    """Whether a rebase, or `git am`, is under way in the worktree with this Git directory."""
    return any(exists(f"{git_dir}/{name}") for name in ("rebase-merge", "rebase-apply"))
