"""The format of a model file that can be loaded, by its first bytes."""

from __future__ import annotations

import re
import zipfile

from mvc.errors import InvalidFormat
from mvc.modelfiles.magic import HEAD, kind_of
from mvc.modelfiles.signature import LIGHTGBM


class UnknownFormat(InvalidFormat):
    """A model of a format that mvc does not load."""


_XGBOOST = re.compile(rb'\{\s*"learner"|\{L\0{7}\x07learner')
"""JSON, and UBJSON with the length of the key: https://xgboost.readthedocs.io/en/stable/tutorials/saving_model.html."""
SKOPS = "schema.json"
"""The member of a zip that says what is in it: https://skops.readthedocs.io/en/stable/persistence.html."""


def format_of(path: str) -> str:
    """Return the format of the file at `path`; empty for a file of another kind."""
    with open(path, "rb") as file:
        head = file.read(HEAD)
        size = file.seek(0, 2)
    if head.startswith(LIGHTGBM):
        return "lightgbm"
    if _XGBOOST.match(head):
        return "xgboost"
    return "skops" if _is_skops(path, head) else kind_of(head, size)


def _is_skops(path: str, head: bytes) -> bool:
    if not head.startswith(b"PK\x03\x04"):
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            return SKOPS in archive.namelist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError):
        return False
