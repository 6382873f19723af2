"""The functions that pickle calls with arguments of a certain form, and what they return."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Protocol

from mvc.pickles import dtypes
from mvc.pickles.allowed.kinds import ARRAY_TYPE, CONTAINER, METHOD, NAME, NUMBERS, OBJECT, SPECIAL, TYPE, VALUE
from mvc.pickles.allowed.names import BUILTINS
from mvc.pickles.allowed.tables import Entry
from mvc.pickles.values import DATA, TEXT, Container, Dtype, Findings, Global, Instance, KnownDict, Tuple, reach_of

_EMPTY = Tuple((), 0)
_METHOD = Entry(METHOD)
_NUMBER = Entry(result=VALUE)
_PARTIAL = Entry(result=OBJECT, form="tuple", state=TYPE | NAME | NUMBERS)
_ZONE = re.compile(rb"[A-Za-z0-9_+-]{1,40}(?:/[A-Za-z0-9_+-]{1,40}){0,3}")


class Caller(Protocol):
    """The part of the machine that these functions use."""

    findings: Findings

    def instantiate(self, kind: Any, arguments: Any, keywords: Any = None) -> Any:
        """Make an instance of a class by its `__new__`."""

    def accepts(self, kinds: int, reach: int) -> bool:
        """Whether a value that reaches `reach` only reaches `kinds`."""


def _attribute(caller: Caller, items: tuple[Any, ...]) -> Any:
    """`getattr`: a method of a class by a name that is allowed, or of a distribution that has no state yet."""
    if len(items) != 2 or type(items[1]) is not bytes:  # noqa: PLR2004 - its arguments
        return None
    value, name = items
    if type(value) is Instance and name in value.entry.methods and not value.built:
        return Global(name.decode(), _METHOD, METHOD)
    full = f"{value.name}.{name.decode('utf-8', 'replace')}" if type(value) is Global and value.name else ""
    entry = caller.findings.allowed.find(full)
    return Global(full, entry, entry.kind) if entry else None


def _reconstructor(caller: Caller, items: tuple[Any, ...]) -> Any:
    """`copyreg._reconstructor(class, base, state)`: the base is a type of Python, which takes the state."""
    if len(items) != 3 or type(items[1]) is not Global or items[1].name.rpartition(".")[0] not in BUILTINS:  # noqa: PLR2004 - those
        return None
    kind, _, state = items
    if state is None:
        return caller.instantiate(kind, _EMPTY)
    if type(kind) is not Global or type(state) not in (Tuple, Container, KnownDict, bytes, int, type(TEXT), type(DATA)):
        return None
    kinds = kind.entry.new if kind.entry.items is None else kind.entry.items
    special = type(state) is KnownDict and state.special and not kind.entry.result & CONTAINER
    known = kinds is not None and not special and caller.accepts(kinds | SPECIAL, reach_of(state))
    return Instance(kind.entry, reach_of(state), kind.name) if known else None


def _new(caller: Caller, items: tuple[Any, ...]) -> Any:
    arguments = Tuple(items[1:], 0)
    for item in items[1:]:
        arguments = arguments._replace(reach=arguments.reach | reach_of(item))
    return caller.instantiate(items[0], arguments) if items else None


def _new_with_keywords(caller: Caller, items: tuple[Any, ...]) -> Any:
    known = len(items) == 3 and type(items[1]) is Tuple and type(items[2]) is KnownDict  # noqa: PLR2004 - its arguments
    return caller.instantiate(items[0], items[1], items[2]) if known else None


def _bytes(caller: Caller, items: tuple[Any, ...]) -> Any:
    return DATA if all(caller.accepts(0, reach_of(item)) for item in items) else None


def _text(caller: Caller, items: tuple[Any, ...]) -> Any:
    return TEXT if all(caller.accepts(0, reach_of(item)) for item in items) else None


def _encode(caller: Caller, items: tuple[Any, ...]) -> Any:
    """`_codecs.encode`: other codecs than Latin-1 may be modules of their own."""
    del caller
    return DATA if len(items) == 2 and items[1] in (b"latin1", b"latin-1") and not reach_of(items[0]) else None  # noqa: PLR2004


def _array(caller: Caller, items: tuple[Any, ...]) -> Any:
    """An array of a class that is its first argument; a masked array names two."""
    del caller
    count = sum(type(item) is Global and item.reach == ARRAY_TYPE for item in items[:2])
    known = count and len(items) == count + 2 and not any(map(reach_of, items[count:]))
    return Instance(items[0].entry, 0, items[0].name) if known else None


def _dtype(caller: Caller, items: tuple[Any, ...]) -> Any:
    del caller
    return dtypes.make(items)


def _partial(caller: Caller, items: tuple[Any, ...]) -> Any:
    """`functools.partial` of a function that may be named; its arguments are in its state."""
    del caller
    known = len(items) == 1 and type(items[0]) is Global and items[0].reach == NAME
    return Instance(_PARTIAL, NAME, "functools.partial") if known else None


def _string_dtype(caller: Caller, items: tuple[Any, ...]) -> Any:
    """The dtype of strings of any length: an array of them has a list of strings for its state."""
    plain = all(caller.accepts(0, reach_of(item)) for item in items)
    return Dtype(b"T", 16, objects=True) if plain else None


def _scalar(caller: Caller, items: tuple[Any, ...]) -> Any:
    """A number of NumPy; for a dtype of objects its second argument."""
    if not items or type(items[0]) is not Dtype or len(items) > 2:  # noqa: PLR2004 - dtype, content
        return None
    kinds = NUMBERS if items[0].objects else 0
    reach = reach_of(items[1]) if items[1:] else 0
    return Instance(_NUMBER, reach, "a number of NumPy") if caller.accepts(kinds, reach) else None


def _zone(caller: Caller, items: tuple[Any, ...]) -> Any:
    del caller
    known = len(items) == 2 and type(items[0]) is bytes and _ZONE.fullmatch(items[0]) and not reach_of(items[1])  # noqa: PLR2004
    return Instance(_NUMBER, 0, "zoneinfo.ZoneInfo") if known else None


CHECKED: dict[str, Callable[[Caller, tuple[Any, ...]], Any]] = {
    **{f"{module}.getattr": _attribute for module in BUILTINS},
    **{f"{module}.{name}": _bytes for module in BUILTINS for name in ("bytearray", "bytes")},
    **{f"{module}.{name}": _text for module in BUILTINS for name in ("str", "unicode")},
    **{f"{module}._reconstructor": _reconstructor for module in ("copyreg", "copy_reg")},
    **{f"{module}.__newobj__": _new for module in ("copyreg", "copy_reg")},
    **{f"{module}.__newobj_ex__": _new_with_keywords for module in ("copyreg", "copy_reg")},
    **{f"{module}.multiarray._reconstruct": _array for module in ("numpy.core", "numpy._core")},
    **{f"{module}.multiarray.scalar": _scalar for module in ("numpy.core", "numpy._core")},
    "numpy._core._internal._convert_to_stringdtype_kwargs": _string_dtype,
    "_codecs.encode": _encode,
    "numpy.ma.core._mareconstruct": _array,
    "functools.partial": _partial,
    "numpy.dtype": _dtype,
    "zoneinfo.ZoneInfo._unpickle": _zone,
}
"""By name: the function that returns what a call returns, or None if the arguments are not harmless."""
