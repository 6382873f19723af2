"""Quotes file contents in findings: short, and in one line."""

from __future__ import annotations

import re

MAX_MESSAGE = 400
"""Characters of a message; longer ones are cut."""

_MAX_NAME = 80
_DIGITS = 12
_LINE_ENDS = re.compile("[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")


def one_line(text: str) -> str:
    """Return `text` as one line of at most `MAX_MESSAGE` characters."""
    line = _LINE_ENDS.sub(lambda match: repr(match[0])[1:-1], text)
    return line if len(line) <= MAX_MESSAGE else f"{line[: MAX_MESSAGE - 1]}…"


def clipped(text: str) -> str:
    """Return the beginning of a name."""
    return text if len(text) <= _MAX_NAME else f"{text[: _MAX_NAME - 1]}…"


def short(digest: str, other: str) -> str:
    """Return the beginning of a digest, or all of it when `other` begins alike."""
    return f"{digest[:_DIGITS]}…" if digest[:_DIGITS] != other[:_DIGITS] else digest


def rounded(value: float) -> str:
    """Return a number in six significant digits."""
    return f"{value:g}"


def number(value: float) -> str:
    """Return the shortest text that reads as exactly this number."""
    return repr(float(value)).removesuffix(".0")


def without_path(message: str, path: str) -> str:
    """Return an error message without the file name that it begins with."""
    return message.removeprefix(f"{path}: ")
