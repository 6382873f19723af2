"""The content of the index that a commit would take, read inside a hook. Nothing is written or fetched."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import NamedTuple

from mvc.scm.plumbing import PATHSPEC_VARIABLES, Git, RawChange, parse_raw, split_nul, without_preferences

_EMPTY_BLOBS = frozenset({
    "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391",
    "473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813",
})
"""With SHA-1 and SHA-256."""


def in_hook(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for Git inside a hook: with the index, directories and objects that Git selected.

    `git commit -a` and `git commit -- PATH` use a temporary index.
    """
    kept = {key: value for key, value in environ.items() if key not in PATHSPEC_VARIABLES}
    return {
        **without_preferences(kept),
        "GIT_NO_REPLACE_OBJECTS": "1",  # judge what is committed
        "GIT_OPTIONAL_LOCKS": "0",
    }


class Entry(NamedTuple):
    """A file of the index or of a tree. For a path in conflict, one of its stages."""

    mode: str
    oid: str
    conflicted: bool = False


class Index(NamedTuple):
    """The index as a commit would take it, without entries of `git add -N`, and what it changes."""

    entries: dict[str, Entry]
    changes: dict[str, RawChange]
    """Against HEAD; every file on an unborn branch. A deleted or conflicted file has the mode `000000`."""
    known: frozenset[str]
    """The blobs of HEAD and of the other parents of the commit."""
    inherited: frozenset[str] = frozenset()
    """Changed paths that another parent of the commit has as they are."""

    def brings(self, path: str) -> bool:
        """Whether the commit has something at `path` that no parent has there."""
        change, entry = self.changes.get(path), self.entries.get(path)
        if change is None or entry is None or path in self.inherited:
            return False
        return change.old != entry.oid or (change.old_mode == _SYMLINK) != (entry.mode == _SYMLINK)

    def moved_from(self) -> dict[str, list[str]]:
        """Return, for each blob, the paths that had it and have not any more."""
        found: dict[str, list[str]] = {}
        for path, change in self.changes.items():
            if path not in self.entries or self.entries[path].oid != change.old:
                found.setdefault(change.old, []).append(path)
        return found


_SYMLINK = "120000"


def read_index(git: Git, git_dir: str) -> Index:
    """Return the index and its changes. `git.cwd` must be the top of the worktree.

    Raises:
        MvcError: Git cannot read it.
    """
    entries = dict(map(_entry, split_nul(git.run("ls-files", "-z", "--stage"))))
    changes = _changes(git, "--ita-visible-in-index")
    if any(change.oid in _EMPTY_BLOBS for change in changes.values()):  # empty, or from `git add -N`
        seen, changes = changes, _changes(git, "--ita-invisible-in-index")
        entries = {path: entry for path, entry in entries.items() if path in changes or path not in seen}
    others = [_changes(git, "--ita-invisible-in-index", commit) for commit in merged_commits(git, git_dir)]
    known = {entry.oid for path, entry in entries.items() if any(path not in parent for parent in (changes, *others))}
    known |= {change.old for parent in (changes, *others) for change in parent.values()}
    inherited = {path for path in changes if any(path not in parent for parent in others)}
    return Index(entries, changes, frozenset(known), frozenset(inherited))


def _entry(row: str) -> tuple[str, Entry]:
    head, _, path = row.partition("\t")
    mode, oid, stage = head.split(" ")
    return path, Entry(mode, oid, stage != "0")


def _changes(git: Git, intent_to_add: str, *parent: str) -> dict[str, RawChange]:
    """Return the changes against `parent`, else against HEAD, or on an unborn branch the empty tree."""
    output = git.run(
        "diff", "--cached", "--raw", "-z", "--no-abbrev", "--no-renames", "--no-color", "--no-ext-diff",
        "--no-relative", "--ignore-submodules=none", "-O/dev/null", intent_to_add, *parent, "--",
    )
    return {change.path: change for change in parse_raw(output)}


def merged_commits(git: Git, git_dir: str) -> list[str]:
    """Return the commits that are being merged into HEAD.

    `pre-merge-commit` runs before Git writes MERGE_HEAD; `git merge` names them in `GITHEAD_…` variables.
    """
    named = [key.removeprefix("GITHEAD_") for key in git.environ if key.startswith("GITHEAD_")]
    with suppress(FileNotFoundError), open(f"{git_dir}/MERGE_HEAD", encoding="ascii") as file:
        named += file.read().split()
    wanted = list(dict.fromkeys(name for name in named if name and not name.strip("0123456789abcdef")))
    return [name for name in wanted if git.attempt("cat-file", "-e", f"{name}^{{commit}}").returncode == 0]
