"""Writing to Git: files to the index, and many blobs to the object database at once."""

from __future__ import annotations

import os
import re
import shlex
import time
from collections.abc import Callable, Iterable

from mvc.errors import MvcError
from mvc.scm.index_lock import await_release, locked
from mvc.scm.plumbing import Git, why_failed

_ATTEMPTS = 100
"""How often others may take the index before it is this process's turn."""
_LOCKED = re.compile(r"'(.+index\.lock)': File exists")
_WRITTEN = "everything is written, but not staged"
_FEW = 10
MANY_BLOBS = 100
"""From this many on, blobs are written as one pack: `update-index` takes a millisecond for each that it writes."""


class NotStaged(MvcError):
    """Files are written, but not in the index."""


def stage(git: Git, paths: Iterable[str], pause: Callable[[float], None] = time.sleep) -> None:
    """Put the files at `paths`, as they are in the workspace, into the index; `git.cwd` is the top of the worktree.

    Waits while another process holds the index.

    Raises:
        NotStaged: it holds the index for too long, or left its lock behind; or Git fails.
    """
    names, lock = list(paths), ""
    for _ in range(_ATTEMPTS if names else 0):
        if not (reason := _update(git, names)):
            return
        if (held := _LOCKED.search(reason)) is None:
            raise NotStaged(f"{_WRITTEN}: {reason}", "run the command again")
        lock = held[1]
        if not await_release(lock, pause):
            break
    if lock:
        error = locked(_WRITTEN, lock, git.cwd, _line(git.cwd, names))
        raise NotStaged(error.message, error.fix)


def _update(git: Git, paths: Iterable[str]) -> str:
    """Update the index; return why it failed, or nothing."""
    names = b"".join(os.fsencode(path) + b"\0" for path in paths)
    options = ("--add", "--remove", "-z", "--stdin")
    try:
        done = git.attempt("-c", "core.safecrlf=false", "update-index", *options, stdin=names)
    except MvcError as error:
        return error.message
    return why_failed(done) if done.returncode else ""


def _line(root: str, paths: list[str]) -> str:
    """Return the line that stages the paths; empty for many."""
    if len(paths) > _FEW:
        return ""
    return f"git -C {shlex.quote(root)} update-index --add --remove -- {shlex.join(paths)}"


def write_blobs(git: Git, contents: list[bytes]) -> None:
    """Put many small files into Git's object database at once, so that `stage` finds them there.

    It only saves time: `stage` writes missing blobs.
    """
    if len(contents) < MANY_BLOBS:
        return
    stream = b"".join(b"blob\ndata %d\n%s\n" % (len(content), content) for content in contents)
    git.run("fast-import", "--quiet", stdin=stream)
