"""Words of a command line that a reader can paste into a shell."""

from __future__ import annotations

import json
import re
import shlex

_LONG = 80
"""Characters of a name; longer ones become a placeholder."""
_COMMIT = 12
"""Digits of a commit."""


def short(commit: str) -> str:
    """Return the first digits of a commit."""
    return commit[:_COMMIT]


def with_remark(line: str, remark: str) -> str:
    """Return a line with a comment, if there is one."""
    return f"{line}  # {remark}" if remark else line


def path_word(path: str) -> str:
    """Return a path that mvc does not read as an option."""
    return word(f"./{path}" if path.startswith("-") else path)


def pathspec(path: str) -> str:
    """Return a path that Git does not read as a pattern."""
    return word(f":(literal){path}" if re.match(r":|.*[*?\[\\]", path, re.DOTALL) else path)


def pattern(path: str) -> str:
    """Return the policy pattern that matches only this path."""
    return json.dumps("/" + re.sub(r"([\\*?\[ ])", r"\\\1", path), ensure_ascii=not path.isprintable())


def word(text: str, placeholder: str = "") -> str:
    """Return `text` as one shell word in one line, or `placeholder` when it is unsuitable."""
    if placeholder and (len(text) > _LONG or not text.isprintable()):
        return placeholder
    if text.isprintable():
        return shlex.quote(text)
    codes = text.encode("utf-8", "surrogateescape") if _is_file_name(text) else b"?"
    plain = (chr(code) if 0x20 <= code < 0x7F and code not in b"'\\" else f"\\x{code:02x}" for code in codes)  # noqa: PLR2004 - ASCII
    return f"$'{''.join(plain)}'"


def _is_file_name(text: str) -> bool:
    """Whether it can be encoded to bytes."""
    return not any("\ud800" <= char < "\udc80" or "\udcff" < char <= "\udfff" for char in text)
