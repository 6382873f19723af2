"""The committed list of imported content: which digest of DVC is which of mvc's.

Format: docs/formats.md, "Imported content".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from mvc.errors import InvalidFormat
from mvc.objects.digest import MAX_SIZE, Digest
from mvc.objects.dvc.digest import DvcDigest
from mvc.objects.manifest import Manifest
from mvc.objects.pointer import Pointer, file_pointer

FILE = ".mvc/imported/dvc"
MAX_BYTES = 64 << 20
_LOOK = f"git log -p -- ':(top){FILE}'"
HEADER = "mvc-imported-dvc 1"
_LINE = re.compile(
    r"(md5|md5-dos2unix) ([0-9a-f]{32})(?: ([0-9a-f]{64}) ([0-9a-f]{32}) (0|[1-9][0-9]{0,18})"
    r"|\.dir ([0-9a-f]{64}) ([0-9a-f]{32}) ([1-9][0-9]{0,18}) (0|[1-9][0-9]{0,18}) (0|[1-9][0-9]{0,18}))",
    re.ASCII,
)


class Content(NamedTuple):
    """What mvc has instead: a file, or the manifest of a directory, which is always an object."""

    digest: Digest
    files: int = 1
    total: int = 0
    """Bytes of content."""


def content_of(manifest: Manifest) -> Content:
    """Return the content of a directory."""
    return Content(manifest.digest, manifest.files, manifest.total)


def pointer_to(old: DvcDigest, content: Content) -> Pointer:
    """Return a pointer without notes. That of a directory does not list its files, even if they are few."""
    if old.is_dir:
        return Pointer("dir", content.digest, files=content.files, total=content.total)
    return file_pointer(content.digest)


def encode(imported: Mapping[DvcDigest, Content]) -> bytes:
    """Return the list in canonical form: its lines are sorted."""
    return "".join(f"{line}\n" for line in [HEADER, *sorted(_line(*item) for item in imported.items())]).encode()


def _line(old: DvcDigest, content: Content) -> str:
    inside = f" {content.files} {content.total}" if old.is_dir else ""
    return f"{old} {content.digest.blake3} {content.digest.xxh128} {content.digest.size}{inside}"


def decode(raw: bytes) -> dict[DvcDigest, Content]:
    """Return the list in `raw`. Lines may be in any order and repeated, as Git's union merge leaves them.

    Raises:
        InvalidFormat: a line is malformed, or two lines contradict each other.
    """
    lines = raw.decode("ascii", "replace").split("\n")
    if lines[0] != HEADER or lines[-1] != "":
        raise InvalidFormat(f"{FILE}: not a list of imported content, or one of a newer mvc", _LOOK)
    found: dict[DvcDigest, Content] = {}
    for number, line in enumerate(lines[1:-1], 2):
        if line != HEADER:
            old, content = _parse(line, number)
            if found.setdefault(old, content) != content and not old.text:  # two texts may differ in line ends
                raise InvalidFormat(f"{FILE}: line {number} contradicts another one about {old}", _LOOK)
    return found


def _parse(line: str, number: int) -> tuple[DvcDigest, Content]:
    match = _LINE.fullmatch(line)
    numbers = [int(digits) for digits in match.group(5, 8, 9, 10) if digits] if match else []
    if match is None or max(numbers, default=0) > MAX_SIZE:
        raise InvalidFormat(f"{FILE}: line {number} is malformed", _LOOK)
    text = match[1] == "md5-dos2unix"
    if match[3]:
        size = int(match[5])
        return DvcDigest(match[2], text=text), Content(Digest(match[3], match[4], size), total=size)
    digest = Digest(match[6], match[7], int(match[8]))
    return DvcDigest(match[2], is_dir=True, text=text), Content(digest, int(match[9]), int(match[10]))


def names_in(raw: bytes) -> tuple[list[str], list[str]]:
    """Return the objects that the lines of a list name, in any condition; and those that are manifests."""
    rows = re.findall(rb"^md5[a-z0-9-]* [0-9a-f]{32}(\.dir)? ([0-9a-f]{64}) ", raw, re.MULTILINE)
    return [name.decode() for _, name in rows], [name.decode() for is_dir, name in rows if is_dir]


