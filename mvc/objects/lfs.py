"""The pointer of git-lfs: the small text that Git stores in place of a file.

Format: the specification of git-lfs, `spec.md` among its pages. It has a canonical form, and only that is read. An
empty file is its own pointer.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from mvc.errors import InvalidFormat
from mvc.objects.digest import MAX_SIZE

MAX_BYTES = 1023
"""Largest pointer: git-lfs takes anything larger for content."""
VERSION = "https://git-lfs.github.com/spec/v1"
_VERSIONS = (VERSION, "https://hawser.github.com/spec/v1", "http://git-media.io/v/2")
_STARTS = tuple(f"version {version}" for version in _VERSIONS)

_POINTER = (
    rf"version ({'|'.join(map(re.escape, _VERSIONS))})\n"
    r"((?:ext-[0-9]-[^ \r\n]+ sha256:[0-9a-f]{64}\n)*)"
    r"oid sha256:([0-9a-f]{64})\n"
    r"size (0|[1-9][0-9]{0,18})\n"
)
"""Compiled on first use: hooks load this module."""


class LfsPointer(NamedTuple):
    """A file that git-lfs stores."""

    sha256: str
    """In hex, of the object that git-lfs stores: of the file itself, unless there are extensions."""
    size: int
    """Bytes of that object."""
    extensions: tuple[str, ...] = ()
    """Their keys in order, such as `ext-0-zip`: programs that change the content when git-lfs stores it."""
    version: str = VERSION


def is_lfs_pointer(raw: bytes) -> bool:
    """Return whether git-lfs may read the file `raw` as a pointer, canonical or not: it leaves out space before it."""
    return len(raw) <= MAX_BYTES and raw.decode(errors="replace").lstrip().startswith(_STARTS)


def parse(raw: bytes, what: str = "git-lfs pointer") -> LfsPointer:
    """Return the pointer in `raw`; `what` names the file in errors.

    Raises:
        InvalidFormat: `raw` is not a pointer in canonical form.
    """
    text = raw.decode(errors="replace") if len(raw) <= MAX_BYTES else ""
    match = re.fullmatch(_POINTER, text, re.ASCII)
    if match is None or int(match[4]) > MAX_SIZE:
        raise InvalidFormat(f"{what}: not a git-lfs pointer in canonical form")
    extensions = tuple(line.partition(" ")[0] for line in match[2].splitlines())
    if [*extensions] != sorted({key[:5]: key for key in extensions}.values()):
        raise InvalidFormat(f"{what}: extensions of a git-lfs pointer must be sorted, with a priority each")
    return LfsPointer(match[3], int(match[4]), extensions, match[1])


def emit(pointer: LfsPointer) -> bytes:
    """Return the canonical pointer of a file without extensions."""
    return f"version {VERSION}\noid sha256:{pointer.sha256}\nsize {pointer.size}\n".encode()
