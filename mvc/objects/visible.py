"""Text from files, made safe to print, and sizes and counts for people."""

from __future__ import annotations

_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")
_KILO = 1000


def visible(text: str) -> str:
    r"""Return `text` without characters that control a terminal or a CI log: `\x1b` for an escape, and so on.

    Some CI systems run lines that begin with `::`, others `##[` and `##vso[` anywhere.
    """
    if text.lstrip().startswith("::"):
        text = text.replace(":", "\\x3a", 1)
    if "##" in text:
        text = text.replace("##[", "#\\x23[").replace("##vso[", "#\\x23vso[")
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def size(count: int) -> str:
    """Return a size for people, in powers of 1,000: `12.3 MB`."""
    value, unit = float(count), 0
    while value >= _KILO and unit < len(_UNITS) - 1:
        value, unit = value / _KILO, unit + 1
    return f"{count} B" if unit == 0 else f"{value:.1f} {_UNITS[unit]}"


def plural(count: int, noun: str) -> str:
    """Return `1 file`, `2 files`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
