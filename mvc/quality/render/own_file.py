"""The mark of a file that mvc writes, and may overwrite as long as nobody edited it."""

from __future__ import annotations

import re

from mvc.objects.hashing import hash_bytes

_MARK = "# Written by mvc export card; digest of the rest: "
_MARKED = re.compile(rf"\A(?:---\n)?{re.escape(_MARK)}([0-9a-f]{{64}})\n(.*)\Z", re.DOTALL)


def marked(body: str, begin: str = "") -> bytes:
    """Return the file: `begin`, the mark as a comment of YAML, the body."""
    return f"{begin}{_MARK}{hash_bytes(body.encode()).blake3}\n{body}".encode()


def is_own(raw: bytes) -> bool:
    """Whether a file is one that `marked` returned, and nobody edited it."""
    found = _MARKED.match(raw.decode(errors="replace"))
    return found is not None and hash_bytes(found[2].encode()).blake3 == found[1]
