"""Decoding of reports, policies and waivers: a format number, no unknown keys, and `x-` keys that are kept."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeAlias, TypeVar

from mvc.errors import InvalidFormat
from mvc.objects.parsing import strict_yaml
from mvc.objects.parsing.conversion import convert
from mvc.packages import UPGRADE

T = TypeVar("T")

EXTRA = "x-"
"""Prefix of extra keys; also the field that has them in a decoded document."""


Later: TypeAlias = Mapping[int, tuple[str, ...]]
"""The keys that each format after the first one added: `KEY`, or `KEY.KEY` below it, also in the items of a list."""


def decode(  # noqa: PLR0913 - named
    raw: bytes, type_: type[T], key: str, *, kind: str, what: str, max_bytes: int, later: Later = MappingProxyType({}),
) -> T:
    """Return `raw` as a value of `type_`; `key` has the format number, `kind` and `what` are for errors.

    Raises:
        InvalidFormat: with the place and the reason; also for a newer format.
    """
    data = strict_yaml.load(raw, what=what, max_bytes=max_bytes)
    if not isinstance(data, dict) or key not in data:
        raise InvalidFormat(f"{what}: not {kind}: `{key}: 1` is missing")
    number = data[key]
    if isinstance(number, int) and number > max(later, default=1):
        raise InvalidFormat(f"{what}: written by a newer mvc (format {number})", UPGRADE)
    lowest, name = lowest_format(data, later)
    if isinstance(number, int) and 1 <= number < lowest:
        raise InvalidFormat(f"{what}: key `{name}` needs `{key}: {lowest}`, found {number}")
    if EXTRA in data:
        raise InvalidFormat(f"{what}: invalid key 'x-': expected a name after the dash")
    extra = {name: value for name, value in data.items() if name.startswith(EXTRA)}
    known = {name: value for name, value in data.items() if name not in extra}
    return convert({**known, **({EXTRA: extra} if extra else {})}, type_, what=what)


def lowest_format(data: object, later: Later) -> tuple[int, str]:
    """Return the lowest format that has the keys of a document, and the key that needs it."""
    needed = ((number, key) for number, keys in sorted(later.items(), reverse=True) for key in keys if _has(data, key))
    return next(needed, (1, ""))


def _has(data: object, key: str) -> bool:
    first, _, rest = key.partition(".")
    if isinstance(data, list):
        return any(_has(item, key) for item in data)
    return isinstance(data, dict) and first in data and (not rest or _has(data[first], rest))
