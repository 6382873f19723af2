"""Text on a remote, read line by line: what a stranger wrote there takes no more memory than what we write does."""

from __future__ import annotations

from collections.abc import Iterator

from mvc.errors import InvalidFormat
from mvc.store.buckets.bucket import PART, Bucket, Item

MOST = 1 << 30
"""Bytes of a text: 16 million names of objects."""
_LONGEST = 64 << 10
"""Bytes of a line."""


def read_lines(bucket: Bucket, item: Item) -> Iterator[str]:
    """Yield the lines of a text; at last what is behind the last line feed, which is empty when nothing was cut off.

    Raises:
        InvalidFormat: it is larger than any that mvc writes, or a line is.

    """
    rest, too_large = b"", InvalidFormat(f"{bucket.url}/{item.key} is too large")
    if item.size > MOST:
        raise too_large
    for start in range(0, item.size, PART):
        *lines, rest = (rest + bucket.read(item, start, min(start + PART, item.size))).split(b"\n")
        if max(map(len, (*lines, rest))) > _LONGEST:
            raise too_large
        yield from (line.decode(errors="replace") for line in lines)
    yield rest.decode(errors="replace")
