"""The merge drivers that `.gitattributes` files choose, as one file for a repository without a workspace.

Only Git's own drivers (`text`, `binary`, `union`) are chosen. Where Git does not know a driver, it merges as text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

FILE = ".gitattributes"
_BUILT_IN = frozenset({b"text", b"binary", b"union"})
LINE = re.compile(rb'[ \t]*(?P<pattern>"(?:[^"\\]|\\.)*"|[^ \t\r"#][^ \t\r]*)(?P<attributes>.*)', re.DOTALL)
MACRO = b"[attr]"


def merge_attributes(files: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return the lines of the files (directory and content of each), with patterns relative to the top.

    A directory is empty or ends in a slash. Files of directories below others take precedence, and so come later.
    """
    ordered = sorted(files, key=lambda item: (item[0].count(b"/"), item[0]))
    lines = (_placed(line, folder) for folder, raw in ordered for line in raw.split(b"\n"))
    return b"".join(line + b"\n" for line in lines if line)


def _placed(line: bytes, folder: bytes) -> bytes:
    """Return a line as it is at the top; empty for one without a pattern, and for a macro below the top."""
    found = LINE.fullmatch(line)
    if found is None:
        return b""
    attributes = b" ".join(map(_with_known_driver, found["attributes"].split()))
    if found["pattern"].startswith(MACRO):
        return b"" if folder else found["pattern"] + b" " + attributes
    return b'"%s" %s' % (_below(folder, _quoted_inside(found["pattern"])), attributes)


def _with_known_driver(attribute: bytes) -> bytes:
    name, _, driver = attribute.partition(b"=")
    return b"merge=text" if name == b"merge" and driver and driver not in _BUILT_IN else attribute


def _below(folder: bytes, pattern: bytes) -> bytes:
    """Return a pattern of a directory; without a slash it matches at any depth."""
    if not folder:
        return pattern
    anywhere = b"" if b"/" in pattern else b"**/"
    return b"/" + _escaped(re.sub(rb"([\\*?\[])", rb"\\\1", folder)) + anywhere + pattern.removeprefix(b"/")


def _quoted_inside(pattern: bytes) -> bytes:
    """Return a pattern as it is written between quotes."""
    return pattern[1:-1] if pattern.startswith(b'"') else _escaped(pattern)


def _escaped(text: bytes) -> bytes:
    return re.sub(rb'(["\\])', rb"\\\1", text)
