"""Set and remove keys in the lines of a YAML file of nested mappings; comments stay."""

from __future__ import annotations

import re
from itertools import takewhile

from mvc.objects.pointer import LABEL, quote


def remove(lines: list[str], path: list[str]) -> None:
    """Remove the line of a key, and the sections that become empty."""
    found = _find(lines, path)
    if len(found) == len(path):
        del lines[found.pop()]
        while found and not _body(lines, found[-1]):
            del lines[found.pop()]


def put(lines: list[str], path: list[str], value: str) -> None:
    """Replace the line of a key, or add one at the end of its section."""
    found = _find(lines, path)
    missing = path[len(found) :]
    if not missing:
        row = lines[found[-1]]
        lines[found[-1]] = f"{_indent(row)}{_written(path[-1])}: {quote(value)}{_comment(row)}"
        return
    at, indent = _end(lines, found[-1]) if found else (len(lines), "")
    added = [f"{indent}{'  ' * depth}{_written(key)}:" for depth, key in enumerate(missing)]
    lines[at:at] = [*added[:-1], f"{added[-1]} {quote(value)}"]


def _find(lines: list[str], path: list[str]) -> list[int]:
    """Return the line numbers of the keys of `path` that exist, each in the section of the one before."""
    found: list[int] = []
    for key in path:
        body = _body(lines, found[-1] if found else None)
        rows = [n for n in body if _indent(lines[n]) == _indent(lines[body[0]])]
        row = next((n for n in rows if lines[n].strip().startswith(f"{_written(key)}:")), None)
        if row is None:
            break
        found.append(row)
    return found


def _body(lines: list[str], section: int | None) -> list[int]:
    """Return the line numbers of a section without comments; of the file when `section` is None."""
    start, depth = (0, -1) if section is None else (section + 1, len(_indent(lines[section])))
    rows = (n for n in range(start, len(lines)) if lines[n].strip() and not lines[n].lstrip().startswith("#"))
    return list(takewhile(lambda n: len(_indent(lines[n])) > depth, rows))


def _end(lines: list[str], section: int) -> tuple[int, str]:
    """Return the line number after a section, and the indentation of its keys."""
    if body := _body(lines, section):
        return body[-1] + 1, _indent(lines[body[0]])
    return section + 1, _indent(lines[section]) + "  "


def _indent(row: str) -> str:
    return row[: len(row) - len(row.lstrip(" "))]


def _written(key: str) -> str:
    """Return a key as it is written: quoted if a YAML reader could read it as something else."""
    return key if LABEL.fullmatch(key) else quote(key)


def _comment(row: str) -> str:
    """Return the comment at the end of a line `key: value  # comment`, with the space before it."""
    match = re.fullmatch(r"""\s*\w+:\s*(?:"(?:[^"\\]|\\.)*"|'[^']*'|[^\s#'"][^\s#]*)?(\s+#.*)""", row)
    return match[1] if match else ""
