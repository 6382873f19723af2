"""The kinds of values that the scan tells apart, as bits of a set. Plain data has no bit: it can do nothing."""

from __future__ import annotations

(
    MUTABLE,  # a list, a set, a dictionary or an instance
    SPECIAL,  # a dictionary with a key such as `__setstate__`, or with one that is not known
    TYPE,  # a plain class of Python or NumPy, such as `list`
    NAME,  # a function or a class
    VALUE,  # a number of NumPy, a date, and what else compares and hashes itself
    DTYPE,
    ARRAY,
    ARRAY_TYPE,
    GENERATOR,  # random generators of NumPy, their classes and constructors
    TABLE,  # pandas: tables, indexes and their parts
    MADE_TYPE,  # compiled classes, and those of pandas: a function of their module makes instances
    DISTRIBUTION,  # scipy.stats
    METHOD,  # of a distribution
    TENSOR,
    TENSOR_TYPE,
    TORCH,  # types, layouts and devices of PyTorch
    REBUILDER,
    STORAGE,  # what a loader puts in place of a persistent id
    CONTAINER,  # of the module collections
    OBJECT,  # an instance of any other class
    CONSTRUCTOR,  # what pickle only calls: it must not become a part of a value
    UNKNOWN_KIND,
) = (1 << number for number in range(22))

ANY = (1 << 22) - 1 & ~(CONSTRUCTOR | UNKNOWN_KIND)
HASHABLE = VALUE | TYPE | NAME
"""What may be a key or an item of a set: their classes compare and hash without calling an attribute."""
NUMBERS = VALUE | DTYPE | ARRAY
TABLES = NUMBERS | TABLE | MADE_TYPE
TENSORS = TENSOR | TENSOR_TYPE | TORCH | STORAGE | CONTAINER | NUMBERS


def accepts(kinds: int, reach: int, *, cyclic: bool) -> bool:
    """Whether a value that reaches `reach` only reaches `kinds`.

    If a value was altered after it became part of another (`cyclic`), it is not known what containers reach.
    """
    return not reach & ~(kinds if cyclic else kinds | MUTABLE)
