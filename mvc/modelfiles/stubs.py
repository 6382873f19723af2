"""Stand-ins for content that another tool keeps elsewhere and has not fetched."""

from __future__ import annotations

import re
from typing import Literal, TypeAlias

from mvc.modelfiles.magic import is_lfs_pointer

Tool: TypeAlias = Literal["git-lfs", "git-annex", "DVC"]
DVC = ".dvc"
LARGEST = 32 << 10
"""Bytes of the largest stub."""
_ANNEX = b"/annex/objects/"
_FIRST_KEY = re.compile(rb"(?:md5:|outs:\n|deps:\n|wdir:|frozen:)")
"""The first key of a `.dvc` file."""


def stub_of(name: str, content: bytes) -> Tool | None:
    """Return the tool whose stand-in a file with this name and content is; None for other files."""
    if len(content) > LARGEST:
        return None
    if is_lfs_pointer(content, len(content)):
        return "git-lfs"
    if content.startswith(_ANNEX):  # of an unlocked file; a locked one is a symlink
        return "git-annex"
    return "DVC" if name.endswith(DVC) and _FIRST_KEY.match(content) else None
