"""Branches and tags, and the commits that they name."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import NamedTuple

from mvc.errors import MvcError
from mvc.objects.names import fold
from mvc.scm.changes import successive_changes
from mvc.scm.commits import find_commit
from mvc.scm.plumbing import Git, why_failed


def list_refs(git: Git) -> list[str]:
    """Return the short names of all branches, local and remote-tracking, and of all tags."""
    output = git.run("for-each-ref", "--format=%(refname:short)", "refs/heads", "refs/remotes", "refs/tags")
    return os.fsdecode(output).split("\n")[:-1]


class Ref(NamedTuple):
    """A branch or tag, and its commit."""

    name: str
    """Without `refs/heads/`, `refs/remotes/` or `refs/tags/`."""
    commit: str


def list_tips(git: Git, *, branches: bool, tags: bool) -> list[str]:
    """Return the commits that local branches and tags name; tags of other objects are left out."""
    folders = [folder for folder, wanted in (("refs/heads", branches), ("refs/tags", tags)) if wanted]
    return list(dict.fromkeys(ref.commit for ref in _refs(git, *folders))) if folders else []


def tags_by_commit(git: Git) -> dict[str, tuple[str, ...]]:
    """Return the names of the tags of each commit that has any."""
    found: dict[str, list[str]] = {}
    for tag in _refs(git, "refs/tags"):
        found.setdefault(tag.commit, []).append(tag.name)
    return {commit: tuple(sorted(names)) for commit, names in found.items()}


def _refs(git: Git, *options: str) -> list[Ref]:
    """Return the refs that name a commit, directly or through an annotated tag."""
    form = "%(objecttype) %(objectname) %(*objecttype) %(*objectname) %(refname:strip=2)"
    rows = os.fsdecode(git.run("for-each-ref", f"--format={form}", *options)).split("\n")[:-1]
    fields = (row.split(" ", 4) for row in rows)
    return [
        Ref(name, oid if kind == "commit" else target)
        for kind, oid, inner, target, name in fields if "commit" in (kind, inner)
    ]


def has_unpushed(git: Git) -> bool:
    """Whether the current branch has commits that no remote-tracking branch has; False without a Git remote."""
    if not git.run("remote"):
        return False
    done = git.attempt("rev-list", "--max-count=1", "HEAD", "--not", "--remotes")
    return done.returncode == 0 and bool(done.stdout) and git.attempt("symbolic-ref", "-q", "HEAD").returncode == 0


_DEFAULT = (
    "refs/remotes/origin/HEAD", "refs/remotes/origin/main", "refs/remotes/origin/master",
    "refs/heads/main", "refs/heads/master",
)


def default_branch(git: Git) -> Ref | None:
    """Return the branch that work is merged into, such as `origin/main`, at its local tip; None if unknown.

    It is the default branch of `origin`, else the local `main` or `master`.
    """
    tips = ((name, _tip(git, name)) for name in _DEFAULT)
    return next((Ref(name.split("/", 2)[2], tip) for name, tip in tips if tip), None)


def local_base(git: Git) -> str:
    """Return the local tip of the branch that work is merged into; empty if unknown."""
    found = default_branch(git)
    return found.commit if found else ""


def remote_tip(git: Git, branch: str) -> str:
    """Return the last known tip of a branch of a Git remote: of `origin`, else of the only remote that has it."""
    rows = os.fsdecode(git.run("for-each-ref", "--format=%(refname)", "refs/remotes")).split("\n")[:-1]
    found = [row for row in rows if row.split("/", 3)[3:] == [branch]]
    origin = f"refs/remotes/origin/{branch}"
    name = origin if origin in found else found[0] if len(found) == 1 else ""
    return _tip(git, name) if name else ""


def _tip(git: Git, ref: str) -> str:
    """Return the commit of exactly this ref; empty without one. Git itself would also try `refs/tags/REF`.

    Raises:
        MvcError: Git cannot read it.
    """
    done = git.attempt("show-ref", "--verify", "--hash", ref)
    if done.returncode == 0:
        return find_commit(git, done.stdout.decode().strip())
    if b"not a valid ref" in done.stderr:
        return ""
    raise MvcError(f"Git cannot read {ref}: {why_failed(done)}", "git fsck")


class VersionTag(NamedTuple):
    """A Git tag such as `ranker@v1.2.0`."""

    tag: str
    name: str
    """The part before the `@`."""
    commit: str
    merged: bool
    """Whether the commit is in the history of the target branch."""


def version_tags(git: Git, base: str) -> dict[str, list[VersionTag]]:
    """Return the tags that register a version, by the name of the model in lower case."""
    merged = {tag.name for tag in _refs(git, f"--merged={base}", "refs/tags")}
    found: dict[str, list[VersionTag]] = {}
    for tag, commit in _refs(git, "refs/tags"):
        name, at, version = tag.rpartition("@")
        if at and not version.endswith("!"):
            found.setdefault(fold(name), []).append(VersionTag(tag, name, commit, tag in merged))
    return found


def tags_holding(
    git: Git, versions: Iterable[tuple[str, str]], pattern: str,
) -> dict[tuple[str, str], tuple[str, ...]]:
    """Return, for each version (a path and its blob), the tags whose commits have it; `pattern` matches the paths.

    Git compares each tag with the one before, as most of their files are the same.
    """
    found: dict[tuple[str, str], list[str]] = {version: [] for version in versions}
    form = "%(tree)%(*tree) %(refname:strip=2)"
    rows = os.fsdecode(git.run("for-each-ref", "--sort=creatordate", f"--format={form}", "refs/tags")).split("\n")[:-1]
    tags = [(tree, name) for tree, _, name in (row.partition(" ") for row in rows) if tree and found]
    here: set[tuple[str, str]] = set()
    for (_, name), changes in zip(tags, successive_changes(git, [tree for tree, _ in tags], pattern), strict=True):
        here -= {(change.path, change.old) for change in changes}
        here |= {version for change in changes if (version := (change.path, change.oid)) in found}
        for version in here:
            found[version].append(name)
    return {version: tuple(sorted(names)) for version, names in found.items() if names}
