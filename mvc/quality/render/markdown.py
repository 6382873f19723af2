"""Parts of Markdown that GitHub and GitLab show, in which text from files does nothing.

Names, tags and messages come from a pull request. They are in code spans and code blocks only, where no system looks
for links, HTML, mentions or commands, and the end of a span is escaped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from mvc.objects.visible import visible

_LONGEST = 400
"""Characters of a code span; longer ones are cut."""


def code(text: str) -> str:
    """Return text from a file as a code span that is safe in a table; empty for empty text."""
    safe = visible(text).replace("`", "\\x60").replace("|", "\\x7c").strip()
    safe = safe if len(safe) <= _LONGEST else f"{safe[: _LONGEST - 1]}…"
    return f"`{safe}`" if safe else ""


def block(lines: Iterable[str]) -> str:
    """Return lines to type in a code block whose fence is longer than any in them."""
    lines = [*map(visible, lines)]
    longest = max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join([f"{fence}sh", *lines, fence])


def table(headings: Sequence[str], rows: Sequence[Sequence[str]], room: int, most: int) -> str:
    """Return a table with rows of at most `room` bytes, `most` in number, before the rest is counted."""
    lines = [f"| {' | '.join(row)} |" for row in rows[:most]]
    shown = fitting(lines, room)
    more = [f"| ... and {len(rows) - len(shown):,} more |"] if len(shown) < len(rows) else []
    return "\n".join([f"| {' | '.join(headings)} |", f"|{' --- |' * len(headings)}", *shown, *more])


def details(summary: str, parts: Iterable[str]) -> str:
    """Return parts that are shown once a reader asks for them; `summary` is not escaped."""
    return "\n\n".join([f"<details><summary>{summary}</summary>", *parts, "</details>"])


def fitting(parts: Iterable[str], room: int) -> list[str]:
    """Return the first parts that fit into `room` bytes; no more than one is read from `parts` beyond them."""
    shown = []
    for part in parts:
        room -= size(part)
        if room < 0:
            break
        shown.append(part)
    return shown


def size(part: str) -> int:
    """Return the bytes of a part with what is between it and the next one."""
    return len(part.encode()) + 2


def render_error(title: str, message: str, fix: str) -> str:
    """Return an error and the line to type as Markdown; `title` is not escaped."""
    return "\n\n".join([f"### {title}", code(message), *([block([fix])] if fix else [])]) + "\n"
