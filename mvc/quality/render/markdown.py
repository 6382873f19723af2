"""The gate's verdict as Markdown, for the summary of a CI run or a comment on a pull request.

Names, tags and messages come from a pull request. They are in code spans only, where no system looks for links,
HTML, mentions or commands, and the end of a span is escaped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import accumulate

from mvc.objects.visible import visible
from mvc.quality.finding import Finding, Judged
from mvc.quality.render.table import HEADINGS, Row, rows

MAX_BYTES = 1 << 20
"""The most that GitHub takes as the summary of a step; of a larger one it shows nothing. Comments have less."""
_AROUND = 4096
"""Bytes at most of the title, the headings and the counts of what is left out."""
_SEVERITIES = ("error", "warning", "note")
_FEW = 100
"""Rows of a table before the rest is counted."""
_PLAIN = re.compile(r"[+-]?[0-9][0-9.]*(?:e[+-]?[0-9]+)?|-|ok|failed|refused|waived|unjudged")


def render(title: str, models: Sequence[Judged], findings: Sequence[Finding], limit: int = MAX_BYTES) -> str:
    """Return the verdict as Markdown of at most `limit` bytes, with counts of what is left out.

    The least that it returns is the title with headings and counts. `title` is not escaped.
    """
    table = list(rows(models, findings))
    findings = sorted(findings, key=lambda item: _SEVERITIES.index(item.severity))
    room = (limit - _AROUND) // 4
    blocks = [
        [f"### {title}"],
        _table(HEADINGS, (_cells(row) for row in table if not row.sliced), room),
        _table(HEADINGS, (_cells(row) for row in table if row.sliced), room, "Slices:"),
        _table(
            ("", "code", "where", "what"),
            ([item.severity, item.code, code(item.path), code(item.message)] for item in findings), room,
        ),
        _commands(findings, room),
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def render_error(title: str, message: str, fix: str) -> str:
    """Return an error and the line to type as Markdown; `title` is not escaped."""
    blocks = [[f"### {title}"], [code(message)], _block([visible(fix)] if fix else [])]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def code(text: str) -> str:
    """Return text from a file as a code span that is safe in a table."""
    safe = visible(text).replace("`", "\\x60").replace("|", "\\x7c").strip()
    return f"`{safe}`" if safe else ""


def _cells(row: Row) -> list[str]:
    return [text if _PLAIN.fullmatch(text) else code(text) for text in row]


def _table(headings: Sequence[str], cells: Iterable[Sequence[str]], room: int, title: str = "") -> list[str]:
    """Return the lines of a table with rows of at most `room` bytes; empty without rows."""
    lines = [f"| {' | '.join(row)} |" for row in cells]
    if not lines:
        return []
    shown = _few(lines, room)
    more = [f"| ... and {len(lines) - len(shown):,} more |"] if len(shown) < len(lines) else []
    head = [f"| {' | '.join(headings)} |", f"|{' --- |' * len(headings)}"]
    return [*([title, ""] if title else []), *head, *shown, *more]


def _few(lines: Sequence[str], room: int) -> list[str]:
    """Return the first lines that fit into `room` bytes, `_FEW` at most."""
    sizes = accumulate(len(line.encode()) + 1 for line in lines)
    return [line for line, size in zip(lines[:_FEW], sizes, strict=False) if size <= room]


def _commands(findings: Iterable[Finding], room: int) -> list[str]:
    fixes = (visible(finding.fix) for finding in findings if finding.fix and finding.severity != "note")
    lines = list(dict.fromkeys(fixes))
    shown = _few(lines, room // 3)  # two thirds for the fences: a line may consist of backticks
    more = [f"# ... and {len(lines) - len(shown):,} more"] if len(shown) < len(lines) else []
    return _block([*shown, *more])


def _block(lines: list[str]) -> list[str]:
    """Return lines to type in a code block whose fence is longer than any in them."""
    if not lines:
        return []
    longest = max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return ["To type:", "", f"{fence}sh", *lines, fence]
