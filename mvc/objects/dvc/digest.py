"""The digests by which DVC names content, and how they are computed."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from mvc.errors import InvalidFormat
from mvc.objects.foreign import Check

_NAME = re.compile(r"([0-9a-f]{32})(\.dir)?", re.ASCII)
_CHUNK = 1 << 20
"""Bytes that DVC reads at once."""
_BLOCK = 512
"""Bytes at the start of a chunk that decide whether it is text."""
_TEXT = bytes(range(32, 127)) + b"\n\r\t\f\b"
_MOST_BINARY = 0.30
LISTING_BYTES = 512 << 20
"""Largest list of a directory that is read: some four million files."""


class DvcDigest(NamedTuple):
    """Content as DVC names it."""

    md5: str
    """In hex: of a file, or of a directory's list."""
    is_dir: bool = False
    text: bool = False
    """Whether it is DVC 2's digest, `md5-dos2unix`: of text with Unix line ends."""

    @property
    def name(self) -> str:
        """The name of the object in a cache of DVC."""
        return f"{self.md5}.dir" if self.is_dir else self.md5

    @property
    def algorithm(self) -> str:
        """DVC's name of the algorithm."""
        return "md5-dos2unix" if self.text else "md5"

    def check(self) -> Check:
        return Md5(self)

    def __str__(self) -> str:
        """Return it as users read it."""
        return f"{self.algorithm} {self.name}"


def parse_digest(text: object, *, old: bool) -> DvcDigest:
    """Return the digest that a file of DVC has; `old` if DVC 2 wrote it.

    Raises:
        InvalidFormat: it is not an md5.
    """
    match = _NAME.fullmatch(text.lower()) if isinstance(text, str) else None
    if match is None:
        raise InvalidFormat(f"invalid md5 {text!r}: expected 32 hex digits")
    return DvcDigest(match[1], bool(match[2]), old)


# Computing.


class Md5:
    """Computes the md5 of content, in each of the ways in which versions of DVC did: `update` with all parts."""

    def __init__(self, digest: DvcDigest) -> None:
        """Compare with this digest."""
        plain: Any = hashlib.md5(usedforsecurity=False)
        self._digest = digest
        self._ways = [_OfText(by_chunk=True), _OfText(by_chunk=False)] if digest.text else [plain]

    def update(self, part: memoryview) -> None:
        for way in self._ways:
            way.update(part)

    def fits(self) -> bool:
        """Whether the content of all parts is the one that the digest names."""
        return self._digest.md5 in self.hexdigests()

    def hexdigests(self) -> list[str]:
        """Return the md5 of all parts in each way, in hex."""
        return [way.hexdigest() for way in self._ways]


class _OfText:
    """DVC 2's md5: CRLF counts as LF where the content looks like text.

    Since 2022 each chunk is looked at (`dvc_data.hashfile.hash`), before only the first one (`dvc.utils`). A CRLF that
    is divided by the end of a chunk stays.
    """

    def __init__(self, *, by_chunk: bool) -> None:
        self._by_chunk = by_chunk
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._chunk = bytearray()
        self._is_text: bool | None = None

    def update(self, part: memoryview) -> None:
        while part:
            taken = part[: _CHUNK - len(self._chunk)]
            self._chunk += taken
            part = part[len(taken) :]
            if len(self._chunk) == _CHUNK:
                self._add()

    def hexdigest(self) -> str:
        self._add()
        return self._md5.hexdigest()

    def _add(self) -> None:
        chunk = bytes(self._chunk)
        self._chunk.clear()
        if self._by_chunk or self._is_text is None:
            self._is_text = _is_text(chunk[:_BLOCK])
        self._md5.update(chunk.replace(b"\r\n", b"\n") if self._is_text else chunk)


def _is_text(block: bytes) -> bool:
    """DVC's guess: no NUL, and at most 30 % of unusual bytes."""
    return not block or (b"\0" not in block and len(block.translate(None, _TEXT)) / len(block) <= _MOST_BINARY)


# The list of a directory.


class ListedFile(NamedTuple):
    """A file of a directory: its path in it, and its digest."""

    path: str
    digest: DvcDigest


def parse_listing(raw: bytes, what: str, *, old: bool) -> list[ListedFile]:
    """Return the files in a `.dir` object: a JSON list of `md5` and `relpath`; `old` if DVC 2 wrote it.

    Raises:
        InvalidFormat: it is something else, or lists a path twice.
    """
    try:
        rows = json.loads(raw)
    except (ValueError, RecursionError):
        raise InvalidFormat(f"{what}: not JSON") from None
    if not isinstance(rows, list):
        raise InvalidFormat(f"{what}: not a list of files")
    return parse_rows(rows, what, old=old)


def parse_rows(rows: Iterable[object], what: str, *, old: bool) -> list[ListedFile]:
    """Return the files in a list of `md5` and `relpath`.

    Raises:
        InvalidFormat: as for `parse_listing`.
    """
    found = []
    for row in rows:
        if not isinstance(row, dict) or not isinstance(path := row.get("relpath"), str):
            raise InvalidFormat(f"{what}: a file without a path")
        digest = parse_digest(row.get("md5"), old=old)
        if digest.is_dir:
            raise InvalidFormat(f"{what}: {path} is a directory in the list of a directory")
        found.append(ListedFile(path, digest))
    if len({file.path for file in found}) < len(found):
        raise InvalidFormat(f"{what}: lists a path twice")
    return found


def encode_listing(files: Iterable[ListedFile]) -> bytes:
    """Return the `.dir` object of a directory with these files."""
    rows = [{"md5": file.digest.md5, "relpath": file.path} for file in sorted(files)]
    return json.dumps(rows, sort_keys=True).encode()


def digest_of_list(files: Iterable[ListedFile], *, old: bool) -> DvcDigest:
    """Return the digest of a directory with these files; `old` as DVC 2 names it."""
    md5 = hashlib.md5(encode_listing(files), usedforsecurity=False)
    return DvcDigest(md5.hexdigest(), is_dir=True, text=old)
