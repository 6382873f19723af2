"""What merging a file gives."""

from __future__ import annotations

from typing import NamedTuple


class Outcome(NamedTuple):
    """The merged file."""

    raw: bytes
    """With conflict markers unless it is clean."""
    clean: bool
    lines: tuple[str, ...] = ()
    """What the user is told."""


class Texts(NamedTuple):
    """The three versions of a file; `base` is empty if the common ancestor has none."""

    base: bytes
    ours: bytes
    theirs: bytes
