"""Text from files, made safe to print."""

from __future__ import annotations


def visible(text: str) -> str:
    r"""Return `text` so that it can't drive a terminal or a CI log: `\x1b` for an escape, and so on.

    A line that begins with `::` commands some CI systems, `##[` and `##vso[` anywhere others.
    """
    if text.lstrip().startswith("::"):
        text = text.replace(":", "\\x3a", 1)
    if "##" in text:
        text = text.replace("##[", "#\\x23[").replace("##vso[", "#\\x23vso[")
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escaped(char) for char in text)


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode()
