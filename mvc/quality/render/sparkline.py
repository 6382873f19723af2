"""Numbers as a line of block characters, where no picture can be shown."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

_BLOCKS = "▁▂▃▄▅▆▇█"
_FLAT = "▄"
_GAP = "·"


def sparkline(values: Sequence[float | None]) -> str:
    """Return a character for each value, from the least, `▁`, to the greatest, `█`; `·` where there is none.

    Equal values are in the middle. Infinities and NaN are not allowed.
    """
    known = [Fraction(value) for value in values if value is not None]  # floats overflow in a difference
    least, span = (min(known), max(known) - min(known)) if known else (Fraction(), Fraction())
    return "".join(_GAP if value is None else _block(Fraction(value) - least, span) for value in values)


def _block(above: Fraction, span: Fraction) -> str:
    return _BLOCKS[int(above / span * (len(_BLOCKS) - 1) + Fraction(1, 2))] if span else _FLAT
