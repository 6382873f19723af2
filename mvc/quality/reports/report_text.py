"""A report as mvc writes it: a line for each key, metric and data set, texts quoted."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import lru_cache
from math import isfinite
from typing import Any

import msgspec

from mvc.errors import InvalidFormat
from mvc.objects.pointer import quote
from mvc.quality.document import Later, lowest_format
from mvc.quality.reports.report import Report

LATER: Later = {2: ("from", "predictions", "environment.device", "datasets.used", "metrics.ci", "metrics.method")}


def text_of(report: Report) -> bytes:
    """Return the text of a report, in the lowest format that has its keys.

    Raises:
        InvalidFormat: for a number that is not finite, or a text that is not UTF-8.
    """
    lines = [f"{_key(key)}:{_value(key, value)}" for key, value in _fields(report)]
    return ("\n".join(lines) + "\n").encode()


_ORDER = {
    "model": ("name", "blake3", "xxh128", "size", "md5", "sha256"),
    "datasets": ("id", "path", "blake3", "split", "n", "used"),
    "evaluator": ("id", "assurance"),
}
"""The order of keys in a part, where it is not that of the type."""
_LISTS = ("from", "with", "datasets", "metrics", "artifacts")
"""Keys that are written with a line for each item."""
_PROSE = ("desc", "limitations")
"""Keys that are written as a block if they have several lines."""


def plain(report: Report) -> dict[str, Any]:
    """Return the report as plain data with the keys of the file, without defaults."""
    data: dict[str, Any] = msgspec.to_builtins(report)
    extra = data.pop("x-", {})
    if report.evaluator:
        data["evaluator"]["assurance"] = report.evaluator.assurance
    data["mvc-eval"], _ = lowest_format(data, LATER)
    return {**data, **extra}


def _fields(report: Report) -> Iterator[tuple[str, Any]]:
    for key, value in plain(report).items():
        if key in _ORDER and isinstance(value, list):
            yield key, [_ordered(key, item) for item in value]
        else:
            yield key, _ordered(key, value) if key in _ORDER else value


def _ordered(key: str, part: dict[str, Any]) -> dict[str, Any]:
    return {name: part[name] for name in _ORDER[key] if name in part}


def _value(key: str, value: Any) -> str:
    """Return the text after a key at the top, with the lines below it."""
    if key in _LISTS:
        return "".join(f"\n  - {_flow(item)}" for item in value)
    if key in _PROSE and _is_block(value):
        return " |-" + "".join(f"\n  {line}" if line else "\n" for line in value.split("\n"))
    return f" {_flow(value)}"


def _is_block(text: str) -> bool:
    """Whether a text has several lines that need no escapes."""
    lines = text.split("\n")
    whole = all(line == line.rstrip() and quote(line).count("\\") == sum(map(line.count, '"\\')) for line in lines)
    return len(lines) > 1 and whole and bool(lines[0]) and lines[0][0] != " " and bool(lines[-1])


def _flow(value: Any) -> str:
    """Return a value in one line.

    Raises:
        InvalidFormat: for a number that is not finite, or a text that is not UTF-8.
    """
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_key(key)}: {_flow(item)}' for key, item in value.items())}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_flow, value))}]"
    if isinstance(value, str):
        return _text(value)
    return _number(value) if isinstance(value, float) else json.dumps(value)


def _text(value: str) -> str:
    if not value.isascii() and any("\ud800" <= char <= "\udfff" for char in value):
        raise InvalidFormat(f"invalid text {value!r}: expected UTF-8")
    return quote(value)


def _number(value: float) -> str:
    """Return the shortest text that reads as this number, with the point that YAML 1.1 requires."""
    if not isfinite(value):
        raise InvalidFormat(f"invalid number {value}: expected a finite one")
    text = repr(value)
    return text if "." in text else text.replace("e", ".0e")


_WORD = re.compile(r"(?!(?:null|true|false|yes|no|on|off)$)[A-Za-z_][A-Za-z0-9_.-]*", re.ASCII | re.IGNORECASE)


@lru_cache(maxsize=256)
def _key(key: str) -> str:
    return key if _WORD.fullmatch(key) else _text(key)
