"""Writing to Git: files to the index, and many blobs to the object database at once."""

from __future__ import annotations

import os
import re
import shlex
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress

from mvc.errors import MvcError
from mvc.fs.files import exists
from mvc.scm.plumbing import Git, why_failed

PATIENCE = 5.0
"""Seconds: an older lock is not waited for. Git holds it for milliseconds, or as long as an editor is open."""
_LIMIT = 6 * PATIENCE
"""Seconds to wait at most, where others take the lock again and again, or their clock is ahead."""
_PAUSE = 0.05
_ATTEMPTS = 100
"""How often others may take the index before it is this process's turn."""
_LOCKED = re.compile(r"'(.+index\.lock)': File exists")
_WRITTEN = "everything is written, but not staged"
_FEW = 10
MANY_BLOBS = 100
"""From this many on, blobs are written as one pack: `update-index` takes a millisecond for each that it writes."""
_SETTINGS = ("core.safecrlf=false", "filter.lfs.clean=", "filter.lfs.process=", "filter.lfs.required=false")
"""For files of mvc: an attribute such as `models/** filter=lfs` does not mean them."""
_KEPT = str(32 << 20)
"""Bytes of free memory that glibc keeps. Git frees 256 KiB after each blob; the kernel takes longer to return them than
Git to compress the blob."""


class NotStaged(MvcError):
    """Files are written, but not in the index."""


def stage(git: Git, paths: Iterable[str], pause: Callable[[float], None] = time.sleep) -> None:
    """Put the files at `paths`, as they are in the workspace, into the index; `git.cwd` is the top of the worktree.

    Waits while another process holds the index.

    Raises:
        NotStaged: it holds the index for too long, or left its lock behind; or Git fails.
    """
    _patiently(git, list(paths), ("--add", "--remove"), pause)


def _patiently(git: Git, names: list[str], options: tuple[str, ...], pause: Callable[[float], None]) -> None:
    lock = ""
    for _ in range(_ATTEMPTS if names else 0):
        if not (reason := _update(git, names, options)):
            return
        if (held := _LOCKED.search(reason)) is None:
            raise NotStaged(f"{_WRITTEN}: {reason}", "run the command again")
        lock = held[1]
        if not await_release(lock, pause):
            break
    if lock:
        error = locked(_WRITTEN, lock, git.cwd, _line(git.cwd, names, options))
        raise NotStaged(error.message, error.fix)


def unstage(git: Git, paths: Iterable[str], pause: Callable[[float], None] = time.sleep) -> None:
    """Remove the files at `paths` from the index; the workspace keeps them. Otherwise like `stage`."""
    _patiently(git, list(paths), ("--force-remove",), pause)


def _update(git: Git, paths: Iterable[str], options: tuple[str, ...]) -> str:
    """Update the index; return why it failed, or nothing."""
    names = b"".join(os.fsencode(path) + b"\0" for path in paths)
    settings = (word for setting in _SETTINGS for word in ("-c", setting))
    try:
        done = git.attempt(*settings, "update-index", *options, "-z", "--stdin", stdin=names)
    except MvcError as error:
        return error.message
    return why_failed(done) if done.returncode else ""


def _line(root: str, paths: list[str], options: tuple[str, ...]) -> str:
    """Return the line that stages the paths; empty for many."""
    if len(paths) > _FEW:
        return ""
    return f"git -C {shlex.quote(root)} update-index {' '.join(options)} -- {shlex.join(paths)}"


def write_blobs(git: Git, contents: list[bytes]) -> None:
    """Put many small files into Git's object database at once, so that `stage` finds them there.

    It only saves time: `stage` writes missing blobs.
    """
    if len(contents) < MANY_BLOBS:
        return
    stream = b"".join(b"blob\ndata %d\n%s\n" % (len(content), content) for content in contents)
    git.with_environ(MALLOC_TRIM_THRESHOLD_=_KEPT).run("fast-import", "--quiet", stdin=stream)


# Git's `index.lock`: Git itself never waits for it, and leaves it behind when it is killed.

def await_release(lock: str, pause: Callable[[float], None] = time.sleep) -> bool:
    """Wait while `lock` exists and is young; return whether it is gone."""
    limit = time.monotonic() + _LIMIT
    while exists(lock):
        if _age(lock) > PATIENCE or time.monotonic() > limit:
            return False
        pause(_PAUSE)
    return True


def _age(lock: str) -> float:
    with suppress(FileNotFoundError):  # just released
        return time.time() - os.stat(lock).st_mtime
    return 0


def locked(what: str, lock: str, root: str, then: str = "") -> MvcError:
    """Return the error that the index of the worktree `root` is locked; `then` is the line that completes `what`.

    Without `then` the same command completes it.
    """
    if holders := list(_git_processes(root)):
        line = f"{then}  # when that has ended" if then else "run the command again when that has ended"
        return MvcError(f"{what}: {lock} is held by {', '.join(holders)}", line)
    line = f"rm {shlex.quote(lock)}{f' && {then}' if then else ''}  # if no Git is running"
    again = "" if then else "; then run the command again"
    return MvcError(f"{what}: another Git process is running, or left {lock} behind", line + again)


def _git_processes(root: str) -> Iterator[str]:
    """Yield the Git commands that run in the worktree, where the system has `/proc`."""
    for process in _processes():
        with suppress(OSError):
            place = os.readlink(f"/proc/{process}/cwd")
            with open(f"/proc/{process}/cmdline", "rb") as file:
                words = os.fsdecode(file.read()).split("\0")
            if os.path.basename(words[0]) == "git" and (place == root or place.startswith(f"{root}/")):
                yield f"{' '.join(['git', *words[1:3]]).strip()} (process {process})"


def _processes() -> list[str]:
    with suppress(OSError):
        return [name for name in os.listdir("/proc") if name.isdecimal()]
    return []
