"""Regular expressions of a policy: whether they are any, and whether matching one may take for ever.

Python tries every way in which an expression may match. Where a repeat stands alone in a repeat, as in `(a+)+`, there
are twice as many with each character, and the text may come from a pull request.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from re import _parser as parser  # type: ignore[attr-defined]  # what `re` itself reads expressions with
from typing import Any, TypeAlias

_Node: TypeAlias = tuple[Any, Any]
"""What Python's parser makes of a part of an expression: what it is, and its own parts."""

_BACKTRACKING = (parser.MAX_REPEAT, parser.MIN_REPEAT)
_MANY = 10
"""Times from which on a repeat of a repeat takes long."""


def problem(text: str) -> str:
    """Return what is wrong with a regular expression; empty when nothing is."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # what Python may read in another way tomorrow
            re.compile(text)
            if _is_slow(parser.parse(text)):
                return "may take for ever: a repeat stands alone in a repeat, as in (a+)+"
    except (re.error, OverflowError, RecursionError, Warning) as error:
        return f"is no regular expression: {error}"
    return ""


def _is_slow(nodes: Sequence[_Node]) -> bool:
    """Whether a repeat in a sequence repeats what may be a repeat alone."""
    repeated = [part[2] for op, part in nodes if op in _BACKTRACKING and part[1] >= _MANY]
    return any(map(_may_be_a_repeat, repeated)) or any(_is_slow(item) for node in nodes for item in _inside(*node))


def _may_be_a_repeat(nodes: Any) -> bool:
    """Whether a sequence may match as one repeat of no fixed length does, all else in it being empty."""
    needed = [node for node in nodes if parser.SubPattern(nodes.state, [node]).getwidth()[0]]
    return len(needed) <= 1 and any(_is_a_repeat(*node) for node in needed or nodes)


def _is_a_repeat(op: Any, part: Any) -> bool:
    if op in _BACKTRACKING and part[1] > max(part[0], 1):
        return True
    return op is not parser.ATOMIC_GROUP and op is not parser.POSSESSIVE_REPEAT and any(
        map(_may_be_a_repeat, _inside(op, part))
    )


def _inside(op: Any, part: Any) -> list[Any]:
    """Return the sequences that are parts of a node."""
    if op in (*_BACKTRACKING, parser.POSSESSIVE_REPEAT):
        return [part[2]]
    if op is parser.SUBPATTERN:
        return [part[3]]
    if op is parser.BRANCH:
        return list(part[1])
    if op is parser.GROUPREF_EXISTS:
        return [item for item in part[1:] if item is not None]
    if op is parser.ATOMIC_GROUP:
        return [part]
    return [part[1]] if op in (parser.ASSERT, parser.ASSERT_NOT) else []
