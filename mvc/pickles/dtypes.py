"""NumPy's dtypes in a pickle, and the states of arrays.

NumPy believes the sizes and flags of a dtype: a wrong one lets it take bytes for the addresses of objects. So a dtype
counts only if they agree. The state is that of `dtype.__reduce__`: version, byte order, subarray, names, fields, size,
alignment, flags, and metadata.
"""

from __future__ import annotations

import re
from typing import Any

from mvc.pickles.allowed.kinds import ANY, NUMBERS, TYPE, accepts
from mvc.pickles.values import Container, Dtype, Global, KnownDict, Tuple, reach_of

_TEXT = re.compile(
    rb"[<>|=]?(?:(?P<fixed>[biufcmM])(?P<size>1|2|4|8|12|16|24|32)|\?|(?P<flexible>[SUV])(?P<count>[0-9]{1,9})|"
    rb"(?P<objects>O[48]?))",
)
_OBJECT_FLAGS = 63
_POINTERS = 3
"""Flags of a dtype whose items hold pointers to objects: NPY_ITEM_REFCOUNT and NPY_LIST_PICKLE."""
_OTHER_FLAGS = 8 | 16 | 128
"""Flags of dtypes without: NPY_NEEDS_INIT, NPY_NEEDS_PYAPI, NPY_ALIGNED_STRUCT."""
_LEAST_CHAR = -128
_POINTER_BYTES = 8
_UNSTATED = -1


def make(items: tuple[Any, ...]) -> Dtype | None:
    """Return the dtype that `numpy.dtype(*items)` makes; None if it is not a plain one."""
    if len(items) > 3 or not all(map(_is_data, items[1:])):  # noqa: PLR2004 - its arguments
        return None
    if items and type(items[0]) is Global and items[0].name in ("numpy.record", "numpy.rec.record"):
        return Dtype(b"V", 0, objects=False)
    match = _TEXT.fullmatch(items[0]) if items and type(items[0]) is bytes else None
    if match is None:
        return None
    if match["objects"]:
        return Dtype(b"O", _POINTER_BYTES, objects=True)
    if match["flexible"]:
        return Dtype(match["flexible"], int(match["count"]) * (4 if match["flexible"] == b"U" else 1), objects=False)
    return Dtype(match["fixed"] or b"b", int(match["size"] or 1), objects=False)


def set_state(dtype: Dtype, state: Any) -> bool:
    """Set the state of a dtype; return whether it is sound."""
    if dtype.built or type(state) is not Tuple or state.items is None or len(state.items) not in (8, 9):
        return False
    dtype.built = True
    _, _, subarray, names, fields, size, align, flags = state.items[:8]
    if any(type(item) is not int for item in (size, align, flags)) or not all(map(_is_data, state.items[8:])):
        return False
    flags = flags & 0xFF if _LEAST_CHAR <= flags < 0 else flags  # NumPy 1 writes a signed character
    if subarray is None and names is None and fields is None:
        return _is_plain(dtype, size, flags)
    if dtype.text != b"V" or (dtype.size and size != dtype.size):
        return False
    found = _of_fields(names, fields, size) if subarray is None else _of_subarray(subarray, size)
    if found is None or (subarray is not None and names is not None):
        return False
    dtype.size, dtype.objects = size, found
    of_objects = found and subarray is not None and flags == _OBJECT_FLAGS
    plain = flags & ~(_POINTERS | _OTHER_FLAGS) == 0 and flags & _POINTERS == (_POINTERS if found else 0)
    return of_objects or bool(plain)


def _is_plain(dtype: Dtype, size: int, flags: int) -> bool:
    sound = flags == _OBJECT_FLAGS if dtype.objects else not flags & ~_OTHER_FLAGS
    return sound and size in (_UNSTATED, dtype.size)


def _of_subarray(subarray: Any, size: int) -> bool | None:
    """Return whether the items of a subarray are objects; None if its size is wrong."""
    if type(subarray) is not Tuple or subarray.items is None or len(subarray.items) != 2:  # noqa: PLR2004 - dtype, shape
        return None
    inner, shape = subarray.items
    count = count_of(shape)
    return inner.objects if type(inner) is Dtype and count is not None and inner.size * count == size else None


def _of_fields(names: Any, fields: Any, size: int) -> bool | None:
    """Return whether some field has objects; None if a field is outside of the item."""
    if type(names) is not Tuple or names.items is None or type(fields) is not KnownDict or fields.items is None:
        return None
    if not all(type(name) is bytes and name in fields.items for name in names.items):
        return None
    objects = False
    for field in fields.items.values():
        if type(field) is not Tuple or not field.items or type(field.items[0]) is not Dtype:
            return None
        inner, offset = field.items[0], field.items[1] if len(field.items) > 1 else None
        if type(offset) is not int or not 0 <= offset <= size - inner.size:
            return None
        objects = objects or inner.objects
    return objects


def count_of(shape: Any) -> int | None:
    """Return the number of items of an array; None if it is not known, or not a number that NumPy can count."""
    if type(shape) is not Tuple or shape.items is None:
        return None
    count = 1
    for item in shape.items:
        if type(item) is not int or item < 0:
            return None
        count *= item
    return count if count < 1 << 63 else None


def _is_data(value: Any) -> bool:
    return accepts(0, reach_of(value), cyclic=False)


# States of arrays.


def is_array_state(state: Tuple, *, cyclic: bool) -> bool:
    """Whether this is the state of an array: version, shape, dtype, order, and bytes or a list of objects."""
    if state.items is None or len(state.items) != 5 or type(state.items[2]) is not Dtype:  # noqa: PLR2004 - those
        return False
    *_, dtype, _, content = state.items
    if not all(map(_is_data, (state.items[0], state.items[1], state.items[3]))):
        return False
    if not dtype.objects:
        return _is_data(content)
    kinds = ANY if dtype.text == b"O" else NUMBERS | TYPE
    return type(content) is Container and accepts(kinds, content.reach, cyclic=cyclic)


def is_masked_state(state: Tuple, *, cyclic: bool) -> bool:
    """Whether this is the state of a masked array without objects."""
    if state.items is None or len(state.items) != 7 or type(state.items[2]) is not Dtype:  # noqa: PLR2004 - as NumPy has it
        return False
    return not state.items[2].objects and accepts(NUMBERS, state.reach, cyclic=cyclic)
