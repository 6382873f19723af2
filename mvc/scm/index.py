"""Queries of Git's index, and of the workspace as Git sees it."""

from __future__ import annotations

import os
import re
from bisect import bisect_left
from collections.abc import Iterable
from typing import Literal, NamedTuple

from mvc.errors import MvcError
from mvc.scm.plumbing import Git, MissingGitObject, split_nul, why_failed


class IndexEntry(NamedTuple):
    """A path in the index, or an untracked file of the workspace."""

    path: str
    mode: str
    """Octal, as Git writes it; empty when untracked."""
    oid: str
    stage: int
    """1 to 3 in a conflict."""
    state: Literal["tracked", "skip-worktree", "untracked"]


_STATE: dict[str, Literal["tracked", "skip-worktree", "untracked"]] = {"S": "skip-worktree", "?": "untracked"}


def list_files(git: Git, *patterns: str) -> list[IndexEntry]:
    """Return the files in the index and the workspace that match `patterns` (pathspecs), without ignored ones."""
    output = git.run(
        "ls-files", "-z", "-t", "--stage", "--cached", "--others", "--exclude-standard", "--", *patterns,
    )
    return [_parse_entry(row) for row in split_nul(output)]


def index_entries(git: Git) -> list[IndexEntry]:
    """Return everything in the index."""
    return [_parse_entry(row) for row in split_nul(git.run("ls-files", "-z", "-t", "--stage", "--cached"))]


_MANY = 100
"""Untracked files and directories of one command line: Git compares each file with all of them."""


def files_ending(git: Git, suffix: str) -> list[IndexEntry]:
    """Return the files in the index and the workspace whose names end in `suffix`, without ignored ones.

    Git compares each file with each line of a `.gitignore`, and mvc writes a line for each tracked path. So it is
    asked about the few untracked files and directories that come into question.
    """
    rows = split_nul(git.run("ls-files", "-z", "-t", "--stage", "--cached", "--others", "--directory"))
    untracked = [row[2:] for row in rows if row.startswith("? ") and row.endswith(("/", suffix))]
    if len(untracked) > _MANY:
        return list_files(git, f"*{suffix}")
    patterns = (f":(glob){_literal(path)}{f'**/*{suffix}' if path.endswith('/') else ''}" for path in untracked)
    others = _untracked(git, *patterns) if untracked else []
    return [_parse_entry(row) for row in rows if row.endswith(suffix) and not row.startswith("? ")] + others


def _untracked(git: Git, *patterns: str) -> list[IndexEntry]:
    output = git.run("ls-files", "-z", "-t", "--others", "--exclude-standard", "--", *patterns)
    return [_parse_entry(row) for row in split_nul(output)]


def _literal(path: str) -> str:
    """Return the glob that matches only `path`."""
    return re.sub(r"([\\*?\[])", r"\\\1", path)


def _parse_entry(row: str) -> IndexEntry:
    tag, rest = row[0], row[2:]
    if tag == "?":
        return IndexEntry(rest, "", "", 0, "untracked")
    head, _, path = rest.partition("\t")
    mode, oid, stage = head.split(" ")
    return IndexEntry(path, mode, oid, int(stage), _STATE.get(tag, "tracked"))


class IndexPaths(NamedTuple):
    """Every path in the index, sorted."""

    paths: list[str]

    def at_or_below(self, path: str) -> list[str]:
        """Return `path` if the index has it, and the paths below it."""
        start = bisect_left(self.paths, path + "/")
        end = bisect_left(self.paths, path + "0")  # "0" follows "/"
        place = bisect_left(self.paths, path)
        own = [path] if self.paths[place : place + 1] == [path] else []
        return own + self.paths[start:end]


def index_paths(git: Git) -> IndexPaths:
    """Return every path in the index."""
    return IndexPaths(sorted(split_nul(git.run("ls-files", "-z", "--cached"))))


def untracked_files(git: Git, *paths: str) -> list[str]:
    """Return the files at or below `paths` (none: all) that Git neither tracks nor ignores."""
    return split_nul(git.run("--literal-pathspecs", "ls-files", "-z", "--others", "--exclude-standard", "--", *paths))


def tracked_ignore_files(git: Git) -> list[str]:
    """Return every `.gitignore` in the index."""
    return sorted(set(split_nul(git.run("ls-files", "-z", "--cached", "--", ":(glob)**/.gitignore"))))


