"""One metric from the command line or a file."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Collection
from math import isfinite

from mvc.errors import InvalidFormat, UsageError
from mvc.quality.reports.report import Metric

_SLICE = r"[^\[\]=,]+=[^\[\]=,]*"
_LABEL = re.compile(rf"(?P<name>[^\[\]=,]+)(?:\[(?P<slice>{_SLICE}(?:,{_SLICE})*)\](?:@(?P<dataset>[^\[\]=,@]+))?)?")
_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?", re.ASCII)


def parse_metric(text: str, datasets: Collection[str] = ()) -> Metric:
    """Return the metric in `NAME=NUMBER`; the name may end in `[SLICE=VALUE]` and `@DATASET`.

    Raises:
        UsageError: it is invalid, or its data set is not in `datasets`.
    """
    name, _, value = text.rpartition("=")
    if not name or _LABEL.fullmatch(name) is None:
        fix = "--metric 'auc=0.93', with a slice --metric 'auc[country=DE]=0.9'"
        raise UsageError(f"invalid metric {text!r}: expected NAME=NUMBER", fix)
    if _NUMBER.fullmatch(value) is None or not isfinite(float(value)):
        message = f"invalid value {value!r} of metric {name!r}: expected a finite number"
        raise UsageError(message, f"--metric '{name}=0.93'")
    metric = named(name, float(value), datasets)
    _, at, last = metric.name.rpartition("@")
    if at and not last.isdigit():  # `ndcg@10` is a name
        given(name, last, datasets)
    return metric


def named(text: str, value: object, datasets: Collection[str]) -> Metric:
    """Return a metric whose name `text` is a label; a suffix `@ID` is a data set only if `datasets` has it."""
    number = finite(text, value)
    match = _LABEL.fullmatch(text)
    if match is None:
        return Metric(text, number)
    name, inside, dataset = match["name"], match["slice"], match["dataset"]
    first, at, last = name.rpartition("@")
    if inside is None and at and first and last in datasets:
        name, dataset = first, last
    part = dict(pair.split("=") for pair in inside.split(",")) if inside else {}
    return Metric(name, number, dataset=given(text, dataset or "", datasets), slice=part)


def given(metric: str, dataset: str, datasets: Collection[str]) -> str:
    """Return `dataset` if it is empty or in `datasets`.

    Raises:
        UsageError: it is neither.
    """
    if dataset and dataset not in datasets:
        message = f"metric {metric!r}: data set {dataset!r} is not given"
        raise UsageError(message, f"--dataset {shlex.quote(dataset)}=PATH")
    return dataset


def is_number(value: object) -> bool:
    """Whether a JSON value is a number."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def finite(name: str, value: object) -> float:
    """Return a JSON value as a number; `name` is for errors.

    Raises:
        InvalidFormat: it is not a finite number.
    """
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise InvalidFormat(f"{name} is {shown(value)}, expected a number")
    try:
        number = float(value)
    except OverflowError:
        raise InvalidFormat(f"{name} is too large, expected a finite number") from None
    if not isfinite(number):
        raise InvalidFormat(f"{name} is {number}, expected a finite number")
    return number


_ESTIMATE = re.compile(r"(?:.*[/_ .-])?std_?err(?:or)?(?:,.*)?", re.DOTALL | re.IGNORECASE)


def is_error_estimate(name: str) -> bool:
    """Whether a metric's name says that it is the standard error of another one: `acc_stderr`, `acc_stderr,none`."""
    return _ESTIMATE.fullmatch(name) is not None


def error_estimate(value: object) -> float | None:
    """Return a JSON value as a standard error; None if it is not a finite number of at least 0."""
    try:
        number = finite("", value)
    except InvalidFormat:
        return None
    return number if number >= 0 else None


def shown(value: object) -> str:
    """Return a JSON value for a message, cut to 40 characters."""
    if isinstance(value, int) and abs(value) >= 1 << 63:
        return "an integer of more than 64 bits"  # Python refuses to print more than 4,300 digits
    return json.dumps(value)[:40] if not isinstance(value, str) else repr(value[:40])
