"""Simple `.gitignore` patterns as regular expressions, because importing pathspec takes 40 ms.

Not simple are brackets, backslashes, comments, trailing spaces, and `**` inside a part of a path.
"""

from __future__ import annotations

import re

_PLAIN = re.compile(r"(?![#!])[^\[\]\\\s](?:[^\[\]\\\n\r]*[^\[\]\\\s])?")
_WILDCARDS = {"*": "[^/]*", "?": "[^/]"}


def plain_expression(pattern: str) -> re.Pattern[str] | None:
    """Return a pattern for paths, where a directory ends in a slash; None for a pattern that needs pathspec."""
    parts = pattern.strip("/").split("/")
    if _PLAIN.fullmatch(pattern) is None or not all(map(_is_plain, parts)) or "//" in pattern:
        return None
    anchored = "/" in pattern.rstrip("/")
    start = "" if anchored else "(?:.+/)?"
    end = "/.*" if pattern.endswith("/") else "(?:/.*)?"
    if parts[-1] == "**":
        parts, end = parts[:-1], "/.*"
    if not parts or parts[-1] == "**":
        return None
    return re.compile(rf"\A{start}{_between(parts)}{end}\Z", re.DOTALL)


def _is_plain(part: str) -> bool:
    return part == "**" or (bool(part) and "**" not in part)


def _between(parts: list[str]) -> str:
    """Return the parts as one expression; `**` matches any number of parts."""
    return "".join("(?:.+/)?" if part == "**" else _translated(part) + "/" for part in parts).removesuffix("/")


def _translated(part: str) -> str:
    if part == "*":
        return "[^/]+"
    return "".join(_WILDCARDS.get(char) or re.escape(char) for char in part)
