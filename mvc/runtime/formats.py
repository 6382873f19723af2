"""The format of a model file that can be loaded, by its first bytes."""

from __future__ import annotations

import zipfile

from mvc.errors import InvalidFormat
from mvc.modelfiles.boosters import LIGHTGBM, XGBOOST
from mvc.modelfiles.magic import HEAD, kind_of
from mvc.modelfiles.skops_schema import SCHEMA


class UnknownFormat(InvalidFormat):
    """A model of a format that mvc does not load."""



def format_of(path: str) -> str:
    """Return the format of the file at `path`; empty for a file of another kind."""
    with open(path, "rb") as file:
        head = file.read(HEAD)
        size = file.seek(0, 2)
    if head.startswith(LIGHTGBM):
        return "lightgbm"
    if XGBOOST.match(head):
        return "xgboost"
    return "skops" if _is_skops(path, head) else kind_of(head, size)


def _is_skops(path: str, head: bytes) -> bool:
    if not head.startswith(b"PK\x03\x04"):
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            return SCHEMA in archive.namelist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError):
        return False
