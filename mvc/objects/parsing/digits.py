"""Numbers in text from outside: only plain ASCII digits, and only as many as a number of the format can have.

`int` and `float` accept more, such as `1_0`, ` 5`, `٣`, `nan` or `1e999`, and refuse 5,000 digits with an error that
nobody expects.
"""

from __future__ import annotations

import re
from math import isfinite

_WHOLE = re.compile(r"[0-9]{1,19}", re.ASCII)
_DECIMAL = re.compile(r"-?[0-9]{1,19}(?:\.[0-9]{1,25})?(?:e[-+]?[0-9]{1,3})?", re.ASCII)


def whole_number(text: object, most: int = (1 << 63) - 1) -> int | None:
    """Return a number from 0 up to `most`; None for anything else."""
    if not isinstance(text, str) or _WHOLE.fullmatch(text) is None:
        return None
    number = int(text)
    return number if number <= most else None


def decimal_number(text: str) -> float | None:
    """Return a finite number as Python's `repr` writes it; None for anything else."""
    if _DECIMAL.fullmatch(text) is None:
        return None
    number = float(text)
    return number if isfinite(number) else None
