"""Loading a model whose bytes the caller proved."""

from __future__ import annotations

from mvc.errors import Refused
from mvc.runtime.formats import UnknownFormat
from mvc.runtime.load import load
from mvc.runtime.predictor import Predictor


def load_proven(path: str, line: str, *, trust: bool, loader: str, folder: str) -> Predictor:
    """Load a model; the error for one that is refused has the `line` to type, with the option that loads it.

    Raises:
        MvcError: as `mvc.runtime.load.load`.
    """
    try:
        return load(path, trust=trust, loader=loader, folder=folder)
    except Refused as error:
        fix = f"{line} --trust  # runs code in the model: only if you know who wrote it"
        raise Refused(error.message, fix) from None
    except UnknownFormat as error:
        raise UnknownFormat(error.message, f"{line} --loader MODULE:FUNCTION") from None
