"""scikit-learn models as skops writes them; the package is imported only here."""

from __future__ import annotations

import os
import zipfile

from mvc.errors import InvalidFormat, Refused, first_line
from mvc.modelfiles.skops_schema import SCHEMA
from mvc.runtime.estimator import Estimator
from mvc.runtime.packages import require

MAX_SCHEMA = 64 << 20
"""Bytes of the member that says what is in the file; a forest of 1,000 trees has a tenth of that."""
MAX_CONTENT = 64 << 30
"""Bytes of all members, unpacked."""


def load(path: str, *, trust: bool) -> Estimator:
    """Load a model of types that skops knows to be harmless; of any type with `trust`.

    Raises:
        Refused: it has other types.
        InvalidFormat: it is damaged.
        UsageError: skops is not installed.
    """
    require("skops", "a skops model")
    import skops.io  # noqa: PLC0415 - takes time

    name = os.path.basename(path)
    _check_size(path, name)
    try:
        unknown = skops.io.get_untrusted_types(file=path)
        if unknown and not trust:
            shown = ", ".join(unknown[:3]) + ", ..." * (len(unknown) > 3)  # noqa: PLR2004 - examples
            raise Refused(f"{name} has types that are not known to be harmless: {shown}")
        return Estimator(skops.io.load(path, trusted=unknown), name)
    except (InvalidFormat, Refused):
        raise
    except Exception as error:  # noqa: BLE001 - a damaged file raises any error
        raise InvalidFormat(f"{name}: skops cannot load it: {first_line(error)}") from None


def _check_size(path: str, name: str) -> None:
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
    schema = next(member.file_size for member in members if member.filename == SCHEMA)
    if schema > MAX_SCHEMA or sum(member.file_size for member in members) > MAX_CONTENT:
        raise InvalidFormat(f"{name}: its content is larger than any model of scikit-learn, once unpacked")
