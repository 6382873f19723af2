"""The objects in a repository that Git can reach: from refs, reflogs, the index, operations in progress.

An object is reachable from any of these roots, at any path.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import NamedTuple

from mvc.errors import MvcError
from mvc.fs.files import exists
from mvc.scm.blobs import list_blobs
from mvc.scm.plumbing import Git, foreign, reason_of, split_nul, why_failed
from mvc.scm.presence import kinds

_OBJECT_ID = re.compile(rb"(?<![0-9a-f])(?:[0-9a-f]{64}|[0-9a-f]{40})(?![0-9a-f])")
_ENTRY = re.compile(rb"^([0-9a-f]{40,64}) ([0-9a-f]{40,64}) ", re.MULTILINE)
"""The start of a reflog entry: the object names before and after."""
_RAW = re.compile(rb"\x01([0-9a-f]+)\n?\0|:\d+ \d+ [0-9a-f]+ ([0-9a-f]+) [A-Z]\d*\0([^\0]+)\0", re.DOTALL)
_NEW_BLOB = re.compile(rb"\0\n?:\d+ \d+ [0-9a-f]+ ([0-9a-f]+) ")
_LOG = (
    "--raw", "-z", "--diff-merges=separate", "--root", "--no-renames", "--no-abbrev", "--no-color",
    "--no-show-signature", "--format=%x01%H",
)

_STATE_DIRECTORIES = ("rebase-merge", "rebase-apply", "sequencer")
_PSEUDO_REFS = (
    "HEAD", "ORIG_HEAD", "FETCH_HEAD", "MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "REBASE_HEAD", "BISECT_HEAD",
    "MERGE_AUTOSTASH", "AUTO_MERGE",
)
_OF_A_WORKTREE = ("refs/bisect/", "refs/rewritten/", "refs/worktree/")
_OPTIONAL = frozenset({"ORIG_HEAD", "FETCH_HEAD"})
"""Git prunes objects that are named only here, so they may be missing."""


class Mention(NamedTuple):
    """A version of a file, and a commit that introduced it."""

    commit: str
    path: str
    oid: str


def worktree_git_dirs(common_dir: str) -> list[str]:
    """Return the Git directory of every worktree, the main one's first.

    Raises:
        OSError: the directory cannot be read.
    """
    parent, linked = f"{common_dir}/worktrees", []
    with suppress(FileNotFoundError):
        linked = [f"{parent}/{name}" for name in sorted(os.listdir(parent))]
    return [common_dir, *(path for path in linked if exists(f"{path}/gitdir"))]


def main_worktree(git: Git, common_dir: str) -> str:
    """Return the top of the main worktree; empty when there is none, or Git does not know it.

    Git does not know it when only a file `.git` in it names the Git directory (`git clone --separate-git-dir`).

    Raises:
        MvcError: Git cannot read its settings.
    """
    if told := _setting(git, common_dir, "core.worktree"):
        return os.path.normpath(os.path.join(common_dir, told))
    return os.path.dirname(common_dir) if os.path.basename(common_dir) == ".git" else ""


def is_bare(git: Git, common_dir: str) -> bool:
    """Whether the repository has no main worktree.

    Raises:
        MvcError: Git cannot read its settings.
    """
    return _setting(git, common_dir, "core.bare") == "true"


def _setting(git: Git, common_dir: str, key: str) -> str:
    done = inside(git, common_dir).attempt("config", "--get", key)
    if done.returncode not in (0, 1):  # 1: not set
        raise MvcError(f"Git cannot read its settings: {why_failed(done)}", "git config --list")
    return os.fsdecode(done.stdout).removesuffix("\n")


def check_trusted(git: Git, common_dir: str) -> None:
    """Check that Git itself would work in that repository: the config of another user can name commands to run.

    Git checks the owner only of a repository that it discovers, not of one in `GIT_DIR`.

    Raises:
        MvcError: Git would refuse.
    """
    done = git.at(common_dir).attempt("rev-parse", "--git-dir")
    if done.returncode == 0:
        return
    if error := foreign(common_dir, done.stderr):
        raise MvcError("it belongs to another user, so Git does not read it", error.fix)
    raise MvcError(why_failed(done), f"ls -ld {shlex.quote(common_dir)}")


def inside(git: Git, git_dir: str) -> Git:
    """Return Git in the repository with this Git directory, ignoring replaced objects."""
    return git.at(git_dir).with_environ(GIT_DIR=git_dir, GIT_NO_REPLACE_OBJECTS="1")


def reachable_blobs(git: Git, git_dirs: Sequence[str], pattern: str) -> list[str]:
    """Return every committed version of the files that match `pattern`, a pathspec `…*SUFFIX`.

    It searches the histories of all refs and reflogs of all worktrees, of stashes, and of operations in progress.
    `git_dirs` are the Git directories of all worktrees, the main one's first.

    Raises:
        MvcError: a root cannot be read.
    """
    tips = _tips(git, git_dirs)
    suffix = pattern.rpartition("*")[2]
    in_trees = [blob.oid for tree in tips["tree"] for blob in list_blobs(git, tree, suffix)]
    log = _log(git, "--all", "--reflog", pattern=pattern, stdin=tips["commit"])
    return tips["blob"] + in_trees + [oid.decode() for oid in _NEW_BLOB.findall(log) if oid.strip(b"0")]


def mentions(git: Git, pattern: str) -> list[Mention]:
    """Return every version of the files that match `pattern`, with the commits that introduced it, newest first."""
    return list(_parse_log(_log(git, "--all", "--reflog", pattern=pattern)))


def unreachable(git: Git, pattern: str) -> list[Mention]:
    """Return the versions that are only in unreachable commits which Git has not pruned yet."""
    listed = git.run("cat-file", "--batch-all-objects", "--unordered", "--batch-check=%(objecttype) %(objectname)")
    commits = {row[7:] for row in listed.decode().splitlines() if row.startswith("commit ")}
    lost = commits - set(git.run("rev-list", "--all", "--reflog").decode().split())
    with suppress(MvcError):  # parents may be pruned already
        return list(_parse_log(_log(git, "--no-walk", pattern=pattern, stdin=sorted(lost)))) if lost else []
    return []


def staged(git: Git, pattern: str) -> list[str]:
    """Return the blobs of index entries that match `pattern`, with all sides of conflicts, resolved ones too."""
    rows = git.run("ls-files", "-z", "--stage", "--", pattern) + git.run(
        "ls-files", "-z", "--resolve-undo", "--", pattern,
    )
    return sorted({row.split(" ", 2)[1] for row in split_nul(rows)})


def _log(git: Git, *options: str, pattern: str, stdin: Iterable[str] = ()) -> bytes:
    revisions = "".join(f"{oid}\n" for oid in stdin).encode()
    return git.run("log", *_LOG, *options, "--full-history", "--stdin", "--", pattern, stdin=revisions)


def _parse_log(output: bytes) -> Iterator[Mention]:
    commit = ""
    for started, oid, path in _RAW.findall(output):
        if started:
            commit = started.decode()
        elif oid.strip(b"0"):
            yield Mention(commit, os.fsdecode(path), oid.decode())


def _refs(git: Git, common_dir: str) -> set[str]:
    """Return the objects that refs name. Git skips refs that it cannot read, some of them silently.

    So the files below `refs/` are compared with what Git lists.
    """
    loose = _loose_refs(common_dir)
    done = git.attempt("for-each-ref", "--format=%(refname) %(objectname) %(*objectname)")
    if done.returncode or reason_of(done.stderr):
        raise MvcError(f"a Git ref cannot be read: {why_failed(done)}", "git fsck")
    rows = [os.fsdecode(row).split(" ") for row in done.stdout.splitlines()]
    for name in sorted(loose - {row[0] for row in rows}):
        with suppress(FileNotFoundError):  # just deleted
            os.lstat(f"{common_dir}/{name}")
            raise MvcError(f"a Git ref cannot be read: {name}", "git fsck")
    return {oid for row in rows for oid in row[1:] if oid}


def _loose_refs(common_dir: str) -> set[str]:
    """Return the names of the refs that are files, without those that belong to one worktree."""
    found = set()
    for folder, _, files in os.walk(f"{common_dir}/refs", onerror=_unreadable):
        prefix = os.path.relpath(folder, common_dir)
        found |= {f"{prefix}/{name}" for name in files if not name.endswith(".lock")}
    return {name for name in found if not name.startswith(_OF_A_WORKTREE)}


def _unreadable(error: OSError) -> None:
    if isinstance(error, FileNotFoundError):  # missing, or just deleted
        return
    raise MvcError(f"{error.filename}: {error.strerror}", "git fsck") from error


def _tips(git: Git, git_dirs: Sequence[str]) -> dict[str, list[str]]:
    """Return the objects that a worktree or a ref names directly, by type: mostly commits, but tags name anything."""
    named: set[str] = set()
    needed: dict[str, str] = {}
    for git_dir in git_dirs:
        for path, oids in _state(git_dir):
            named |= oids
            if os.path.dirname(path) == git_dir and os.path.basename(path) not in _OPTIONAL:
                needed.update(dict.fromkeys(oids, path))
        named |= _pseudo_refs(inside(git, git_dir)) | _logged(git_dir)
    refs = _refs(git, git_dirs[0])
    needed = dict.fromkeys(refs, "a ref") | needed
    found = kinds(git, named | refs)
    for oid, path in sorted(needed.items()):
        if oid not in found:
            raise MvcError(f"{path} names the object {oid}, which is missing in this clone", "git fsck")
    return {kind: sorted(oid for oid in found if found[oid] == kind) for kind in ("commit", "tree", "blob")}


def _state(git_dir: str) -> Iterator[tuple[str, set[str]]]:
    """Yield the files with a worktree's HEAD and operations in progress, and the object names in each."""
    paths = [f"{git_dir}/{name}" for name in _PSEUDO_REFS]
    for folder in _STATE_DIRECTORIES:
        with suppress(FileNotFoundError):
            paths += [f"{git_dir}/{folder}/{name}" for name in os.listdir(f"{git_dir}/{folder}")]
    for path in paths:
        with suppress(FileNotFoundError, IsADirectoryError), open(path, "rb") as file:
            yield path, {oid.decode() for oid in _OBJECT_ID.findall(file.read())}


def _logged(git_dir: str) -> set[str]:
    """Return the objects that the reflogs of a worktree name. Git itself skips an unreadable one silently."""
    found = set()
    for folder, _, files in os.walk(f"{git_dir}/logs", onerror=_unreadable):
        for name in files:
            try:
                with open(f"{folder}/{name}", "rb") as file:
                    found |= {oid.decode() for pair in _ENTRY.findall(file.read()) for oid in pair}
            except OSError as error:
                _unreadable(error)
    return found


def _pseudo_refs(git: Git) -> set[str]:
    """Return the objects that pseudo refs name if they are not files, as in a reftable."""
    names = "".join(f"{name}\n" for name in _PSEUDO_REFS).encode()
    rows = git.run("cat-file", "--batch-check=%(objectname)", stdin=names).decode().splitlines()
    return {row for row in rows if " " not in row}
