"""The settings of an evaluation, as a file with metrics has them, as parameters of a report."""

from __future__ import annotations

import re
from collections.abc import Iterator
from math import isfinite

from mvc.quality.reports.report import Parameter

_SECRET = re.compile(
    r"(?:.*[_./-])?(?:(?:api|access|secret)[_-]?key|token|secret|password|authorization|credentials?)", re.IGNORECASE,
)
_SHORTEST_SECRET = 8


def settings(found: object) -> dict[str, Parameter]:
    """Return texts, numbers, Booleans and lists of these by name; `a/b` for nested ones. Anything else is left out.

    So are secrets: texts with names such as `api_key`, `token` and `password`. `found` is an object, or a list of
    `{"key": …, "value": …}`.
    """
    if isinstance(found, list):
        found = {item["key"]: item.get("value") for item in found if isinstance(item, dict) and "key" in item}
    return dict(_leaves("", found)) if isinstance(found, dict) else {}


def _leaves(name: str, value: object) -> Iterator[tuple[str, Parameter]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(f"{name}/{key}" if name else str(key), inner)
    elif isinstance(value, str) and len(value) >= _SHORTEST_SECRET and _SECRET.fullmatch(name):
        return
    elif _is_scalar(value) or (isinstance(value, list) and value and all(map(_is_scalar, value))):
        yield name, value  # type: ignore[misc]  # mypy does not follow `all`


def _is_scalar(value: object) -> bool:
    if isinstance(value, str):
        return value.isascii() or not any("\ud800" <= char <= "\udfff" for char in value)
    if isinstance(value, float):
        return isfinite(value)
    return isinstance(value, int) and abs(value) < 1 << 63
