"""Whether a file in UBJSON is whole: https://ubjson.org. XGBoost crashes on one that is cut short."""

from __future__ import annotations

_SIZES = {
    b"i": 1, b"U": 1, b"C": 1, b"I": 2, b"l": 4, b"d": 4, b"L": 8, b"D": 8, b"T": 0, b"F": 0, b"Z": 0, b"N": 0,
}
"""Bytes of a value, by its type."""
_INTEGERS = b"iUIlL"
_DEEPEST = 100


def is_whole(raw: bytes | bytearray) -> bool:
    """Whether all of `raw` is one value; arrays of numbers are stepped over."""
    try:
        return _value(raw, 0, 0) == len(raw)
    except ValueError:
        return False


def _value(raw: bytes | bytearray, start: int, depth: int) -> int:
    """Return where the value at `start` ends.

    Raises:
        ValueError: it does not.
    """
    return _content(raw, start + 1, bytes(raw[start : start + 1]), depth)


def _content(raw: bytes | bytearray, start: int, kind: bytes, depth: int) -> int:
    if kind in (b"{", b"["):
        return _container(raw, start, kind, depth + 1)
    if kind == b"S":
        length, start = _integer(raw, start)
        return _within(raw, start + length)
    if kind not in _SIZES:
        raise ValueError(kind)
    return _within(raw, start + _SIZES[kind])


def _integer(raw: bytes | bytearray, start: int) -> tuple[int, int]:
    kind = bytes(raw[start : start + 1])
    if not kind or kind not in _INTEGERS:
        raise ValueError(kind)
    end = _content(raw, start + 1, kind, 0)
    number = int.from_bytes(raw[start + 1 : end], signed=kind != b"U")
    if number < 0:
        raise ValueError(number)
    return number, end


def _container(raw: bytes | bytearray, start: int, kind: bytes, depth: int) -> int:
    """Return where an array or object ends: behind its last item if it has a count, else behind its bracket."""
    if depth > _DEEPEST:
        raise ValueError(depth)
    item = b""
    if raw[start : start + 1] == b"$":
        item, start = bytes(raw[start + 1 : start + 2]), start + 2
    left = -1
    if raw[start : start + 1] == b"#":
        left, start = _integer(raw, start + 1)
    elif item:
        raise ValueError(item)
    if kind == b"[" and item in _SIZES:
        return _within(raw, start + left * _SIZES[item])
    closing = b"]" if kind == b"[" else b"}"
    while left and (left > 0 or raw[start : start + 1] != closing):
        if kind == b"{":
            length, start = _integer(raw, start)
            start = _within(raw, start + length)
        start = _content(raw, start, item, depth) if item else _value(raw, start, depth)
        left -= 1
    return start if left == 0 else start + 1


def _within(raw: bytes | bytearray, end: int) -> int:
    if end > len(raw):
        raise ValueError(end)
    return end
