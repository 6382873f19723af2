"""The arrays between the opcodes of joblib's files.

An array follows the state of its `NumpyArrayWrapper`. joblib looks up the methods of the wrapper in that state, too, so
it must have exactly joblib's attributes: https://github.com/joblib/joblib/blob/main/joblib/numpy_pickle.py
"""

from __future__ import annotations

from typing import Any, NamedTuple

from mvc.pickles.allowed.kinds import ARRAY_TYPE
from mvc.pickles.dtypes import count_of
from mvc.pickles.source import MalformedPickle
from mvc.pickles.values import Dtype, Global, KnownDict

_REQUIRED = {b"subclass", b"shape", b"order", b"dtype", b"allow_mmap"}
_ALIGNMENT = b"numpy_array_alignment_bytes"


class JoblibArray(NamedTuple):
    """An array in the file."""

    size: int | None
    """In bytes; None for an array of objects, which is a pickle of its own."""
    padded: bool
    """Whether a byte with the length of a padding comes first, and then the padding."""


def joblib_array(state: Any) -> JoblibArray:
    """Return the array that follows this state of a wrapper.

    Raises:
        MalformedPickle: joblib writes no such state.
    """
    items = state.items if type(state) is KnownDict else None
    if items is None or not _REQUIRED <= items.keys() <= _REQUIRED | {_ALIGNMENT}:
        raise MalformedPickle("an array has other attributes than joblib writes")
    dtype, count, alignment = items[b"dtype"], count_of(items[b"shape"]), items.get(_ALIGNMENT)
    subclass, mapped = items[b"subclass"], items[b"allow_mmap"]
    if type(subclass) is not Global or subclass.reach != ARRAY_TYPE or items[b"order"] not in (b"C", b"F"):
        raise MalformedPickle("an array has a class or an order that joblib does not write")
    if type(dtype) is not Dtype or count is None or (alignment is not None and type(alignment) is not int):
        raise MalformedPickle("an array has an unknown size")
    if type(mapped) is not bool or (mapped and dtype.objects):
        raise MalformedPickle("an array of objects may be mapped into memory")
    return JoblibArray(None if dtype.objects else count * dtype.size, alignment is not None)
