"""A second reader of evaluation reports, from docs/formats.md ("Report") alone, without code of mvc."""

from __future__ import annotations

import re
from collections.abc import Callable
from math import isfinite
from typing import Any

import yaml

Check = Callable[[Any], bool]


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _name(value: Any) -> bool:
    return _text(value) and value != ""


def _integer(value: Any) -> bool:
    return type(value) is int


def _number(value: Any) -> bool:
    return type(value) in (int, float) and isfinite(value)


def _boolean(value: Any) -> bool:
    return isinstance(value, bool)


def _blake3(value: Any) -> bool:
    return _text(value) and re.fullmatch("[0-9a-f]{64}", value) is not None


def _scalar(value: Any) -> bool:
    return value is None or _text(value) or _boolean(value) or _number(value)


def _parameter(value: Any) -> bool:
    return all(map(_scalar, value)) if isinstance(value, list) else _scalar(value)


def _interval(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(_number, value)) and value[0] <= value[1]


def _one_of(*values: str) -> Check:
    return lambda value: value in values


def _names(check: Check) -> Check:
    """A mapping of texts to values."""
    return lambda value: isinstance(value, dict) and all(_text(key) and check(item) for key, item in value.items())


def _list(check: Check) -> Check:
    return lambda value: isinstance(value, list) and all(map(check, value))


def _part(required: dict[str, Check], **optional: Check) -> Check:
    """A mapping with these keys only."""
    checks = required | optional

    def check(value: Any) -> bool:
        named = isinstance(value, dict) and required.keys() <= value.keys() <= checks.keys()
        return named and all(checks[key](item) for key, item in value.items())

    return check


USED = {"path": _text, "blake3": _blake3}


def _keys(number: int) -> Check:
    """Return the check of a report in a format, without its keys that begin with `x-`."""
    later = number >= 2
    device: dict[str, Check] = {"device": _text} if later else {}
    some: dict[str, Check] = {"used": _integer} if later else {}
    spread: dict[str, Check] = {"ci": _interval, "method": _text} if later else {}
    top: dict[str, Check] = {}
    if later:
        tensor = _part({"name": _text}, type=_text, shape=_list(lambda value: value is None or _integer(value)))
        top["tensors"] = _part({}, inputs=_list(tensor), outputs=_list(tensor), weights=_names(_integer))
        top["from"] = _list(_part(USED, by=_text, params=_names(_parameter)))
        top["predictions"] = _part(
            USED, n=_integer, dataset=_text, truth=_text, predicted=_text, scores=_list(_name), positive=_text,
            task=_one_of("classification", "regression", "ranking", ""), group=_text, weight=_text,
            sensitive=_list(_name),
        )
    return _part(
        {
            "mvc-eval": lambda value: value == number,
            "model": _part({"blake3": _blake3}, xxh128=_text, size=_integer, name=_text, md5=_text, sha256=_text),
        },
        tag=_text, task=_text, desc=_text, limitations=_text, created_at=_text,
        evaluator=_part({"id": _text}, assurance=_one_of("self", "ci", "third-party")),
        code=_part({}, commit=_text, dirty=_boolean, command=_text),
        environment=_part({}, python=_text, platform=_text, packages=_names(_text), **device),
        run=_part({"kind": _text, "id": _text}, url=_text),
        params=_names(_parameter),
        train=_part({}, data=_list(_part(USED))),
        datasets=_list(_part({"id": _text, "blake3": _blake3}, path=_text, split=_text, n=_integer, **some)),
        metrics=_list(_part(
            {"name": _name, "value": _number},
            higher_is_better=_boolean, dataset=_text, stderr=lambda value: _number(value) and value >= 0,
            slice=_names(_text), n=_integer, **spread,
        )),
        artifacts=_list(_part(USED)),
        **{"with": _list(_part(USED)), **top},
    )


FORMATS = {1: _keys(1), 2: _keys(2)}


def read_report(raw: bytes) -> dict[str, Any]:
    """Return the report in `raw`, as plain data; ValueError for anything else."""
    data = yaml.safe_load(raw)
    if not isinstance(data, dict) or data.get("mvc-eval") not in FORMATS:
        raise ValueError("not a report of format 1 or 2")
    known = {key: value for key, value in data.items() if not key.startswith("x-")}
    if not FORMATS[data["mvc-eval"]](known) or not _fits_together(known):
        raise ValueError("not as in docs/formats.md")
    return data


def _fits_together(data: dict[str, Any]) -> bool:
    datasets, metrics = data.get("datasets", []), data.get("metrics", [])
    ids = [item["id"] for item in datasets]
    keys = [(item["name"], item.get("dataset"), sorted(item.get("slice", {}).items())) for item in metrics]
    named = [*metrics, data.get("predictions", {})]
    return (
        all(keys.count(key) == 1 for key in keys) and all(ids.count(name) == 1 for name in ids)
        and all(item.get("dataset", "") in ("", *ids) for item in named)
        and all(item["used"] <= item["n"] for item in datasets if {"used", "n"} <= item.keys())
    )
