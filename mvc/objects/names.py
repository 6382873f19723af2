"""Which path names mvc accepts, checked before any I/O, for reading and writing.

A name must be the same file on Linux, macOS and Windows, and must not be inside `.git` or `.mvc`. The rules are in
docs/formats.md, "Names".
"""

from __future__ import annotations

import re
import unicodedata
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from operator import eq

from xxhash import xxh64_intdigest

from mvc.errors import InvalidName
from mvc.utf8 import IS_UTF8

MAX_PART = 255
"""Bytes of one part of a path: the limit of ext4, APFS and NTFS."""
MAX_PATH = 4096

# Nearly all real paths: plain ASCII parts that start with a letter, digit or underscore, do not end in a dot or
# space, and are not Windows devices. All others take the slow checks.
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
"""Characters that HFS+ ignores when it compares names: Git's `next_hfs_char` (utf8.c)."""


def check_path(path: str) -> str:
    """Return `path` if it is a relative path, with `/`, that mvc may store and write.

    Raises:
        InvalidName: with the reason.
    """
    if len(path) <= MAX_PART and _PLAIN.fullmatch(path) is not None:
        return path
    if not IS_UTF8 and not path.isascii():  # only in a program that imports mvc
        raise InvalidName(f"{path!r}: this Python does not read names as UTF-8", "PYTHONUTF8=1 python ...")
    if reason := _objection(path):
        raise InvalidName(f"refused name {path!r}: {reason}")
    return path


def is_valid_path(path: str) -> bool:
    """Whether `check_path` returns it."""
    try:
        return bool(check_path(path))
    except InvalidName:
        return False


def check_paths(paths: Callable[[], Iterable[str]]) -> None:
    """Check all paths, and that no two are equal on a case-insensitive file system.

    `paths` yields them. To name two that collide, it is called again: at first 8 bytes of each are compared, so that
    millions fit in memory.

    Raises:
        InvalidName: for an invalid name, two names equal after NFC and case folding, or a file that is also the
            directory of another.
    """
    files, folders, above = array("Q"), array("Q"), ""
    for path in paths():
        files.append(_hash(fold(check_path(path))))
        folder = path.rpartition("/")[0]
        if folder != above:
            above = folder
            folders.extend(map(_hash, _and_above(fold(folder))))
    ordered = sorted(files)
    if any(map(eq, ordered, islice(ordered, 1, None))) or not {*folders}.isdisjoint(files):
        _check_exactly(paths())


def collides(added: Iterable[str], parts: Iterable[Sequence[str]]) -> bool:
    """Whether one of some `added` names is equal to another on a case-insensitive file system, or its directory.

    `parts` have the names of all files, folded; those that were not added do not collide.

    Raises:
        InvalidName: an added name is refused.
    """
    names = {fold(check_path(path)) for path in added}
    above = {folder for name in names for folder in _folders_of(name)}
    found = 0
    for paths in parts:
        found += sum(map(names.__contains__, paths))
        folders = {path.rpartition("/")[0] for path in paths}
        if not (above.isdisjoint(paths) and names.isdisjoint(chain.from_iterable(map(_and_above, folders)))):
            return True
    return found > len(names)


def _folders_of(path: str) -> Iterator[str]:
    return _and_above(path.rpartition("/")[0])


def _hash(name: str) -> int:
    return xxh64_intdigest(name.encode())


def _and_above(folder: str) -> Iterator[str]:
    while folder:
        yield folder
        folder = folder.rpartition("/")[0]


def _check_exactly(paths: Iterable[str]) -> None:
    seen: dict[str, str] = {}
    for path in paths:
        if (key := fold(path)) in seen:
            raise InvalidName(f"refused names {seen[key]!r} and {path!r}: equal on a case-insensitive file system")
        seen[key] = path
    for key in seen:
        if both := next((name for name in _folders_of(key) if name in seen), ""):
            raise InvalidName(f"refused name {seen[both]!r}: it is both a file and a directory")


def fold(path: str) -> str:
    """Return the same for paths that are equal on a file system that ignores case and Unicode composition."""
    if path.isascii():
        return path.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


def registered_name(path: str) -> str:
    """Return a file's name without its last suffix, in lower case: a model without a name is registered under it."""
    name = fold(path.rpartition("/")[2])
    return name.rpartition(".")[0] or name


def address_name(name: str) -> str:
    """Return the name of a model as a part of an address: without folders, and `-` for other characters."""
    return re.sub(r"[^a-zA-Z0-9._+-]+", "-", name.rpartition(":")[2])


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
        return "it contains a control character"
    if "\\" in part:
        return "it contains a backslash"
    if part[-1] in ". ":
        return "a part ends in a dot or a space"
    if len(part.encode()) > MAX_PART:
        return f"a part is longer than {MAX_PART} bytes"
    if fold(part.translate(_HFS_IGNORABLE).partition(":")[0].rstrip(". ")) in _RESERVED:
        return "it is inside .git or .mvc"
    if _DEVICE.fullmatch(part.partition(":")[0]) is not None:
        return "a Windows device name"
    return ""
