"""Annotated tags: read all at once, created and pushed one by one, never moved."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from typing import NamedTuple

from mvc.errors import MvcError, UsageError
from mvc.scm.plumbing import Git, remote_settings, why_failed

_FIELDS = (
    "%(refname:strip=2)", "%(objecttype)", "%(objectname)", "%(type)", "%(object)", "%(tag)", "%(taggername)",
    "%(taggeremail:trim)", "%(taggerdate:raw)", "%(contents)",
)
_FORMAT = "".join(f"{field}%00" for field in _FIELDS)


class TagRow(NamedTuple):
    """A ref below `refs/tags`, and of an annotated tag what its object says; empty fields otherwise."""

    name: str
    kind: str
    """`tag` for an annotated one; of a lightweight one the kind of the object it names."""
    oid: str
    target_kind: str
    target: str
    header: str
    """The name of the tag in its object."""
    tagger: str
    email: str
    date: str
    """Seconds since the epoch, and a time zone: `1764460800 +0100`."""
    text: str
    """The message; of a signed tag with the signature."""


def read_tags(git: Git, *patterns: str) -> list[TagRow]:
    """Return all tags that match the patterns of refs, or all, sorted by name.

    Raises:
        MvcError: Git cannot read one.
    """
    output = git.run("for-each-ref", f"--format={_FORMAT}", *(patterns or ("refs/tags",)))
    fields = os.fsdecode(output).split("\0")
    width = len(_FIELDS)
    rows = (fields[start : start + width] for start in range(0, len(fields) - width, width))
    return [TagRow(row[0].removeprefix("\n"), *row[1:]) for row in rows]


def create_tag(git: Git, name: str, commit: str, message: str, moment: int) -> str:
    """Create an annotated tag, signed if Git is configured to (`tag.gpgSign`); return its object.

    `moment` is in seconds since the epoch, and the time zone is the local one.

    Raises:
        MvcError: there is such a tag, or Git cannot sign.
    """
    zone = time.strftime("%z", time.localtime(moment))
    dated = git.with_environ(GIT_COMMITTER_DATE=f"{moment} {zone}")
    done = dated.attempt(
        "tag", "--annotate", "--cleanup=verbatim", "--file=-", name, commit, stdin=os.fsencode(message),
    )
    if done.returncode:
        raise MvcError(f"the tag {name} was not made: {why_failed(done)}", "git config --list")
    return git.run("rev-parse", "--verify", f"refs/tags/{name}").decode().strip()


def delete_tag(git: Git, name: str, oid: str) -> None:
    """Delete a tag that nobody else has seen, if it is still the object `oid`."""
    git.run("update-ref", "-d", f"refs/tags/{name}", oid)


# Pushing.


def push_target(git: Git) -> str:
    """Return the Git remote of tags: `remote.pushDefault`, else `origin`, else the only one; empty without.

    Raises:
        UsageError: there are several others.
    """
    chosen = git.attempt("config", "--get", "remote.pushDefault").stdout.decode(errors="replace").strip()
    remotes = [name for name, options in sorted(remote_settings(git).items()) if "url" in options]
    if chosen in remotes or "origin" in remotes:
        return chosen if chosen in remotes else "origin"
    if len(remotes) > 1:
        raise UsageError(f"several Git remotes: {', '.join(remotes)}", "git config remote.pushDefault NAME")
    return remotes[0] if remotes else ""


class PushedTag(NamedTuple):
    """How the push of a new tag ended."""

    problem: str = ""
    """Why it failed; empty if the remote has it."""
    taken: bool = False
    """Whether the remote has another tag of that name."""


def push_new_tag(git: Git, remote: str, name: str, oid: str) -> PushedTag:
    """Push the tag with the object `oid`, which the remote must not have. `git` may use the network."""
    ref = f"refs/tags/{name}"
    done = git.attempt("push", "--quiet", "--no-follow-tags", f"--force-with-lease={ref}:", remote, f"{ref}:{ref}")
    if done.returncode == 0:
        return PushedTag()
    there = git.attempt("ls-remote", remote, ref).stdout.decode(errors="replace").split("\t")[0]
    return PushedTag() if there == oid else PushedTag(why_failed(done), taken=bool(there))


# Fetching.


def fetch_tags(git: Git, remote: str, globs: Iterable[str], seconds: float) -> None:
    """Fetch the tags that match the globs, with their commits; nothing else changes. `git` may use the network.

    A tag that is here stays what it is. Nobody is asked for a password.

    Raises:
        MvcError: the remote does not answer within so many seconds, or Git fails.
    """
    quiet = {"GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": "true", "SSH_ASKPASS_REQUIRE": "never"}
    if not git.environ.get("GIT_SSH_COMMAND") and not git.environ.get("GIT_SSH"):
        quiet["GIT_SSH_COMMAND"] = f"ssh -oBatchMode=yes -oConnectTimeout={max(1, int(seconds))}"
    specs = [f"refs/tags/{glob}:refs/tags/{glob}" for glob in globs]
    done = git.with_environ(**quiet).attempt(
        "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance", "--no-recurse-submodules",
        "--end-of-options", remote, *specs, seconds=seconds,
    )
    if done.returncode:
        raise MvcError(f"tags cannot be fetched from {remote}: {why_failed(done)}")
