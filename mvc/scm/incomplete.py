"""Incomplete clones: shallow, partial, or without some branches or tags."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

from mvc.scm.plumbing import Git, MissingGitObject, is_promisor, remote_settings

_TAGS = "refs/tags/*:refs/tags/*"


class Lack(NamedTuple):
    """A missing part of a clone, and the command that fetches it."""

    what: str
    fix: str


def lacks_history(git: Git) -> Lack | None:
    """Return why the clone is incomplete: shallow, partial, or without some branches or tags; None when complete."""
    if is_shallow(git):
        return Lack("this clone is shallow", "git fetch --unshallow")
    for name, options in sorted(remote_settings(git).items()):
        if lack := _lacks_objects(name, options) or _lacks_tags(name, options):
            return lack
    return None


def lacks_tags(git: Git) -> Lack | None:
    """Return whether the clone fetches no tags from `origin`, or without one from any remote; None when it does."""
    remotes = {name: options for name, options in sorted(remote_settings(git).items()) if "url" in options}
    asked = {"origin": remotes["origin"]} if "origin" in remotes else remotes
    lacks = [_lacks_tags(name, options) for name, options in asked.items()]
    return lacks[0] if lacks and all(lacks) else None


def lacks_versions(git: Git) -> Lack | None:
    """Return why tags of versions may be missing: a shallow clone, or one without tags or branches; None if none is."""
    if is_shallow(git):
        return Lack("this clone is shallow", "git fetch --unshallow --tags")
    branches = (_lacks_branches(name, options) for name, options in sorted(remote_settings(git).items()))
    return lacks_tags(git) or next(filter(None, branches), None)


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


def _lacks_objects(name: str, options: dict[str, list[str]]) -> Lack | None:
    if is_promisor(options):
        return Lack("this is a partial clone", "git clone URL  # without --filter")
    return _lacks_branches(name, options)


def _lacks_branches(name: str, options: dict[str, list[str]]) -> Lack | None:
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
