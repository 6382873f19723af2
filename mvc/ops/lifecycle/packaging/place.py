"""Where a package is written: a new name in a directory of the user's."""

from __future__ import annotations

import os

from mvc.errors import UsageError
from mvc.quality.judge.fixes import word

_OWN = (".git", ".mvc")


def new_place(target: str, shown: str, again: str) -> str:
    """Return the absolute path `target`, where nothing may be; `again` is the line with another name.

    Raises:
        UsageError: it exists, its directory does not, or it is in that of Git or mvc.
    """
    if os.path.lexists(target):
        raise UsageError(f"{shown} already exists", again)
    if own := next((name for name in os.path.realpath(target).split("/") if name in _OWN), ""):
        raise UsageError(f"{shown} is in {own}, which is not for files of the user", again)
    parent = there = os.path.dirname(target)
    while not os.path.lexists(there):
        there = os.path.dirname(there)
    if not os.path.isdir(there):
        raise UsageError(f"{there} is not a directory", again)
    if there != parent:
        raise UsageError(f"the directory {parent} does not exist", f"mkdir -p {word(parent)}")
    return target
