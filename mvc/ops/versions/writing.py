"""Writes an event of the registry: one annotated tag, and its push."""

from __future__ import annotations

import shlex
from typing import NamedTuple

from mvc.errors import MvcError, UsageError
from mvc.objects.pointer import SUFFIX
from mvc.ops.shared.versions.online import online
from mvc.ops.shared.versions.read import VersionFiles
from mvc.project import Project
from mvc.quality.finding import Finding
from mvc.registry.event import Trailers, message_of
from mvc.registry.grammar import TagName, spell_tag
from mvc.registry.state import Model
from mvc.scm.tags import create_tag, delete_tag, push_new_tag, push_target


class Written(NamedTuple):
    """The event that a command made, or why it made none."""

    tag: str
    """Empty if the judge refused it, or nothing had to be done."""
    name: str
    """Of the model."""
    version: str
    stage: str
    commit: str
    path: str
    blake3: str
    pushed: str = ""
    """The Git remote that has the tag now; empty if it was not pushed."""
    push_line: str = ""
    """The command that pushes it; empty without a Git remote."""
    findings: tuple[Finding, ...] = ()
    """Of the judge."""

    @property
    def refused(self) -> bool:
        """Whether the judge found an error."""
        return any(finding.severity == "error" for finding in self.findings)


class NewEvent(NamedTuple):
    """An event to write."""

    name: TagName
    subject: str
    commit: str
    files: VersionFiles
    version: str
    text: str = ""
    """The user's message."""


def write_event(project: Project, event: NewEvent, model: Model | None, now: float, *, push: bool) -> Written:
    """Write the tag of an event after the last one of the `model`; `now` is in seconds since the epoch.

    The tag is at least a second younger than that one: programs that order by time see the same order.

    Raises:
        MvcError: the tag cannot be made or pushed. It is deleted if the remote has another one.
    """
    remote = push_target(project.git)
    if push and not remote:
        raise UsageError("there is no Git remote to push the tag to", "git remote add origin URL")
    tag, files = spell_tag(event.name), event.files
    previous = model.last if model else None
    trailers = Trailers(
        files.blake3, files.report_blake3, files.path + SUFFIX, previous.oid if previous else "",
    )
    moment = max(int(now), model.moments[-1].time + 1) if model else int(now)
    oid = create_tag(project.git, tag, event.commit, message_of(event.subject, event.text, trailers), moment)
    if push:
        _push(project, remote, tag, oid)
    return Written(
        tag, event.name.model, event.version, event.name.stage, event.commit, files.path, trailers.blake3,
        remote if push else "", "" if push or not remote else push_line(remote, tag),
    )


def push_line(remote: str, tag: str) -> str:
    """Return the command that pushes a tag: Git refuses it if the remote has another one of that name."""
    return f"git push {shlex.quote(remote)} {shlex.quote(f'refs/tags/{tag}')}"


def _push(project: Project, remote: str, tag: str, oid: str) -> None:
    done = push_new_tag(online(project), remote, tag, oid)
    if not done.problem:
        return
    if done.taken:
        delete_tag(project.git, tag, oid)
        message = f"somebody else pushed {tag} to {remote} first: nothing was changed"
        raise MvcError(message, f"git fetch --tags {shlex.quote(remote)}  # then decide again")
    raise MvcError(f"the tag {tag} is made, but not pushed: {done.problem}", push_line(remote, tag))
