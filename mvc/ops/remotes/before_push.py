"""The hook pre-push: sends the objects that the pushed commits need before Git sends the commits."""

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
from mvc.scm.plumbing import Git
from mvc.workspace.tracked import Selection

SKIP = "MVC_SKIP_PUSH"
"""The environment variable that skips the hook."""
LIMIT = "hooks.push_limit"
_OID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_ROW = (_OID, re.compile(".+"), _OID)
"""The words after the ref in a line from Git."""


class Update(NamedTuple):
    """A pushed ref: its local name, its commit, and the commit that it had on the Git remote."""

    ref: str
    new: str
    old: str
    """Zeros, or empty, if the ref is new."""


def parse_updates(text: str) -> list[Update]:
    """Parse the hook's standard input: a line `REF OID REMOTE-REF REMOTE-OID` for each ref (githooks(5)).

    Deleted refs are left out.

    Raises:
        UsageError: a line has another form.
    """
    updates = [_parse_update(row) for row in text.split("\n") if row]
    return [update for update in updates if not is_zero(update.new)]


def _parse_update(row: str) -> Update:
    ref, *rest = row.rsplit(" ", 3)  # the local ref may have spaces: `HEAD@{1 day ago}`
    if len(rest) != len(_ROW) or not all(pattern.fullmatch(word) for pattern, word in zip(_ROW, rest, strict=True)):
        message = f"invalid line on standard input {row[:80]!r}: expected 'REF OID REMOTE-REF REMOTE-OID'"
        raise UsageError(message, "git push  # which calls the hook")
    return Update(ref, rest[0], rest[2])


def send_along(project: Project, git_remote: str, updates: Iterable[Update]) -> list[TransferResult]:
    """Send what those commits of `updates` need that the Git remote `git_remote` does not have yet.

    Raises:
        MvcError: no remote is configured, or the content is larger than `hooks.push_limit`.
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
        raise _no_remote(project, len(items))
    with project.locks.store():
        meant = Selected(tuple(map(Selection, items)))
        limit = project.settings.value(LIMIT)
        if (size := _size_to_send(project, meant, max_size := config.parse_size(limit) or 0)) > max_size:
            message = f"the push needs {shown(size)} of content to be sent first, more than {LIMIT} ({limit})"
            line = f"{_push_line(project.git, updates, tips, set(pointers))} && git push"
            raise MvcError(f"{message}: the connection to the Git remote might time out", line)
        return push_selected(project, meant, PushOptions())


def _size_to_send(project: Project, meant: Selected, limit: int) -> int:
    """Return the bytes to send. The remotes are asked only if the size of all content is above the limit."""
    size = sum(needed(project, meant.selections).objects.sizes())
    if size <= limit:
        return size
    return sum(result.bytes for result in push_selected(project, meant, PushOptions(dry_run=True)))


def _no_remote(project: Project, count: int) -> MvcError:
    what = "a pointer" if count == 1 else f"{count:,} pointers"
    message = f"the pushed commits have {what} to content that is only in this clone: no remote is configured"
    if not project.is_set_up():
        line = "git switch BRANCH  # one that has .mvc; then git push"
        return MvcError(f"{message} in the checked-out branch", line)
    return MvcError(message, f"mvc remote add NAME URL --default  # or {SKIP}=1 git push: without the content")


def _push_line(git: Git, updates: list[Update], tips: list[str], pointers: set[str]) -> str:
    """Return the line that sends the content of the tips; of all commits, if earlier ones need more."""
    if not pointers <= {blob.oid for tip in tips for blob in list_blobs(git, tip, SUFFIX)}:
        return "mvc push --all-commits"
    names = [
        update.ref.removeprefix("refs/heads/") if update.ref.startswith("refs/") else update.new[:12]
        for update in updates
    ]
    return " ".join(["mvc push", *(f"--rev {shlex.quote(name)}" for name in names)])
