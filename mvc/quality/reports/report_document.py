"""The file of a report: `X.eval.yaml` next to `X.mvc`.

Any YAML layout is allowed, as people edit reports. Unknown keys are errors, keys that begin with `x-` are kept.
Format: docs/formats.md, "Report".
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from math import isfinite
from typing import Any, TypeAlias

import msgspec

from mvc.errors import InvalidFormat
from mvc.objects.parsing.strict_yaml import MAX_INTEGER_DIGITS
from mvc.objects.pointer import quote
from mvc.quality.document import Later, decode, lowest_format
from mvc.quality.files import MAX_BYTES
from mvc.quality.reports.report import Metric, Report, label

LATER: Later = {
    2: ("tensors", "from", "predictions", "environment.device", "datasets.used", "metrics.ci", "metrics.method"),
}

ParseReport: TypeAlias = Callable[[bytes, str], Report]
"""Returns the report in some bytes; raises `InvalidFormat` with the name of the file."""


def parse_report(raw: bytes, what: str, decode: ParseReport | None = None) -> Report:
    """Return the report in `raw`; `what` names the file in errors, `decode` is used instead of `decode_yaml`.

    Raises:
        InvalidFormat: with the place and the reason; also for a newer format.
    """
    if decode:
        return _parse(raw, what, decode)
    try:
        return _parsed(raw)
    except InvalidFormat:
        return _parse(raw, what, decode_yaml)  # with the file's name


def _parse(raw: bytes, what: str, decode: ParseReport) -> Report:
    return _checked(_read_emitted(raw) or decode(raw, what), what)


def decode_yaml(raw: bytes, what: str) -> Report:
    """Return the report in `raw`, of any layout; arguments and errors as in `parse_report`."""
    kind = "an evaluation report"
    return decode(raw, Report, "mvc-eval", kind=kind, what=what, max_bytes=MAX_BYTES, later=LATER)


def _checked(report: Report, what: str) -> Report:
    if problem := _problem(report):
        raise InvalidFormat(f"{what}: {problem}")
    return report


@lru_cache(maxsize=1024)
def _parsed(raw: bytes) -> Report:
    """Parse each report once, as several rules ask for it."""
    return _parse(raw, "", decode_yaml)


def _problem(report: Report) -> str:
    """Return an error that the types do not detect; empty when the report is valid."""
    ids = [dataset.id for dataset in report.datasets]
    if twice := sorted({name for name in ids if ids.count(name) > 1}):
        return f"duplicate data set {twice[0]!r}"
    for item in report.datasets:
        if item.n is not None and item.used is not None and item.used > item.n:
            return f"data set {item.id!r}: used is {item.used}, expected at most n, {item.n}"
    if (named := report.predictions) and named.dataset and named.dataset not in ids:
        return f"predictions: data set {named.dataset!r} is not in `datasets`"
    return _metrics_problem(report.metrics, ids) or _digest_problem(report)


def _metrics_problem(metrics: Iterable[Metric], ids: Sequence[str]) -> str:
    seen = set()
    for metric in metrics:
        if not metric.name:
            return "a metric has no name"
        if metric.dataset and metric.dataset not in ids:
            return f"metric {metric.name!r}: data set {metric.dataset!r} is not in `datasets`"
        key = (metric.name, metric.dataset, tuple(sorted(metric.slice.items())))
        if key in seen:
            return f"duplicate metric {label(metric)}"
        seen.add(key)
        if metric.stderr is not None and metric.stderr < 0:
            return f"stderr of {label(metric)} is {metric.stderr}, expected at least 0"
        if metric.ci and metric.ci[0] > metric.ci[1]:
            return f"ci of {label(metric)} is {list(metric.ci)}, expected the lower end first"
    return ""


def _digest_problem(report: Report) -> str:
    digests = [("model", report.model.blake3), *((f"data set {item.id!r}", item.blake3) for item in report.datasets)]
    digests += [("predictions", report.predictions.blake3)] if report.predictions else []
    used = [*report.together, *report.artifacts, *(report.train.data if report.train else ()), *report.sources]
    digests += [(repr(item.path), item.blake3) for item in used]
    for name, digest in digests:
        if len(digest) != _HEX or digest.strip("0123456789abcdef"):
            return f"invalid blake3 of {name}: expected 64 lower-case hex digits"
    return ""


_HEX = 64


# What mvc wrote: YAML takes much longer.

_KEY = re.compile(r'"[^"\\]*"|((?<=[{ ])|^)([A-Za-z_][A-Za-z0-9_.-]{0,99}):(?=[ \n])', re.MULTILINE)
_ITEMS = re.compile(r"(?:\n  - [^\n]*)+")
_LONG_INTEGER = re.compile(rf"[0-9]{{{MAX_INTEGER_DIGITS + 1}}}")


def _read_emitted(raw: bytes) -> Report | None:
    """Return the report, if `emit` writes exactly these bytes for it; None for most others.

    The text becomes JSON by quotes around keys and brackets around lists. Where that is read otherwise than YAML, the
    text of the result differs, or it may be one that `emit` refuses: with long integers, or keys that need quotes.
    """
    text = raw.decode(errors="replace")
    if len(raw) > MAX_BYTES or '": ' in text or _LONG_INTEGER.search(text):
        return None
    text = _ITEMS.sub(_as_list, _KEY.sub(_as_key, text))
    try:
        report = msgspec.convert(msgspec.json.decode(f"{{{text.rstrip().replace(chr(10), ',')}}}"), Report)
        return report if not report.extra and _text_of(report) == raw else None
    except (msgspec.MsgspecError, InvalidFormat, RecursionError):  # YAML's reader says what is wrong
        return None


def _as_key(match: re.Match[str]) -> str:
    return f'"{match[2]}":' if match[2] else match[0]


def _as_list(match: re.Match[str]) -> str:
    return f"[{match[0].removeprefix(_ITEM).replace(_ITEM, ',')}]"


_ITEM = "\n  - "


# As JSON, for mvc itself.


def to_json(report: Report) -> bytes:
    """Return the report for `from_json`; empty for one that JSON cannot express."""
    try:
        text = msgspec.json.encode(report)
        return text if from_json(text) == report else b""
    except (msgspec.MsgspecError, UnicodeError, OverflowError):
        return b""


def from_json(text: bytes) -> Report:
    """Return the report in the result of `to_json`.

    Raises:
        msgspec.MsgspecError: it is not one.
    """
    return msgspec.json.decode(text, type=Report)


# Writing.


def emit(report: Report) -> bytes:
    """Return the report as mvc writes it: a line for each key, metric and data set, texts quoted.

    `parse_report` returns an equal report.

    Raises:
        InvalidFormat: a value is not allowed, such as a number that is not finite.
    """
    raw = _text_of(report)
    if len(raw) > MAX_BYTES:
        message = f"the report would have {len(raw):,} bytes, expected at most {MAX_BYTES:,}"
        raise InvalidFormat(message, "choose fewer slices, metrics or parameters")
    _checked(decode_yaml(raw, "the report"), "the report")
    return raw


def _text_of(report: Report) -> bytes:
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


# The schema.


def schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a report."""
    (_, components) = msgspec.json.schema_components((Report,), ref_template="#/$defs/{name}")
    top = components["Report"]
    del top["properties"]["x-"]
    top["patternProperties"] = {"^x-.": {}}
    for part in components.values():
        if "blake3" in part["properties"]:
            part["properties"]["blake3"]["pattern"] = f"^[0-9a-f]{{{_HEX}}}$"
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "mvc evaluation report, formats 1 and 2",
        "allOf": [_without_later(number) for number in sorted({1, *LATER})[:-1]],
        "$ref": "#/$defs/Report",
        "$defs": components,
    }


def _without_later(number: int) -> dict[str, Any]:
    """Return the rule that a report of a format has no keys of later ones."""
    keys = [key for later, keys in LATER.items() if later > number for key in keys]
    without = [_has_no(key.split(".")) for key in keys]
    return {"if": {"properties": {"mvc-eval": {"const": number}}}, "then": {"allOf": without}}


def _has_no(steps: Sequence[str]) -> dict[str, Any]:
    first, *rest = steps
    inner = _has_no(rest) if rest else False
    return {"properties": {first: inner}, "items": {"properties": {first: inner}}}
