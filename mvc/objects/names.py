"""Which path names mvc accepts, on the way in and on the way out, before any I/O.

A name must mean the same file on Linux, macOS and Windows, and must never reach into
`.git` or `.mvc`. The list is in docs/formats.md, "Names".
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from mvc.errors import InvalidName

MAX_PART = 255
"""Bytes in one part of a path: what ext4, APFS and NTFS hold."""
MAX_PATH = 4096

# Nearly every real path: plain ASCII parts that start with a letter, digit or underscore, end in no
# dot or space, and are no Windows device. Whatever it does not match is looked at closely.
_PLAIN_PART = (
    r"(?!(?i:con|prn|aux|nul|com\d|lpt\d|conin|conout)(?:[./ ]|$))"
    r"[A-Za-z0-9_](?:[\w +,.=@()\[\]{}#%&'!-]{0,98}[\w+,=@()\[\]{}#%&'!-])?"
)
_PLAIN = re.compile(rf"{_PLAIN_PART}(?:/{_PLAIN_PART}){{0,15}}", re.ASCII)
_DEVICE = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$) *(\..*)?", re.IGNORECASE)
_RESERVED = frozenset({".git", ".mvc", "git~1", "mvc~1"})
_HFS_IGNORABLE = dict.fromkeys(
    [*range(0x200C, 0x2010), *range(0x202A, 0x202F), *range(0x206A, 0x2070), 0xFEFF],
)
"""Characters that HFS+ drops when it compares names: Git's `next_hfs_char` (utf8.c)."""


def check_path(path: str) -> str:
    """Return `path` when mvc may store it and write it: relative, `/`-separated.

    Raises:
        InvalidName: with the reason.

    """
    if len(path) <= MAX_PART and _PLAIN.fullmatch(path) is not None:
        return path
    if reason := _objection(path):
        raise InvalidName(f"refused name {path!r}: {reason}")
    return path


def check_paths(paths: Iterable[str]) -> None:
    """Check every path, and that no two of them collide on a case-insensitive file system.

    Raises:
        InvalidName: a bad name, a pair equal after NFC and case folding, or a file that is
            also another's directory.

    """
    seen: dict[str, str] = {}
    for path in paths:
        key = fold(check_path(path))
        if key in seen:
            raise InvalidName(f"refused names {seen[key]!r} and {path!r}: the same file where case does not count")
        seen[key] = path
    _check_no_file_is_directory(seen)


def _check_no_file_is_directory(seen: dict[str, str]) -> None:
    folders: set[str] = set()
    for key in seen:
        folder = key.rpartition("/")[0]
        while folder and folder not in folders:
            folders.add(folder)
            folder = folder.rpartition("/")[0]
    for key in folders & seen.keys():
        raise InvalidName(f"refused name {seen[key]!r}: it is a file and a directory at once")


def fold(path: str) -> str:
    """Return what two paths have in common when they are one where case and composition do not count."""
    if path.isascii():
        return path.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


def _objection(path: str) -> str:
    try:
        length = len(path.encode())
    except UnicodeEncodeError:
        return "not UTF-8"
    if not path:
        return "empty"
    if length > MAX_PATH:
        return f"longer than {MAX_PATH} bytes"
    if path.startswith("/"):
        return "absolute"
    return next((reason for part in path.split("/") if (reason := _objection_to_part(part))), "")


def _objection_to_part(part: str) -> str:
    if part in ("", ".", ".."):
        return f"a part is {part!r}"
    if any(unicodedata.category(char) == "Cc" for char in part):
        return "a control character"
    if "\\" in part:
        return "a backslash"
    if part[-1] in ". ":
        return "a part ends in a dot or a space"
    if len(part.encode()) > MAX_PART:
        return f"a part is longer than {MAX_PART} bytes"
    if fold(part.translate(_HFS_IGNORABLE).partition(":")[0].rstrip(". ")) in _RESERVED:
        return "it reaches into .git or .mvc"
    if _DEVICE.fullmatch(part.partition(":")[0]) is not None:
        return "a device on Windows"
    return ""
