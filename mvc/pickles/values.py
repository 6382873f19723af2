"""Partly known values on the stack, and the findings in a file."""

from __future__ import annotations

from typing import Any, NamedTuple

KEYS = 32
"""Most keys of a dictionary, and items of a tuple, that are kept."""
_MAX_NAMES = 1000
"""Most names that are kept for a file."""


class _Kind:
    """A value whose kind only is known."""


UNKNOWN: Any = _Kind()
"""Any value at all."""
INSTANCE: Any = _Kind()
"""An instance of a class: neither a string nor a class."""
DATA: Any = _Kind()
"""Neither a name nor callable: a number, bytes, a list, a set."""


class Global(NamedTuple):
    """An imported name."""

    name: str
    """Module and name; empty if it was reported already."""


class KnownDict:
    """A dictionary with few keys, all strings; with any other key its items are unknown."""

    def __init__(self) -> None:
        """Start empty."""
        self.items: dict[bytes, Any] | None = {}

    def set(self, key: Any, value: Any) -> None:
        """Set an item."""
        if self.items is not None and type(key) is bytes and len(self.items) < KEYS:
            self.items[key] = value
        else:
            self.items = None


class Dtype:
    """A `numpy.dtype`: the string that it was made from, and its state."""

    def __init__(self, text: Any) -> None:
        """Make the dtype that `text` names."""
        self.text = text
        self.state: Any = None

    def set(self, state: Any) -> None:
        """Set the state; a second call makes it unknown."""
        self.state = UNKNOWN if self.state is not None else state


class ArrayWrapper:
    """The object that joblib puts before an array."""

    def __init__(self) -> None:
        """Start without a state."""
        self.built = False


class Findings:
    """The findings in a file."""

    def __init__(self) -> None:
        """Start empty."""
        self.names: dict[str, None] = {}
        """Names that are not known to be harmless, in the order of the file."""
        self.calls = False
        """Whether one of them is called."""
        self.has_arrays = False
        """Whether there is an array of joblib's."""

    def add(self, name: str, *, called: bool = False) -> None:
        """Add a name."""
        self.calls = self.calls or called
        if len(self.names) < _MAX_NAMES:
            self.names[name] = None

    def merge(self, other: Findings) -> None:
        """Add all that another has."""
        self.calls = self.calls or other.calls
        self.has_arrays = self.has_arrays or other.has_arrays
        for name in other.names:
            self.add(name)
