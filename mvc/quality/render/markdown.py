"""The gate's verdict as Markdown, for the summary of a CI run or a comment on a pull request.

Names, tags and messages come from a pull request. They are in code spans only, where no system looks for links,
HTML, mentions or commands, and the end of a span is escaped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from mvc.objects.visible import visible
from mvc.quality.finding import Finding, Judged
from mvc.quality.render.table import HEADINGS, Row, rows

_FEW = 100
"""Rows of a table before the rest is counted. GitHub limits summaries to 1 MiB, comments to 65,536 characters."""
_PLAIN = re.compile(r"[+-]?[0-9][0-9.]*(?:e[+-]?[0-9]+)?|-|ok|failed|refused|waived|unjudged")


def render(title: str, models: Sequence[Judged], findings: Sequence[Finding]) -> str:
    """Return the verdict as Markdown; `title` is not escaped."""
    table = list(rows(models, findings))
    blocks = [
        [f"### {title}"],
        _table(HEADINGS, (_cells(row) for row in table if not row.sliced)),
        _table(HEADINGS, (_cells(row) for row in table if row.sliced), "Slices:"),
        _table(
            ("", "code", "where", "what"),
            ([item.severity, item.code, code(item.path), code(item.message)] for item in findings),
        ),
        _commands(findings),
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


def _table(headings: Sequence[str], cells: Iterable[Sequence[str]], title: str = "") -> list[str]:
    """Return the lines of a table; empty without rows."""
    lines = [f"| {' | '.join(row)} |" for row in cells]
    if not lines:
        return []
    more = [f"| ... and {len(lines) - _FEW:,} more |"] if len(lines) > _FEW else []
    head = [f"| {' | '.join(headings)} |", f"|{' --- |' * len(headings)}"]
    return [*([title, ""] if title else []), *head, *lines[:_FEW], *more]


def _commands(findings: Iterable[Finding]) -> list[str]:
    fixes = (visible(finding.fix) for finding in findings if finding.fix and finding.severity != "note")
    return _block(list(dict.fromkeys(fixes))[:_FEW])


def _block(lines: list[str]) -> list[str]:
    """Return lines to type in a code block whose fence is longer than any in them."""
    if not lines:
        return []
    longest = max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return ["To type:", "", f"{fence}sh", *lines, fence]
