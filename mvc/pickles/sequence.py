"""Pickles in a stream, one after the other."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from mvc.pickles.follow import follow
from mvc.pickles.source import MalformedPickle, PickleReader, Unreadable
from mvc.pickles.values import Findings

_TORCH = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
"""The first pickle of a file in PyTorch's older form: five pickles, then the storages."""
_TORCH_PICKLES = 5
MAX_PICKLES = 100_000
"""Most pickles, arrays or members in a file."""
_Open = Callable[[], PickleReader]
"""Returns a reader at the start of the file or member."""


def follow_pickles(start: _Open, findings: Findings, *, uncertain: bool = False) -> None:
    """Follow all pickles: as `pickle.load` reads them and, if there are arrays of joblib's, as `joblib.load` does.

    Raises:
        MalformedPickle: They cannot be read to the end.
        Unreadable: They are too long.
    """
    try:
        _sequence(start(), findings, arrays=False, uncertain=uncertain)
    except MalformedPickle:
        if not findings.has_arrays:
            raise
    if findings.has_arrays:
        _sequence(start(), findings, arrays=True, uncertain=uncertain)


def follow_possible_pickles(start: _Open, findings: Findings) -> None:
    """Follow pickles where there may be none; a malformed one is ignored."""
    with suppress(MalformedPickle):
        follow_pickles(start, findings, uncertain=True)


def _sequence(reader: PickleReader, findings: Findings, *, arrays: bool, uncertain: bool) -> None:
    torch = reader.starts(_TORCH)
    _one(reader, findings, arrays=arrays, uncertain=uncertain)
    for number in range(1, MAX_PICKLES):
        if reader.at_end():
            return
        if torch and number == _TORCH_PICKLES:
            with suppress(MalformedPickle):
                _one(reader, findings, arrays=arrays, uncertain=True)
            return
        try:
            _one(reader, findings, arrays=arrays, uncertain=not torch)
        except MalformedPickle as error:
            raise MalformedPickle(f"pickle {number} is followed by other data: {error}") from None
    raise Unreadable("too many pickles")


def _one(reader: PickleReader, findings: Findings, *, arrays: bool, uncertain: bool) -> None:
    """Follow one pickle. An uncertain one counts if it has an end, or calls something before it breaks."""
    if not uncertain:
        follow(reader, findings, arrays=arrays)
        return
    own = Findings(findings.allowed)
    try:
        follow(reader, own, arrays=arrays, uncertain=True)
    except (MalformedPickle, Unreadable):
        findings.has_arrays = findings.has_arrays or own.has_arrays
        if own.calls:
            findings.merge(own)
        raise
    findings.merge(own)
