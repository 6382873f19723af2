"""Incomplete clones: shallow, partial, or without some branches or tags."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple, TypeAlias

from mvc.scm.plumbing import Git, MissingGitObject, split_nul

_TAGS = "refs/tags/*:refs/tags/*"
_Settings: TypeAlias = dict[str, dict[str, list[str]]]
"""By Git remote and key."""


class Lack(NamedTuple):
    """A missing part of a clone, and the command that fetches it."""

    what: str
    fix: str


def lacks_history(git: Git) -> Lack | None:
    """Return why the clone is incomplete: shallow, partial, or without some branches or tags; None when complete."""
    if is_shallow(git):
        return Lack("this clone is shallow", "git fetch --unshallow")
    for name, options in sorted(_remote_settings(git).items()):
        if lack := _lacks_objects(name, options) or _lacks_tags(name, options):
            return lack
    return None


def lacks_tags(git: Git) -> Lack | None:
    """Return whether the clone fetches no tags from `origin`, or without one from any remote; None when it does."""
    remotes = {name: options for name, options in sorted(_remote_settings(git).items()) if "url" in options}
    asked = {"origin": remotes["origin"]} if "origin" in remotes else remotes
    lacks = [_lacks_tags(name, options) for name, options in asked.items()]
    return lacks[0] if lacks and all(lacks) else None


def is_shallow(git: Git) -> bool:
    """Whether the clone lacks older commits."""
    return git.run("rev-parse", "--is-shallow-repository").strip() == b"true"


def is_partial(git: Git) -> bool:
    """Whether the clone fetches blobs only on demand."""
    return git.attempt("config", "--get-regexp", r"^remote\..*\.promisor$", "true").returncode == 0


@contextmanager
def naming(files: Mapping[str, str]) -> Iterator[None]:
    """Name the file in the error about a missing object; `files` are paths by object name."""
    try:
        yield
    except MissingGitObject as error:
        raise error.of(files[error.oid]) if error.oid in files else error from None


def missing_object(git: Git, oid: str) -> MissingGitObject:
    """Return the error for an object that this clone lacks, with the line that fetches it if the clone is partial."""
    promisors = [name for name, options in sorted(_remote_settings(git).items()) if _is_promisor(options)]
    return MissingGitObject(oid, _refetch(git, promisors[0]) if promisors else "git fsck")


def _refetch(git: Git, remote: str) -> str:
    """Return the line that fetches all objects from a promisor remote.

    A CI system may check out a commit that is on none of the branches, such as `refs/pull/7/merge`.
    """
    rows = os.fsdecode(git.run("for-each-ref", "--points-at=HEAD", "--format=%(objectname) %(refname)")).splitlines()
    fetched = ("refs/heads/", "refs/tags/", f"refs/remotes/{remote}/")
    others = [oid for oid, _, name in (row.partition(" ") for row in rows) if not name.startswith(fetched)]
    return " ".join(["git fetch --refetch --no-filter", shlex.quote(remote), *others[:1]])


def _is_promisor(options: dict[str, list[str]]) -> bool:
    return "true" in options.get("promisor", ())


def _lacks_objects(name: str, options: dict[str, list[str]]) -> Lack | None:
    if _is_promisor(options):
        return Lack("this is a partial clone", "git clone URL  # without --filter")
    if "url" in options and not _fetches_all_branches(options.get("fetch", [])):
        remote = shlex.quote(name)
        return Lack("this clone lacks some branches", f"git remote set-branches {remote} '*' && git fetch {remote}")
    return None


def _fetches_all_branches(refspecs: list[str]) -> bool:
    sources = {refspec.removeprefix("+").partition(":")[0] for refspec in refspecs}
    return bool(sources & {"refs/heads/*", "refs/*"}) and not any(refspec.startswith("^") for refspec in refspecs)


def _lacks_tags(name: str, options: dict[str, list[str]]) -> Lack | None:
    """Return the lack of tags, if a remote fetches none, neither automatically nor by a refspec."""
    refspecs = {refspec.removeprefix("+") for refspec in options.get("fetch", [])}
    if "--no-tags" not in options.get("tagopt", []) or refspecs & {_TAGS, "refs/*:refs/*"}:
        return None
    remote = shlex.quote(name)
    return Lack("this clone has no tags", f"git config --unset remote.{remote}.tagOpt && git fetch --tags {remote}")


def _remote_settings(git: Git) -> _Settings:
    found: _Settings = {}
    for row in split_nul(git.attempt("config", "-z", "--get-regexp", r"^remote\..*\.").stdout):
        key, _, value = row.partition("\n")
        name, _, option = key.removeprefix("remote.").rpartition(".")
        found.setdefault(name, {}).setdefault(option, []).append(value)
    return found
