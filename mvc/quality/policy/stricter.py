"""What is at least as strict as what, value by value, for moves and for changes of the policy."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from mvc.quality.policy.policy import Change, Pinned

# Each from the least strict to the strictest.
REPORT = ("optional", "required")
ROLLBACK = ("history", "registered", "deny")
PICKLE = ("allow", "scan", "deny")
ASSURANCE = ("self", "ci", "third-party")
SEVERITY = ("warn", "error")


def is_as_high(new: float | None, old: float | None) -> bool:
    """Whether a `min` demands what another does."""
    return old is None or (new is not None and new >= old)


def is_as_low(new: float | None, old: float | None) -> bool:
    """Whether a `max`, or a span of time, demands what another does."""
    return old is None or (new is not None and new <= old)


def is_no_wider(new: Change, old: Change) -> bool:
    """Whether one tolerance allows no more than another; of two kinds only nothing at all compares."""
    (size, unit), (most, other) = measure(new), measure(old)
    return size <= most and (unit == other or (size == 0 and unit != "se"))


def measure(change: Change) -> tuple[Fraction, str]:
    """Return a tolerance's size, as it is written, and its unit: nothing for a number itself, `%` or `se`."""
    if not isinstance(change, str):
        return Fraction(repr(float(change))), ""
    unit = "%" if change.endswith("%") else "se"
    return Fraction(change.removesuffix(unit)), unit


def is_pinned(wanted: Pinned, there: Iterable[Pinned]) -> bool:
    """Whether a data set is demanded, with its content if that is demanded."""
    return any(item.id == wanted.id and wanted.blake3 in ("", item.blake3) for item in there)
