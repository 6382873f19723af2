"""Partly known values on the stack, and the findings in a file.

Each value knows what it may reach: `reach` is a set of bits, one for each kind of value. A call is judged by the kinds
that its arguments reach, not by their values.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from mvc.pickles.allowed.kinds import DTYPE, MUTABLE, OBJECT, UNKNOWN_KIND
from mvc.pickles.allowed.names import Names
from mvc.pickles.allowed.tables import Entry

KEYS = 128
"""Most keys of a dictionary, and items of a tuple, that are kept."""
_MAX_NAMES = 1000
"""Most names that are kept for a file."""


class _Data:
    """Neither a name nor callable: a number, bytes."""


class _Text:
    """A string that is not known."""


class _Unknown:
    """Any value at all."""

    reach = UNKNOWN_KIND | MUTABLE


DATA: Any = _Data()
TEXT: Any = _Text()
UNKNOWN: Any = _Unknown()
_FEW = 3
_PLAIN = frozenset({_Data, _Text, bytes, int, bool, type(None)})
"""Types that stand for plain data; short strings are `bytes`."""


class Global(NamedTuple):
    """An imported name."""

    name: str
    """Module and name; empty if it was reported already."""
    entry: Entry
    reach: int


class Tuple(NamedTuple):
    """A tuple."""

    items: tuple[Any, ...] | None
    """None if there are too many."""
    reach: int


class Container:
    """A list, a set, or a part of one: its items are not kept."""

    __slots__ = ("reach", "stored")

    def __init__(self) -> None:
        """Start empty."""
        self.reach = MUTABLE
        self.stored = False
        """Whether it is an item of another value."""


class KnownDict(Container):
    """A dictionary. Its items are known while they are few and their keys are short strings."""

    __slots__ = ("frozen", "items", "special")

    def __init__(self) -> None:
        """Start empty."""
        super().__init__()
        self.items: dict[bytes, Any] | None = {}
        self.frozen = False
        """Whether it became the state of an object: it could be its attributes."""
        self.special = False
        """Whether it must not: a key is special, or not known."""

    def set_all(self, keys: Sequence[Any], values: Sequence[Any]) -> None:
        """Set items."""
        self.special = self.special or any(map(_is_special_item, keys, values))
        if self.items is None or len(keys) > KEYS or any(type(key) is not bytes for key in keys):
            self.items = None
        else:
            self.items.update(zip(keys, values, strict=True))
            self.items = self.items if len(self.items) <= KEYS else None


def _is_special_item(key: Any, value: Any) -> bool:
    """Whether an item must not become an attribute. A version that differs is printed, so it must be a text."""
    return is_special(key) or (key == _VERSION and reach_of(value) != 0)


_VERSION = b"_sklearn_version"


def is_special(key: Any) -> bool:
    """Whether Python or a library may look up the attribute `key` to call it, such as `__setstate__`."""
    if type(key) is not bytes:
        return key is TEXT or isinstance(key, Instance | _Unknown)
    return key.startswith(b"__") and key.endswith(b"__") and key not in (b"__doc__", b"__name__")


class Instance:
    """What a call returned."""

    __slots__ = ("built", "entry", "name", "reach", "stored")

    def __init__(self, entry: Entry, reach: int, name: str) -> None:
        """Make an instance of what `entry` describes, under its `name`, from arguments that reach `reach`."""
        self.entry, self.name = entry, name
        self.reach = reach | entry.result | MUTABLE
        self.stored = self.built = False


class Dtype:
    """A `numpy.dtype`."""

    __slots__ = ("built", "objects", "size", "stored", "text")
    reach = DTYPE

    def __init__(self, text: bytes, size: int, *, objects: bool) -> None:
        """Make the dtype that `text` names."""
        self.text, self.size, self.objects = text, size, objects
        self.stored = self.built = False


class ArrayWrapper:
    """The object that joblib puts before an array."""

    __slots__ = ("built",)
    reach = OBJECT

    def __init__(self) -> None:
        """Start without a state."""
        self.built = False


def reach_of(value: Any) -> int:
    """Return the kinds of values that `value` reaches."""
    return 0 if type(value) in _PLAIN else value.reach


def reach_of_all(values: Sequence[Any]) -> int:
    """Return the kinds of values that `values` reach, and note that these are items of another value."""
    if len(values) > _FEW and _PLAIN.issuperset(map(type, values)):
        return 0
    reach = 0
    for value in values:
        if type(value) not in _PLAIN:
            reach |= value.reach
            if isinstance(value, Container | Instance | Dtype):
                value.stored = True
    return reach


class Findings:
    """The findings in a file."""

    def __init__(self, allowed: Names) -> None:
        """Start empty. What is not `allowed` is a finding."""
        self.allowed = allowed
        self.names: dict[str, None] = {}
        """Names that are not known to be harmless, in the order of the file."""
        self.calls = False
        """Whether one of them is called, or an object is altered in a way that may call something."""
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