def staged_file(git: Git, path: str) -> bytes | None:
    """Return the content of `path` in the index; None when `path` is not there.

    Raises:
        MvcError: Git cannot read it.
    """
    try:
        done = git.attempt("cat-file", "blob", f":0:{path}")
    except MissingGitObject as error:
        raise error.of(path) from None
    if done.returncode == 0:
        return done.stdout
    if is_staged(git, path):
        raise MvcError(f"reading {path} from Git's index failed: {why_failed(done)}", "git fsck")
    return None


def is_staged(git: Git, path: str) -> bool:
    """Whether the index has a file at `path`, not in conflict."""
    rows = split_nul(git.run("--literal-pathspecs", "ls-files", "-z", "--stage", "--full-name", "--", path))
    return any(row.endswith(f" 0\t{path}") for row in rows)


def conflict_blobs(git: Git, path: str, *, resolved: bool = False) -> dict[int, str]:
    """Return the blobs of a file in conflict: 1 is the common ancestor's, 2 ours, 3 theirs.

    With `resolved`, those of a conflict that was staged as resolved, as far as the index remembers it.
    """
    option = "--resolve-undo" if resolved else "--unmerged"
    rows = split_nul(git.run("--literal-pathspecs", "ls-files", "-z", option, "--full-name", "--", path))
    heads = (row.partition("\t")[0].split(" ") for row in rows)
    return {int(stage): oid for _, oid, stage in heads}


def conflicts(git: Git, *, resolved: bool = False) -> dict[str, dict[int, str]]:
    """Return the files in conflict, each with its blobs, as `conflict_blobs` does; a symlink or submodule has none."""
    found: dict[str, dict[int, str]] = {}
    for row in split_nul(git.run("ls-files", "-z", "--resolve-undo" if resolved else "--unmerged")):
        head, _, path = row.partition("\t")
        mode, oid, stage = head.split(" ")
        found.setdefault(path, {}).update({int(stage): oid} if mode in _REGULAR else {})
    return found


_REGULAR = ("100644", "100755")


def has_staged(git: Git, pattern: str) -> bool:
    """Whether the index differs from HEAD in files that match `pattern`."""
    return git.attempt("diff", "--cached", "--quiet", "--no-ext-diff", "--", pattern).returncode == 1


def has_conflicts(git: Git) -> bool:
    """Whether the index has files in conflict, so that Git commits nothing."""
    return bool(git.run("ls-files", "-z", "--unmerged"))


def commit_line(git: Git, staged: str = "") -> str:
    """Return the command line that commits what is staged, or names the conflicts that Git wants resolved first."""
    if has_conflicts(git):
        return "git status  # names the conflicts to resolve first"
    return f'git commit -m "..."{f"  ({staged} staged)" if staged else ""}'


def ignored_files(git: Git, paths: Iterable[str]) -> set[str]:
    """Return the `paths` that Git ignores; a file in the index is never ignored.

    Raises:
        MvcError: one is behind a symlink.
    """
    names = b"".join(b"./" + os.fsencode(path) + b"\0" for path in paths)  # a leading colon is pathspec magic
    done = git.attempt("check-ignore", "--no-index", "-z", "--stdin", stdin=names)  # Git would read it for each path
    if done.returncode > 1:
        raise MvcError(f"git check-ignore failed: {why_failed(done)}")
    found = {name.removeprefix("./") for name in split_nul(done.stdout)}
    index = index_paths(git) if found else IndexPaths([])
    return {path for path in found if not index.at_or_below(path)}


def modified_files(git: Git) -> set[str]:
    """Return the files in the index that are changed or missing in the workspace."""
    return set(split_nul(git.run("ls-files", "-z", "--modified")))


def changed_since_head(git: Git) -> set[str]:
    """Return the tracked files that differ from HEAD, staged or not.

    Raises:
        MvcError: Git failed, or could not read a file (then Git exits with 0).
    """
    done = git.attempt("diff", "--name-only", "--no-ext-diff", "-z", "HEAD", "--")
    if done.returncode or b"\nerror: " in b"\n" + done.stderr:
        raise MvcError(f"git diff failed: {why_failed(done)}")
    return set(split_nul(done.stdout))
