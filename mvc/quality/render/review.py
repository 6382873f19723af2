"""The gate's verdict as Markdown, for the summary of a CI run or a comment on a pull request."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from mvc.objects.visible import plural
from mvc.quality.finding import Finding, Gated, Judged
from mvc.quality.render.markdown import block, code, details, fitting, size, table
from mvc.quality.render.model_change import is_worse, metric_rows, parse
from mvc.quality.render.model_section import section, strong
from mvc.quality.render.table import HEADINGS, STRIKING, Found, Row, rows

MAX_BYTES = 64_000
"""GitHub takes 65,536 characters as a comment, and 1 MiB as a summary; one text serves both."""
_AROUND = 2048
"""Bytes at most of the title, of headings and of counts of what is left out."""
_SECTIONS = 5
"""Models that have a section; the others are in one table."""
_OPEN = 5
"""Findings that a reader sees at once."""
_ROWS = 300
"""Metrics of the other models, before the rest is counted."""
_LONGEST_PART = 4000
"""Bytes of what one line to type mends, and of that line, which cannot be cut."""
_PLAIN = re.compile(r"[+-]?[0-9][0-9.]*(?:e[+-]?[0-9]+)?|-|ok|failed|refused|waived|unjudged")


def render(title: str, gated: Gated, limit: int = MAX_BYTES) -> str:
    """Return the verdict as Markdown of at most `limit` bytes, with counts of what is left out.

    First comes what must be done, then the models, the worst ones first, then remarks. The least that it returns is
    the title with headings and counts. `title` is not escaped.
    """
    room = min(limit, MAX_BYTES) - _AROUND
    by_severity = {word: [item for item in gated.findings if item.severity == word] for word in _WORDS}
    problems = _problems([*by_severity["error"], *by_severity["warning"]], room // 2)
    room -= sum(map(size, problems))
    models = _models(gated, room * 3 // 4)
    room -= sum(map(size, models))
    notes = _notes(by_severity["note"], room)
    return "\n\n".join([f"### {title}", *problems, *models, *notes]) + "\n"


_WORDS = ("error", "warning", "note")


# Findings.


def _problems(findings: Iterable[Finding], room: int) -> list[str]:
    """Return the findings, those together that one line mends."""
    groups: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        groups.setdefault((finding.path, finding.fix), []).append(finding)
    shown = fitting((_problem(fix, items) for (_, fix), items in groups.items()), room)
    more = [f"... and {sum(map(len, [*groups.values()][len(shown):])):,} more"] if len(shown) < len(groups) else []
    if len(shown) <= _OPEN:
        return [*shown, *more]
    rest = sum(map(len, [*groups.values()][_OPEN:]))
    return [*shown[:_OPEN], details(plural(rest, "more finding"), [*shown[_OPEN:], *more])]


def _problem(fix: str, findings: Sequence[Finding]) -> str:
    shown = fitting(map(_finding, findings), _LONGEST_PART)
    more = [f"... and {len(findings) - len(shown):,} more"] if len(shown) < len(findings) else []
    fits = fix and len(fix.encode(errors="replace")) <= _LONGEST_PART
    return "\n\n".join([*shown, *more, *([block([fix])] if fits else [])])


def _finding(finding: Finding) -> str:
    where = " ".join(filter(None, (f"**{finding.severity} {finding.code}**", code(finding.path))))
    return f"{where}: {code(finding.message)}"


def _notes(notes: Sequence[Finding], room: int) -> list[str]:
    if not notes:
        return []
    lines = fitting((f"- {item.code} {code(item.path)}: {code(item.message)}" for item in notes), room)
    more = [f"- ... and {len(notes) - len(lines):,} more"] if len(lines) < len(notes) else []
    return [details(plural(len(notes), "note"), ["\n".join([*lines, *more])])]


# Models.


def _models(gated: Gated, room: int) -> list[str]:
    found = Found.of(gated.findings)
    ordered = sorted(gated.models, key=lambda model: _rank(gated, model, found))
    most = room // _SECTIONS // 2
    texts = (section(model, gated.versions.get(model.path, ()), found, most) for model in ordered[:_SECTIONS])
    shown = fitting(texts, room)
    left = ordered[len(shown):]
    return [*shown, *([_others(gated, left, room - sum(map(size, shown)))] if left else [])]


def _rank(gated: Gated, model: Judged, found: Found) -> int:
    """Return 0 with an error, 1 with a broken rule, 2 with a metric that is worse than before, 3 for any other."""
    if model.path in found.broken:
        return 0
    if not all(item.passed for item in model.comparisons):
        return 1
    metrics = metric_rows(reversed([parse(item) for item in gated.versions.get(model.path, ())[:2]]))
    return 2 if any(is_worse(item, metrics.get(item.metric)) for item in model.comparisons) else 3


def _others(gated: Gated, models: Sequence[Judged], room: int) -> str:
    cells = [_cells(row) for row in rows(models, gated.findings) if not row.sliced or row.verdict in STRIKING]
    return details(plural(len(models), "more model"), [table(HEADINGS, cells, room, _ROWS)])


def _cells(row: Row) -> list[str]:
    return [strong(text) if _PLAIN.fullmatch(text) else code(text) for text in row]
