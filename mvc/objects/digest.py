"""The digest: what identifies content.

`blake3` names an object and proves it. `xxh128` is quick and not cryptographic:
it may show that bytes changed, never that they are the same (docs/formats.md, "Digest").
"""

from __future__ import annotations

import re
from typing import NamedTuple

from mvc.errors import InvalidName

BLAKE3_HEX = 64
XXH128_HEX = 32
MAX_SIZE = (1 << 63) - 1
"""Largest size in bytes that the formats carry: a signed 64-bit file offset."""

_OBJECT_NAME = re.compile(r"[0-9a-f]{64}", re.ASCII)


class Digest(NamedTuple):
    """Content identified: 64 hex digits, 32 hex digits, and the size in bytes."""

    blake3: str
    xxh128: str
    size: int


def check_object_name(name: str) -> str:
    """Return `name` when it is an object's name, 64 lower-case hex digits.

    Raises:
        InvalidName: it is anything else, such as a path.

    """
    if _OBJECT_NAME.fullmatch(name) is None:
        raise InvalidName(f"not an object name: {name!r}")
    return name
