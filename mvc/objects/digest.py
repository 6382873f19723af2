"""The digest, which identifies content.

`blake3` names an object and verifies it. `xxh128` is fast and not cryptographic: it can show that bytes changed, but
not that they are the same (docs/formats.md, "Digest").
"""

from __future__ import annotations

import re
from typing import NamedTuple

from mvc.errors import InvalidName

BLAKE3_HEX = 64
XXH128_HEX = 32
MAX_SIZE = (1 << 63) - 1
"""Largest size in bytes in the formats: a signed 64-bit file offset."""

_OBJECT_NAME = re.compile(r"[0-9a-f]{64}", re.ASCII)


class Digest(NamedTuple):
    """The hashes of some content, in hex, and its size in bytes."""

    blake3: str
    xxh128: str
    size: int


def check_object_name(name: str) -> str:
    """Return `name` if it is the name of an object.

    Raises:
        InvalidName: it is not 64 lower-case hex digits.
    """
    if _OBJECT_NAME.fullmatch(name) is None:
        raise InvalidName(f"invalid object name {name!r}: expected 64 lower-case hex digits")
    return name
