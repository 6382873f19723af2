"""What XGBoost and LightGBM models take and return: their names stand before and behind the trees.

LightGBM: the lines of its text before the first tree. XGBoost: JSON, or UBJSON with lengths of eight bytes, of
https://xgboost.readthedocs.io/en/stable/tutorials/saving_model.html.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import BinaryIO

from mvc.modelfiles.signature import LONGEST, MOST, Field, Signature

LIGHTGBM = b"tree\nversion="
XGBOOST = re.compile(rb'\{\s*"learner"|\{L\0{7}\x07learner')
"""How a file begins."""
_DIGITS = 20
"""Of a number of 64 bits."""


def read_lightgbm(file: BinaryIO) -> Signature:
    """Return the features and the objective of LightGBM's text."""
    text = file.read(LONGEST).decode("utf-8", "replace")
    lines = dict(line.split("=", 1) for line in text.split("\n\n", 1)[0].splitlines() if "=" in line)
    names = lines.get("feature_names", "").split()
    return Signature(
        tuple(Field(name, "float64") for name in names[:MOST]),
        tuple(Field(name.split()[0], "float64") for name in [lines.get("objective", "").strip()] if name),
    )


def read_xgboost(file: BinaryIO, size: int) -> Signature:
    """Return the features, or how many there are, and the objective of a file of XGBoost."""
    head = file.read(LONGEST)
    file.seek(max(0, size - LONGEST))
    tail = file.read(LONGEST)
    is_json = head.startswith(b'{"') or head[1:2].isspace()
    names, text = (_json_names, _json_text) if is_json else (_ubjson_names, _ubjson_text)
    features = tuple(Field(name, "float32") for name in names(head)[:MOST])
    width = text(tail, "learner_model_param", "num_feature")
    objective = text(tail, "objective", "name")
    matrix = (Field("features", "float32", (None, int(width))),) if width.isdecimal() and len(width) < _DIGITS else ()
    return Signature(features or matrix, (Field(objective, "float32"),) if objective else ())


def _json_names(head: bytes) -> list[str]:
    text = head.decode("utf-8", "replace")
    if found := re.search(r'"feature_names"\s*:\s*(?=\[)', text):
        with suppress(ValueError, RecursionError):
            names, _ = json.JSONDecoder().raw_decode(text, found.end())
            return [name for name in names if isinstance(name, str)]
    return []


def _json_text(tail: bytes, part: str, key: str) -> str:
    """Return the text of a key in the last object with a name; empty without one."""
    text = tail.decode("utf-8", "replace")
    found = re.search(rf'"{key}"\s*:\s*"([^"\\]*)"', text[text.rfind(f'"{part}"') :]) if f'"{part}"' in text else None
    return found[1] if found else ""


def _ubjson_names(head: bytes) -> list[str]:
    start = head.find(key := _key("feature_names") + b"[#")
    return list(_texts(head, start + len(key) + 9)) if start >= 0 else []  # an L, and how many there are


def _ubjson_text(tail: bytes, part: str, key: str) -> str:
    start = tail.rfind(_key(part))
    found = tail.find(_key(key), start) if start >= 0 else -1
    return next(_texts(tail, found + len(_key(key))), "") if found >= 0 else ""


def _key(name: str) -> bytes:
    return b"L" + len(name).to_bytes(8) + name.encode()


def _texts(raw: bytes, start: int) -> Iterator[str]:
    """Yield the texts that stand one after the other."""
    while raw.startswith(b"SL", start):
        length = int.from_bytes(raw[start + 2 : start + 10])
        if start + 10 + length > len(raw):
            return
        yield raw[start + 10 : start + 10 + length].decode("utf-8", "replace")
        start += 10 + length
