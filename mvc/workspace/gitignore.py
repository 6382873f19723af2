"""The managed block of a `.gitignore`: sorted, one line for each tracked path beside it."""

from __future__ import annotations

import re
from collections.abc import Iterable

BEGIN = "# mvc begin: written by mvc, do not edit"
END = "# mvc end"
MAX_BYTES = 16 << 20


def pattern(name: str) -> str:
    """Return the line that makes Git ignore `name` in the directory of the `.gitignore`, and nothing else."""
    escaped = re.sub(r"([\\*?\[])", r"\\\1", name)
    return "/" + re.sub(r" (?= *$)", r"\\ ", escaped)


def names(text: str) -> list[str]:
    """Return the names in the block of the `.gitignore` `text`: the inverse of `pattern`."""
    _, block, _ = _split(text)
    return [re.sub(r"\\(.)", r"\1", line[1:]) for line in block if line.startswith("/")]


def update(text: str, *, add: Iterable[str] = (), remove: Iterable[str] = ()) -> str:
    """Return the `.gitignore` `text` with `add` ignored, and `remove` not.

    Lines outside the block, and their line ends, are not changed.
    """
    before, block, after = _split(text)
    names = (set(block) | set(map(pattern, add))) - set(map(pattern, remove))
    if names == set(block):
        return text
    if not names:
        return before + after
    gap = "\n" if before and not before.endswith("\n") else ""
    return before + gap + "\n".join([BEGIN, *sorted(names), END]) + "\n" + after


def _split(text: str) -> tuple[str, list[str], str]:
    match = re.search(rf"^{re.escape(BEGIN)}\r?\n(.*?)^{re.escape(END)}(?:\r?\n|\Z)", text, re.DOTALL | re.MULTILINE)
    if match is None:
        return text, [], ""
    return text[: match.start()], [line for line in re.split(r"\r?\n", match[1]) if line], text[match.end() :]
