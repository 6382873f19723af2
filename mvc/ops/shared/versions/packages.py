"""The artifacts of models in registries: lines of a Git note, since a commit and its tags never change."""

from __future__ import annotations

from typing import NamedTuple

from mvc.oci.reference import is_artifact
from mvc.scm.plumbing import Git, MissingGitObject

NOTES = "refs/notes/mvc-packages"


class Package(NamedTuple):
    """A line of the note: `HOST/REPO@sha256:… PATH`."""

    artifact: str
    path: str
    """The tracked path, from the top of the worktree."""


def read_packages(git: Git, commit: str) -> list[Package]:
    """Return the packages that are noted at a commit, the newest last. Anybody who can push may write a note.

    A partial clone that lacks the note has none.

    Raises:
        MvcError: Git cannot be run.
    """
    try:
        done = git.attempt("notes", f"--ref={NOTES}", "show", commit)
    except MissingGitObject:
        return []
    lines = done.stdout.decode(errors="replace").splitlines() if done.returncode == 0 else []
    rows = (line.partition(" ") for line in lines)
    return [Package(artifact, path) for artifact, _, path in rows if is_artifact(artifact)]


def artifacts_of(git: Git, commit: str, path: str) -> tuple[str, ...]:
    """Return the artifacts that are noted at a commit for a tracked path, the newest last.

    Raises:
        MvcError: as for `read_packages`.
    """
    return tuple(item.artifact for item in read_packages(git, commit) if item.path == path)
