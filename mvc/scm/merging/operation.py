"""The operation that stopped at a conflict: what its other side is, and the command line that continues it."""

from __future__ import annotations

from typing import NamedTuple

from mvc.fs.files import exists
from mvc.scm.plumbing import Git


class Operation(NamedTuple):
    """What `git status` calls an operation in progress."""

    theirs: str
    """A revision that may name the other side; only its content at a path proves that."""
    proceed: str
    """The command line to type when all conflicts are resolved."""


_OPERATIONS = {
    "rebase-merge": Operation("REBASE_HEAD", "git rebase --continue"),
    "rebase-apply/applying": Operation("REBASE_HEAD", "git am --continue"),
    "rebase-apply": Operation("REBASE_HEAD", "git rebase --continue"),
    "CHERRY_PICK_HEAD": Operation("CHERRY_PICK_HEAD", "git cherry-pick --continue"),
    "REVERT_HEAD": Operation("REVERT_HEAD^", "git revert --continue"),
    "MERGE_HEAD": Operation("MERGE_HEAD", "git commit --no-edit"),
}
"""By a file in the Git directory, as in Git's wt-status.c."""
_STASH = Operation("refs/stash", "git status  # the stash is kept")


def operation(git: Git, git_dir: str) -> Operation:
    """Return the operation in progress in the worktree with this Git directory. `git stash pop` leaves no trace."""
    found = next((known for name, known in _OPERATIONS.items() if exists(f"{git_dir}/{name}")), None)
    if found is None:
        return _STASH if git.attempt("rev-parse", "--verify", "--quiet", _STASH.theirs).returncode == 0 else _NONE
    return found


_NONE = Operation("", "git status")
