"""Pickles, plain or joblib's: what is scanned is what is loaded. joblib is imported only here."""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import Any, BinaryIO

from mvc.errors import InvalidFormat, Refused, first_line
from mvc.pickles.scan import scan
from mvc.runtime.estimator import Estimator


def load(path: str, *, trust: bool) -> Estimator:
    """Load a pickled estimator; errors as in `unpickle`."""
    return Estimator(unpickle(path, trust=trust), os.path.basename(path))


def unpickle(path: str, *, trust: bool) -> Any:
    """Return the object in a pickle in which a scan finds nothing; of any with `trust`, which runs the code it names.

    Raises:
        Refused: the scan found something, or could not read all of it.
        InvalidFormat: it is damaged, or needs a package that is not installed.
    """
    name = os.path.basename(path)
    with open(path, "rb") as file:
        if not trust:
            _check(file, name)
            file.seek(0)
        try:
            return _unpickled(file)
        except ImportError as error:
            raise InvalidFormat(f"{name} needs a package that is not installed: {error}") from None
        except Exception as error:  # noqa: BLE001 - a damaged pickle raises any error
            raise InvalidFormat(f"{name} cannot be unpickled: {first_line(error)}") from None


def _check(file: BinaryIO, name: str) -> None:
    size = file.seek(0, 2)
    file.seek(0)
    found = scan(file, size, name)
    if found.problem:
        raise Refused(f"{name}: a scan cannot read all of its pickles: {found.problem}")
    if found.names:
        shown = ", ".join(found.names[:3]) + ", ..." * (len(found.names) > 3)  # noqa: PLR2004 - examples
        raise Refused(f"{name}: its pickles name what is not known to be harmless: {shown}")


def _unpickled(file: BinaryIO) -> Any:
    if find_spec("joblib"):
        import joblib  # noqa: PLC0415 - takes time

        return joblib.load(file)
    import pickle  # noqa: PLC0415 - scanned, or trusted

    return pickle.load(file)  # noqa: S301 - as above
