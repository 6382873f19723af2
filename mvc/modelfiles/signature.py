"""What a model takes and returns."""

from __future__ import annotations

from typing import NamedTuple

LONGEST = 64 << 10
"""Bytes of a description that is read."""
MOST = 1000
"""Inputs or outputs that are read."""


class Field(NamedTuple):
    """An input or an output."""

    name: str
    type: str
    """As the format calls it, such as `float32`; empty if it does not say."""
    shape: tuple[int | None, ...] = (None,)
    """None for a dimension of any length: the first one is that of the rows."""


class Signature(NamedTuple):
    """What a model takes and returns; a format that does not say it has neither."""

    inputs: tuple[Field, ...] = ()
    outputs: tuple[Field, ...] = ()
