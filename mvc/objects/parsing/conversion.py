"""Plain data as typed values; errors name the keys as users write them, with what was expected and what was found."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from typing import Any, TypeAlias, TypeVar

import msgspec

from mvc.errors import InvalidFormat
from mvc.objects.pointer import quote

T = TypeVar("T")
Step: TypeAlias = str | int
"""A key of a mapping, or a position in a list."""

_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]|\[\.\.\.\]")
_UNEXPECTED = re.compile(r"Expected `(?P<types>.*)`, got `.*`", re.DOTALL)
_TYPES = {
    "str": "text", "int": "an integer", "float": "a number", "bool": "true or false", "object": "keys and values",
    "array": "a list",
}
_REASONS = (
    (re.compile(r"Object contains unknown field `(.*)`", re.DOTALL), r"unknown key `\1`"),
    (re.compile(r"Object missing required field `(.*)`", re.DOTALL), r"missing key `\1`"),
    (re.compile(r"Invalid enum value (.*)", re.DOTALL), r"invalid value \1"),
    (re.compile("Expected `str` of length >= 1"), "expected a text that is not empty"),
)
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*", re.ASCII)
_LONGEST = 40
"""Characters of a value that are shown."""


def convert(data: object, type_: type[T], *, what: str) -> T:
    """Return plain data as a value of `type_`.

    Raises:
        InvalidFormat: it does not match `type_`.
    """
    try:
        return msgspec.convert(data, type_)
    except msgspec.ValidationError as error:
        raise InvalidFormat(f"{what}: {explained(str(error), data, type_)}") from None


def explained(message: str, data: object, type_: type[object]) -> str:
    """Return msgspec's message about `data` in one line: place, what was expected, what was found."""
    reason, _, path = message.removesuffix("`").rpartition(" - at `$")
    try:
        steps = _steps(data, type_, message, path if reason else "")
        text = ": ".join(filter(None, (_written(steps), _reason(reason or message, _at(data, steps)))))
    except LookupError:  # a key that looks like the end of a message
        text = message
    return " ".join(text.split())


def _reason(reason: str, found: object) -> str:
    if match := _UNEXPECTED.fullmatch(reason):
        types = [_TYPES.get(name, name) for name in match["types"].split(" | ") if name != "null"]
        return f"expected {' or '.join(types)}, found {_shown(found)}{_hint(types, found)}"
    return next((pattern.sub(text, reason) for pattern, text in _REASONS if pattern.fullmatch(reason)), reason)


def _hint(types: Sequence[str], found: object) -> str:
    """YAML reads an unquoted number as such, and `.nan` as text."""
    if types == ["text"] and isinstance(found, int | float):
        return ": quote it"
    return ": use a finite number" if types == ["a number"] and isinstance(found, str) else ""


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return "keys and values"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, str):
        return quote(value[:_LONGEST])
    return "nothing" if value is None else str(value).lower()


# The place.


def _steps(data: object, type_: type[object], message: str, path: str) -> list[Step]:
    """Return the place that msgspec's `path` names. msgspec writes `[...]` for the keys of some mappings."""
    steps: list[Step] = []
    for key, position in _STEP.findall(path):
        steps.append(key or (int(position) if position else _key_at_fault(data, type_, message, steps)))
    return steps


def _key_at_fault(data: object, type_: type[object], message: str, steps: list[Step]) -> str:
    """Return the first key of the mapping at `steps` up to which the message is the same."""
    items = list(_at(data, steps).items())

    def fails(last: int) -> bool:
        try:
            msgspec.convert(_replaced(data, steps, dict(items[: last + 1])), type_)
        except msgspec.ValidationError as error:
            return str(error) == message
        return False

    position = bisect_left(range(len(items) - 1), 1, key=fails)
    return str(items[position][0])


def _at(data: Any, steps: Sequence[Step]) -> Any:
    for step in steps:
        data = data[step]
    return data


def _replaced(data: Any, steps: Sequence[Step], new: object) -> Any:
    """Return `data` with `new` at the place, without changing it."""
    if not steps:
        return new
    first, *rest = steps
    inner = _replaced(data[first], rest, new)
    if isinstance(data, dict):
        return {**data, first: inner}
    return [inner if position == first else item for position, item in enumerate(data)]


def _written(steps: Sequence[Step]) -> str:
    r"""Return the place as users write it: `rules[0].metrics."auc[country=*]".min`."""
    words = (f"[{step}]" if isinstance(step, int) else f".{_key(step)}" for step in steps)
    return "".join(words).removeprefix(".")


def _key(key: str) -> str:
    return key if _PLAIN_KEY.fullmatch(key) else quote(key)
