"""Digests by which other programs name content: how they are written, and how content is held against them."""

from __future__ import annotations

import hashlib
from typing import NamedTuple, Protocol


class Check(Protocol):
    """Compares content with a digest: `update` gets all its parts, in order."""

    def update(self, part: memoryview, /) -> object:
        """Take the next part."""

    def fits(self) -> bool:
        """Whether the content of all parts is the one that the digest names."""


class ForeignDigest(Protocol):
    """A digest of another program. As text it starts with the name of its algorithm."""

    def check(self) -> Check:
        """Return a new check of content."""


class Sha256(NamedTuple):
    """The SHA-256 of content."""

    hex: str

    def check(self) -> Check:
        return _Check(hashlib.sha256(), self.hex)

    def __str__(self) -> str:
        return f"sha256 {self.hex}"


class GitBlob(NamedTuple):
    """The SHA-1 by which Git names a blob: of its size, and its content."""

    hex: str
    size: int

    def check(self) -> Check:
        return _Check(hashlib.sha1(b"blob %d\0" % self.size, usedforsecurity=False), self.hex)

    def __str__(self) -> str:
        return f"blob {self.hex}"


class _Hash(Protocol):
    def update(self, data: memoryview, /) -> None: ...

    def hexdigest(self) -> str: ...


class _Check:
    """A check by one of the algorithms of `hashlib`."""

    def __init__(self, computed: _Hash, expected: str) -> None:
        self._computed = computed
        self._expected = expected
        self.update = computed.update

    def fits(self) -> bool:
        return self._computed.hexdigest() == self._expected


def is_content(data: bytes, digest: ForeignDigest) -> bool:
    """Whether `data` is the content that the digest names."""
    found = digest.check()
    found.update(memoryview(data))
    return found.fits()
