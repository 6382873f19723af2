"""The lines of a `.gitattributes` that give files to git-lfs: found, and removed."""

from __future__ import annotations

from collections.abc import Collection

from mvc.objects.parsing.gitattributes import LINE, MACRO

FILTER = b"filter=lfs"
_WRITTEN = frozenset({FILTER, b"diff=lfs", b"merge=lfs", b"lockable"})
"""What `git lfs track` writes after a pattern, besides `-text`."""


def lfs_macros(raw: bytes) -> frozenset[bytes]:
    """Return the names of the macros in the `.gitattributes` of the top that give files to git-lfs."""
    found: set[bytes] = set()
    for pattern, attributes in map(_parsed, raw.split(b"\n")):
        if pattern.startswith(MACRO) and not {FILTER, *found}.isdisjoint(attributes):
            found.add(pattern.removeprefix(MACRO))
    return frozenset(found)


def lfs_patterns(raw: bytes, macros: Collection[bytes] = ()) -> dict[int, bytes]:
    """Return the patterns that give files to git-lfs, as they are written, by the numbers of their lines from 0."""
    lines = enumerate(map(_parsed, raw.split(b"\n")))
    wanted = {FILTER, *macros}
    return {
        number: pattern for number, (pattern, attributes) in lines
        if not pattern.startswith(MACRO) and not wanted.isdisjoint(attributes)
    }


def without_lfs(raw: bytes, numbers: Collection[int], macros: Collection[bytes] = ()) -> bytes:
    """Return `raw` without what the lines with these numbers say about git-lfs; other attributes stay."""
    lines = raw.split(b"\n")
    for number in sorted(numbers, reverse=True):
        pattern, attributes = _parsed(lines[number])
        rest = [name for name in attributes if name not in _WRITTEN and name not in macros]
        if rest in ([], [b"-text"]):
            del lines[number]
        else:
            end = b"\r" if lines[number].endswith(b"\r") else b""
            lines[number] = b" ".join([pattern, *rest]) + end
    return b"\n".join(lines)


def _parsed(line: bytes) -> tuple[bytes, list[bytes]]:
    """Return pattern and attributes of a line; empty for one without."""
    found = LINE.fullmatch(line)
    return (found["pattern"], found["attributes"].split()) if found else (b"", [])
