"""NumPy's array files, whose objects are pickled.

Format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
"""

from __future__ import annotations

import re
from typing import Any

from mvc.pickles.follow import follow
from mvc.pickles.sequence import MAX_PICKLES
from mvc.pickles.source import MalformedPickle, PickleReader, Unreadable
from mvc.pickles.values import Findings

NUMPY = b"\x93NUMPY"
_HEADER = 1 << 16
_DEEP = 20


def follow_arrays(reader: PickleReader, findings: Findings) -> None:
    """Read all arrays of a file, and follow the pickles of those that hold objects."""
    for _ in range(MAX_PICKLES):
        if reader.at_end():
            return
        if not reader.starts(NUMPY):
            raise MalformedPickle("the array is followed by other data")
        reader.skip(len(NUMPY))
        version, _ = reader.byte(), reader.byte()
        width = reader.number(2 if version == 1 else 4)
        if width > _HEADER:
            raise Unreadable(f"an array has a header of {width:,} bytes: expected at most {_HEADER:,}")
        header = _parsed(reader.take(width))
        dtype, shape = header.get("descr"), header.get("shape")
        if _has_objects(dtype):
            follow(reader, findings)
        else:
            reader.skip(_count(shape) * _item_size(dtype))
    raise Unreadable("too many arrays")


def _parsed(raw: bytes) -> dict[Any, Any]:
    """Return the header of an array, a dictionary in Python's syntax."""
    from ast import literal_eval  # noqa: PLC0415 - few files need it

    text = raw.decode("latin-1")
    if sum(map(text.count, "([{")) > 10 * _DEEP * _DEEP or _depth(text) > _DEEP:
        raise MalformedPickle("an array has a header with too many brackets")
    try:
        header = literal_eval(text.strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        header = None
    if not isinstance(header, dict):
        raise MalformedPickle("an array has an invalid header")
    return header


def _depth(text: str) -> int:
    depth = deepest = 0
    for char in text:
        depth += (char in "([{") - (char in ")]}")
        deepest = max(deepest, depth)
    return deepest


_PLAIN = re.compile(r"[<>|=]?(?:\?|[biufc]([0-9]{1,3})|[mM]8(?:\[[0-9A-Za-z/ ]*\])?|([SUV])([0-9]{1,9}))", re.ASCII)
"""Dtypes without objects, as NumPy writes them; it reads others, such as `M8[ns],O`, which has two fields."""


def _has_objects(dtype: Any) -> bool:
    """Whether a dtype has objects; an unknown dtype counts as one that has."""
    if isinstance(dtype, str):
        return _PLAIN.fullmatch(dtype) is None
    return not isinstance(dtype, list) or any(
        not isinstance(field, tuple) or len(field) not in (2, 3) or _has_objects(field[1]) for field in dtype
    )


def _item_size(dtype: Any) -> int:
    """Return the size of one item in bytes."""
    if isinstance(dtype, list):
        return sum(_item_size(field[1]) * _count(field[2] if len(field) > 2 else ()) for field in dtype)  # noqa: PLR2004 - shape
    match = _PLAIN.fullmatch(dtype)
    if match is None:
        raise MalformedPickle("an array has an invalid dtype")
    if match[2]:
        return int(match[3]) * (4 if match[2] == "U" else 1)
    return 1 if "?" in dtype else int(match[1] or 8)


def _count(shape: Any) -> int:
    """Return the number of items."""
    count = 1
    for item in shape if isinstance(shape, tuple) else (shape,):
        if type(item) is not int or item < 0:
            raise MalformedPickle("an array has an invalid shape")
        count *= item
    return count
