"""Decoding of reports, policies and waivers: a format number, no unknown keys, and `x-` keys that are kept."""

from __future__ import annotations

from typing import TypeVar

from mvc.errors import InvalidFormat
from mvc.objects.parsing import strict_yaml
from mvc.objects.parsing.conversion import convert
from mvc.packages import UPGRADE

T = TypeVar("T")

EXTRA = "x-"
"""Prefix of extra keys; also the field that has them in a decoded document."""


def decode(raw: bytes, type_: type[T], key: str, *, kind: str, what: str, max_bytes: int) -> T:
    """Return `raw` as a value of `type_` in format 1; `key` has the format number, `kind` and `what` are for errors.

    Raises:
        InvalidFormat: with the place and the reason; also for a newer format.
    """
    data = strict_yaml.load(raw, what=what, max_bytes=max_bytes)
    if not isinstance(data, dict) or key not in data:
        raise InvalidFormat(f"{what}: not {kind}: `{key}: 1` is missing")
    if isinstance(data[key], int) and data[key] > 1:
        raise InvalidFormat(f"{what}: written by a newer mvc (format {data[key]})", UPGRADE)
    if EXTRA in data:
        raise InvalidFormat(f"{what}: invalid key 'x-': expected a name after the dash")
    extra = {name: value for name, value in data.items() if name.startswith(EXTRA)}
    known = {name: value for name, value in data.items() if name not in extra}
    return convert({**known, **({EXTRA: extra} if extra else {})}, type_, what=what)
