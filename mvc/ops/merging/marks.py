"""A file in conflict, with Git's markers around what differs."""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import NamedTuple

from mvc.objects.visible import visible


class Labels(NamedTuple):
    """What stands beside the markers."""

    ours: str
    theirs: str


def mark(ours: bytes, theirs: bytes, labels: Labels, size: int, *, whole: bool = False) -> bytes:
    """Return both texts as one: the lines that both have, and others between markers of `size` characters.

    With `whole`, no line counts as one that both have.
    """
    mine, other = ([line + b"\n" for line in text.removesuffix(b"\n").split(b"\n")] for text in (ours, theirs))
    found: list[bytes] = []
    if whole:
        return b"".join(_hunk(mine, other, labels, size))
    for tag, start, end, their_start, their_end in SequenceMatcher(None, mine, other, autojunk=False).get_opcodes():
        if tag == "equal":
            found += mine[start:end]
        else:
            found += _hunk(mine[start:end], other[their_start:their_end], labels, size)
    return b"".join(found)


def _hunk(ours: list[bytes], theirs: list[bytes], labels: Labels, size: int) -> list[bytes]:
    return [_line("<", size, labels.ours), *ours, _line("=", size), *theirs, _line(">", size, labels.theirs)]


def _line(sign: str, size: int, label: str = "") -> bytes:
    return f"{sign * size} {visible(label)}".rstrip().encode() + b"\n"
