"""The states that pickle gives to instances, by the opcode BUILD.

| form | state |
|---|---|
| `dict` | a dictionary of attributes |
| `tuple` | a dictionary, or a tuple for the `__setstate__` of the class |
| `slots` | the same attributes, or some of them one by one: those in `slots` |
| `array`, `masked array` | that of NumPy's arrays |
| `distribution` | attributes; one of them is a text that SciPy runs |
| `any` | what a policy allows |

No dictionary has a key such as `__setstate__`: as an attribute it would be called.
"""

from __future__ import annotations

from typing import Any

from mvc.pickles.allowed.kinds import accepts
from mvc.pickles.allowed.tables import Entry
from mvc.pickles.dtypes import is_array_state, is_masked_state
from mvc.pickles.templates import is_parser
from mvc.pickles.values import KnownDict, Tuple, reach_of

_PARSER = b"_parse_arg_template"


def is_allowed(entry: Entry, state: Any, *, cyclic: bool) -> bool:
    """Whether an instance may get this state."""
    parts = dictionaries(state)
    if not entry.form or any(part.special for part in parts):
        return False
    if entry.form == "any":
        return True
    if entry.form in ("array", "masked array"):
        check = is_array_state if entry.form == "array" else is_masked_state
        return type(state) is Tuple and check(state, cyclic=cyclic)
    if not accepts(entry.state, reach_of(state), cyclic=cyclic):
        return False
    if entry.form == "tuple":
        return type(state) in (Tuple, KnownDict)
    if entry.form == "slots" and type(state) is Tuple:
        return _are_slots(entry, state)
    return type(state) is KnownDict and (entry.form != "distribution" or _is_distribution(state))


def dictionaries(state: Any) -> list[KnownDict]:
    """Return the dictionaries in a state that may become attributes."""
    items = state.items or () if type(state) is Tuple else (state,)
    return [item for item in items if type(item) is KnownDict]


def _are_slots(entry: Entry, state: Tuple) -> bool:
    if state.items is None or len(state.items) != 2:  # noqa: PLR2004 - attributes, and those set one by one
        return False
    attributes, slots = state.items
    known = type(slots) is KnownDict and slots.items is not None and slots.items.keys() <= entry.slots
    return known and (attributes is None or type(attributes) is KnownDict)


def _is_distribution(state: KnownDict) -> bool:
    text = state.items.get(_PARSER) if state.items is not None else None
    return type(text) is bytes and is_parser(text)
