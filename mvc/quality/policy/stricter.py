"""Whether one value of a policy is at least as strict as another, for moves and for policy changes."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from mvc.quality.policy.policy import PAIRED, Pinned, Tolerance

# Each from the least to the most strict.
REPORT = ("optional", "required")
ROLLBACK = ("history", "registered", "deny")
PICKLE = ("allow", "scan", "deny")
ASSURANCE = ("self", "ci", "third-party")
SEVERITY = ("warn", "error")


def is_as_high(new: float | None, old: float | None) -> bool:
    """Whether a `min` is at least as strict as another."""
    return old is None or (new is not None and new >= old)


def is_as_low(new: float | None, old: float | None) -> bool:
    """Whether a `max` or a maximal age is at least as strict as another."""
    return old is None or (new is not None and new <= old)


def is_no_wider(new: Tolerance, old: Tolerance) -> bool:
    """Whether one tolerance allows no more than another. Of different units only 0 compares, unless it is `0se`."""
    (size, unit), (most, other) = measure(new), measure(old)
    return size <= most and (unit == other or (size == 0 and unit in {"", "%"}))


def measure(tolerance: Tolerance) -> tuple[Fraction, str]:
    """Return a tolerance as it is written, and its unit: empty for a number, `%`, `se`, or `paired`, which has none."""
    if not isinstance(tolerance, str):
        return Fraction(repr(float(tolerance))), ""
    if tolerance == PAIRED:
        return Fraction(0), PAIRED
    unit = "%" if tolerance.endswith("%") else "se"
    return Fraction(tolerance.removesuffix(unit)), unit


def is_pinned(wanted: Pinned, there: Iterable[Pinned]) -> bool:
    """Whether `there` has a data set; with its content, and in full, if `wanted` has that."""
    return any(
        item.id == wanted.id and wanted.blake3 in ("", item.blake3) and item.full >= wanted.full for item in there
    )
