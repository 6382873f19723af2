"""What report and policy have in common: a format number at the top, strict keys, and `x-` keys that are kept."""

from __future__ import annotations

from typing import TypeVar

from mvc.errors import InvalidFormat
from mvc.objects import strict_yaml

T = TypeVar("T")

EXTRA = "x-"
"""Where a decoded document keeps its keys that begin so."""


def decode(raw: bytes, type_: type[T], key: str, *, kind: str, what: str, max_bytes: int) -> T:
    """Return `raw` as a value of `type_`, which is of format 1, with `key` for the number; `kind` is said in errors.

    Raises:
        InvalidFormat: it is none, or of a newer format; the message says where and why.

    """
    data = strict_yaml.load(raw, what=what, max_bytes=max_bytes)
    if not isinstance(data, dict) or key not in data:
        raise InvalidFormat(f"{what}: no {kind}: it has no `{key}: 1`")
    if isinstance(data[key], int) and data[key] > 1:
        raise InvalidFormat(f"{what}: written by a newer mvc", "pip install --upgrade modelvc")
    if EXTRA in data:
        raise InvalidFormat(f"{what}: the key 'x-' has no name after its dash")
    extra = {name: value for name, value in data.items() if name.startswith(EXTRA)}
    known = {name: value for name, value in data.items() if name not in extra}
    return strict_yaml.convert({**known, **({EXTRA: extra} if extra else {})}, type_, what=what)
