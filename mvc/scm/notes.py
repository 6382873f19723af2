"""Git notes: lines about a commit that are written after it, in a ref of their own."""

from __future__ import annotations

from mvc.errors import MvcError
from mvc.scm.plumbing import Git, why_failed


def read_note(git: Git, ref: str, commit: str) -> list[str]:
    """Return the lines of the note about a commit; none without a note."""
    done = git.attempt("notes", f"--ref={ref}", "show", commit)
    return done.stdout.decode(errors="replace").splitlines() if done.returncode == 0 else []


def add_note(git: Git, ref: str, commit: str, line: str) -> None:
    """Add a line to the note about a commit, if it does not have it.

    Raises:
        MvcError: Git cannot write it.
    """
    lines = read_note(git, ref, commit)
    if line in lines:
        return
    text = "".join(f"{each}\n" for each in [*lines, line])
    done = git.attempt("notes", f"--ref={ref}", "add", "--force", "--file=-", commit, stdin=text.encode())
    if done.returncode:
        raise MvcError(f"the note about {commit[:12]} was not written: {why_failed(done)}", "git config --list")
