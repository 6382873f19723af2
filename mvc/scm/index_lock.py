"""Git's `index.lock`: Git itself never waits for it, and leaves it behind when it is killed."""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

from mvc.errors import MvcError
from mvc.fs.files import exists

PATIENCE = 5.0
"""Seconds: an older lock is not waited for. Git holds it for milliseconds, or as long as an editor is open."""
_LIMIT = 6 * PATIENCE
"""Seconds to wait at most, where others take the lock again and again, or their clock is ahead."""
_PAUSE = 0.05


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
