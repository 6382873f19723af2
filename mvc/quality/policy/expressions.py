"""Whether a regular expression of a policy is valid, and does not take exponential time.

Python tries every way to match. A repeat that is alone in a repeat, as in `(a+)+`, doubles the number of ways with
each character, and the text may come from a pull request.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence

# Private, but `re` has no public parser (`sre_parse` is deprecated), and a parser of our own could differ from it.
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any, TypeAlias

_Node: TypeAlias = tuple[Any, Any]
"""An opcode of Python's parser, and its argument."""

_BACKTRACKING = (parser.MAX_REPEAT, parser.MIN_REPEAT)
_MANY = 10
"""Count from which on a repeat of a repeat takes too long."""


def problem(text: str) -> str:
    """Return why a regular expression is invalid; empty when it is valid."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # such as syntax that will change its meaning
            re.compile(text)
            if _is_slow(parser.parse(text)):
                return "nested repeats such as (a+)+ can take exponential time"
    except (re.error, OverflowError, RecursionError, Warning) as error:
        return f"not a regular expression: {error}"
    return ""


def _is_slow(nodes: Sequence[_Node]) -> bool:
    """Whether a repeat in a sequence contains a repeat and nothing else."""
    repeated = [part[2] for op, part in nodes if op in _BACKTRACKING and part[1] >= _MANY]
    return any(map(_may_be_a_repeat, repeated)) or any(_is_slow(item) for node in nodes for item in _inside(*node))


def _may_be_a_repeat(nodes: Any) -> bool:
    """Whether a sequence can match like a single repeat of variable length, while the rest of it matches nothing."""
    needed = [node for node in nodes if parser.SubPattern(nodes.state, [node]).getwidth()[0]]
    return len(needed) <= 1 and any(_is_a_repeat(*node) for node in needed or nodes)


def _is_a_repeat(op: Any, part: Any) -> bool:
    if op in _BACKTRACKING and part[1] > max(part[0], 1):
        return True
    return op is not parser.ATOMIC_GROUP and op is not parser.POSSESSIVE_REPEAT and any(
        map(_may_be_a_repeat, _inside(op, part))
    )


def _inside(op: Any, part: Any) -> list[Any]:
    """Return the sequences inside a node."""
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
