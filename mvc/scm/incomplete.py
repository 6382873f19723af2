"""Clones that do not know the whole history: what other commits need, they cannot tell."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import NamedTuple

from mvc.scm.plumbing import Git, split_nul

_ALL = "refs/heads/*"
_TAGS = "refs/tags/*:refs/tags/*"


class Lack(NamedTuple):
    """What a clone does not have, and what to type to get it."""

    what: str
    fix: str


def lacks_history(git: Git) -> Lack | None:
    """Return in what a clone is incomplete: shallow, partial, or without some branches or tags; None when it is not."""
    if git.run("rev-parse", "--is-shallow-repository").strip() == b"true":
        return Lack("this clone is shallow", "git fetch --unshallow")
    settings = _remote_settings(git)
    for name in sorted({remote for remote, _ in settings}):
        option = {key: values for (remote, key), values in settings.items() if remote == name}
        if lack := _lack_of(shlex.quote(name), option) or _lack_of_tags(name, settings):
            return lack
    return None


def lacks_tags(git: Git) -> Lack | None:
    """Return that a clone is set to fetch no tags from the Git remote it is of: `origin`, else all; None otherwise."""
    settings = _remote_settings(git)
    names = {remote for remote, option in settings if option == "url"}
    lacks = [_lack_of_tags(name, settings) for name in {"origin"} & names or sorted(names)]
    return lacks[0] if lacks and all(lacks) else None


def _lack_of(remote: str, option: dict[str, list[str]]) -> Lack | None:
    """Return what a clone does not get from one of Git's remotes."""
    if "true" in option.get("promisor", ()):
        return Lack("this clone is a partial one", "git clone URL  # without --filter")
    if "url" in option and not _fetches_all(option.get("fetch", [])):
        return Lack("this clone has not all branches", f"git remote set-branches {remote} '*' && git fetch {remote}")
    return None


def _lack_of_tags(name: str, settings: Mapping[tuple[str, str], list[str]]) -> Lack | None:
    """Return that no tags come from one of Git's remotes: none by themselves, and none that are asked for."""
    asked = {refspec.removeprefix("+") for refspec in settings.get((name, "fetch"), [])}
    if "--no-tags" not in settings.get((name, "tagopt"), []) or asked & {_TAGS, "refs/*:refs/*"}:
        return None
    remote = shlex.quote(name)
    return Lack("this clone has no tags", f"git config --unset remote.{remote}.tagOpt && git fetch --tags {remote}")


def _fetches_all(refspecs: list[str]) -> bool:
    return any(refspec.removeprefix("+").partition(":")[0] in (_ALL, "refs/*") for refspec in refspecs) and not any(
        refspec.startswith("^") for refspec in refspecs
    )


def _remote_settings(git: Git) -> dict[tuple[str, str], list[str]]:
    """Return the settings of Git's remotes, by remote and key."""
    found: dict[tuple[str, str], list[str]] = {}
    for row in split_nul(git.attempt("config", "-z", "--get-regexp", r"^remote\..*\.").stdout):
        key, _, value = row.partition("\n")
        name, _, option = key.removeprefix("remote.").rpartition(".")
        found.setdefault((name, option), []).append(value)
    return found
