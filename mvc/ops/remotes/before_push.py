"""What `git push` calls first: the objects that the pushed commits need go to mvc's remote, before Git sends refs."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from typing import NamedTuple

from mvc import config
from mvc.errors import MvcError, UsageError
from mvc.objects.pointer import SUFFIX, path_of
from mvc.objects.visible import size as shown
from mvc.ops.remotes.push import PushOptions, push_selected
from mvc.ops.shared.remotes import configured_remotes
from mvc.ops.shared.revisions import pointers_in_blobs
from mvc.ops.shared.transfers.needed import needed
from mvc.ops.shared.transfers.results import TransferResult
from mvc.ops.shared.transfers.selected import Selected
from mvc.project import Project
from mvc.scm.blobs import list_blobs
from mvc.scm.changes import is_zero, new_blobs
from mvc.scm.commits import commits_of
from mvc.workspace.tracked import Selection

SKIP = "MVC_SKIP_PUSH"
"""The environment variable that pushes without content."""
LIMIT = "hooks.push_limit"
_OID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_ROW = (_OID, re.compile(".+"), _OID)
"""What follows the ref in a line that Git tells."""


class Update(NamedTuple):
    """A ref that is pushed: its name here, what it leads to, and what it led to on the Git remote."""

    ref: str
    new: str
    old: str
    """Zeros, or empty, when there is no such ref yet."""


def parse_updates(text: str) -> list[Update]:
    """Return what Git tells the hook on stdin: a line `REF OID REMOTE-REF REMOTE-OID` for each ref (githooks(5)).

    A ref that is deleted needs nothing.

    Raises:
        UsageError: a line says something else.
    """
    updates = [_parse_update(row) for row in text.split("\n") if row]
    return [update for update in updates if not is_zero(update.new)]


def _parse_update(row: str) -> Update:
    ref, *rest = row.rsplit(" ", 3)  # what is pushed may be spelled with spaces: `HEAD@{1 day ago}`
    if len(rest) != len(_ROW) or not all(pattern.fullmatch(word) for pattern, word in zip(_ROW, rest, strict=True)):
        told = f"a hook pre-push is told 'REF OID REMOTE-REF REMOTE-OID' on standard input, and not {row[:80]!r}"
        raise UsageError(told, "git push  # which tells it")
    return Update(ref, rest[0], rest[2])


def send_along(project: Project, git_remote: str, updates: Iterable[Update]) -> list[TransferResult]:
    """Send what the commits of `updates` need and the Git remote `git_remote` does not have yet.

    Raises:
        MvcError: there is no remote of mvc's; or more is to be sent than `hooks.push_limit` allows.
    """
    updates = [*updates]
    tips = commits_of(project.git, [update.new for update in updates])
    known = commits_of(project.git, [update.old for update in updates if not is_zero(update.old)])
    blobs = new_blobs(project.git, tips, known, git_remote, SUFFIX) if tips else {}
    pointers = {oid: path_of(path) for oid, path in blobs.items() if not f"/{path}".endswith(f"/{SUFFIX}")}
    items = pointers_in_blobs(project.git, [*pointers.items()])
    if not items:
        return []
    if not configured_remotes(project.settings):
        raise _nowhere(project, len(items))
    with project.locks.store():
        meant = Selected(tuple(map(Selection, items)))
        if (size := _to_send(project, meant)) > _limit(project):
            raise _too_much(project, size, _line(project, updates, tips, set(pointers)))
        return push_selected(project, meant, PushOptions())


def _to_send(project: Project, meant: Selected) -> int:
    """Return how many bytes are to be sent; the remotes are asked only when all of it would be too much."""
    size = sum(need.digest.size for need in needed(project, meant.selections).objects.values())
    if size <= _limit(project):
        return size
    return sum(result.bytes for result in push_selected(project, meant, PushOptions(dry_run=True)))


def _limit(project: Project) -> int:
    return config.parse_size(project.settings.value(LIMIT)) or 0


def _nowhere(project: Project, count: int) -> MvcError:
    what = "a pointer" if count == 1 else f"{count:,} pointers"
    message = f"the pushed commits have {what} to content that nobody else could get: no remote of mvc's is set up"
    if not project.is_set_up():
        return MvcError(f"{message} in what is checked out", "git switch BRANCH  # one that has .mvc; then git push")
    return MvcError(message, f"mvc remote add NAME URL --default  # or {SKIP}=1 git push: without the content")


def _too_much(project: Project, size: int, line: str) -> MvcError:
    limit = project.settings.value(LIMIT)
    message = f"the push needs {shown(size)} of content to be sent first, more than {LIMIT} ({limit})"
    return MvcError(f"{message}: the connection to the Git remote may time out meanwhile", f"{line} && git push")


def _line(project: Project, updates: list[Update], tips: list[str], pointers: set[str]) -> str:
    """Return the line that sends all of it: the tips' own needs, unless commits before them need more."""
    at_tips = {blob.oid for tip in tips for blob in list_blobs(project.git, tip, SUFFIX)}
    if pointers <= at_tips:
        return " ".join(["mvc push", *(f"--rev {shlex.quote(_name(update))}" for update in updates)])
    return "mvc push --all-commits"


def _name(update: Update) -> str:
    short = update.ref.removeprefix("refs/heads/")
    return short if update.ref.startswith("refs/") else update.new[:12]
