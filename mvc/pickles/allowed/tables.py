"""What an allowed name may be used for, and the notation of the tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Literal, NamedTuple, TypeAlias

from mvc.pickles.allowed.kinds import ANY, CONSTRUCTOR, NAME, OBJECT

Form: TypeAlias = Literal["", "dict", "tuple", "slots", "array", "masked array", "distribution", "any"]
"""The form of a state: see `pickles.states`."""


class Entry(NamedTuple):
    """How a name may be used, and its instances. Kinds are those of `pickles.kinds`."""

    kind: int = CONSTRUCTOR
    """Of the name itself."""
    result: int = 0
    """Of its instances."""
    call: int | None = None
    """Kinds that its arguments may reach; None if it must not be called."""
    new: int | None = None
    """The same for `__new__`, by which pickle makes an instance without a call."""
    form: Form = ""
    """The form of the state of an instance; empty if it must not have one."""
    state: int = 0
    """Kinds that the state may reach."""
    slots: frozenset[bytes] = frozenset()
    items: int | None = None
    """Kinds that items of an instance may reach, where pickle may append or set some; None if it must not."""
    methods: frozenset[bytes] = frozenset()
    """Methods of an instance that may be named."""


FUNCTION = Entry(NAME)
"""May be named, for use by a model later, but not called."""
CLASS = Entry(NAME, OBJECT, new=0, form="dict", state=ANY)
"""Has no `__setstate__`, or scikit-learn's, and no method that Python calls while pickle fills it."""
ROW = Entry(NAME, OBJECT, new=ANY)
"""A named tuple."""
ALL = Entry(NAME, OBJECT, call=ANY, new=ANY, form="any", state=ANY, items=ANY)
"""Whatever a policy allows."""


def rows(entry: Entry, module: str, names: str) -> Iterator[tuple[str, Entry]]:
    """Yield the same entry for several names of a module."""
    return ((f"{module}.{name}", entry) for name in names.split())


@cache
def listed() -> Mapping[str, Entry]:
    """Return the entries of `names.txt`."""
    found: dict[str, Entry] = {}
    entry = FUNCTION
    for line in resources.files(__package__).joinpath("names.txt").read_text("ascii").splitlines():
        module, _, names = line.partition(":")
        if line.startswith("["):
            entry = _SECTIONS[line]
        elif line and not line.startswith("#"):
            found.update(rows(entry, module, names))
    return found


_SECTIONS = {"[classes]": CLASS, "[named tuples]": ROW, "[functions]": FUNCTION}
