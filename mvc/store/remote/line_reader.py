"""Reading text on a remote line by line, with bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO

from mvc.errors import InvalidFormat
from mvc.store.buckets.bucket import PART, Bucket, Item

MOST = 1 << 30
"""Most bytes of a text: 16 million object names."""
_LONGEST = 64 << 10
"""Most bytes of a line."""


def read_lines(bucket: Bucket, item: Item) -> Iterator[str]:
    """Yield the lines of a text.

    Raises:
        InvalidFormat: the text, or a line, is larger than any that mvc writes, or it is truncated.
    """
    rest, too_large = b"", InvalidFormat(f"{bucket.url}/{item.key} is too large")
    if item.size > MOST:
        raise too_large
    for start in range(0, item.size, PART):
        part = BytesIO(rest + bucket.read(item, start, min(start + PART, item.size)))
        while (rest := part.readline(_LONGEST + 1)).endswith(b"\n"):
            yield rest[:-1].decode(errors="replace")
        if len(rest) > _LONGEST:
            raise too_large
    if rest:
        raise InvalidFormat(f"{bucket.url}/{item.key} is cut off")
