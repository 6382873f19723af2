"""A command on a terminal of its own, as a user sees it: what it draws, and Ctrl-C."""

from __future__ import annotations

import os
import re
import select
import subprocess
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from harness import MVC, Repo

LONG_ENOUGH = 60
"""Seconds for what takes less than one; left alone, the command would take minutes."""
_PROGRESS = re.compile(r"\r\x1b\[K *\d+ %  (\d[\d.]* \w+) of (\d[\d.]* \w+)")


class Shown(NamedTuple):
    """How a command ended that was interrupted, and all that the terminal showed."""

    code: int
    text: str

    @property
    def done(self) -> list[float]:
        """The bytes done, as each line of progress told them."""
        return [_bytes(done) for done, _ in _PROGRESS.findall(self.text)]

    @property
    def last_lines(self) -> list[str]:
        """What stays on the screen at the end."""
        return [line.rpartition("\x1b[K")[2] for line in self.text.replace("^C", "").split("\r\n") if line]


def _bytes(text: str) -> float:
    """Return the number in a size for people."""
    number, unit = text.split()
    return float(number) * 1000 ** ("B", "kB", "MB", "GB").index(unit)


def interrupted(repo: Repo, until: Callable[[Shown], bool], *args: str) -> Shown:
    """Run `mvc ARGS`, and press Ctrl-C once `until` is true of what it showed."""
    ours, theirs = os.openpty()
    with subprocess.Popen(
        ["setsid", "--ctty", MVC, *args], cwd=repo.root, env=repo.environ, stdin=theirs, stdout=theirs, stderr=theirs,
    ) as process:
        os.close(theirs)
        shown = Shown(0, "")
        try:
            while not until(shown) and (part := _read(ours)):
                shown = shown._replace(text=shown.text + part)
            os.write(ours, b"\x03")
            text = shown.text + rest(ours)
            return Shown(process.wait(LONG_ENOUGH), text)
        finally:
            process.kill()
            os.close(ours)


def rest(fd: int) -> str:
    """Return what is shown until the end of the command."""
    return "".join(iter(partial(_read, fd), ""))


def _read(fd: int) -> str:
    """Return what is shown next; empty at the end of the command."""
    assert select.select([fd], [], [], LONG_ENOUGH)[0], "nothing is shown"
    try:
        return os.read(fd, 1 << 16).decode()
    except OSError:  # nobody has the other side open
        return ""
