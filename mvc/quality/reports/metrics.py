"""One metric from outside: as the words of a command line name it, or a file does."""

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
    """Return the metric that `NAME=NUMBER` says, with `[SLICE=VALUE]` and `@DATASET` behind the name.

    Raises:
        UsageError: it says none, or is of a data set that is not there.

    """
    name, _, value = text.rpartition("=")
    if not name or _LABEL.fullmatch(name) is None:
        raise UsageError(f"{text!r} is no metric", "--metric 'auc=0.93', with a slice --metric 'auc[country=DE]=0.9'")
    if _NUMBER.fullmatch(value) is None or not isfinite(float(value)):
        raise UsageError(f"{value!r} is no finite number for the metric {name!r}", f"--metric '{name}=0.93'")
    metric = named(name, float(value), datasets)
    _, at, last = metric.name.rpartition("@")
    if at and not last.isdigit():  # `ndcg@10` is a name
        given(name, last, datasets)
    return metric


def named(text: str, value: object, datasets: Collection[str]) -> Metric:
    """Return a metric named as `label` does it; behind `@` stands a data set when there is one of that id."""
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
    """Return `dataset` when there is one of that id, or it is empty.

    Raises:
        UsageError: there is none.

    """
    if dataset and dataset not in datasets:
        message = f"the metric {metric!r} is of the data set {dataset!r}, which is not given"
        raise UsageError(message, f"--dataset {shlex.quote(dataset)}=PATH")
    return dataset


def is_number(value: object) -> bool:
    """Whether a value of JSON's is a number, and no boolean."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def finite(name: str, value: object) -> float:
    """Return a value of JSON's as a number; `name` says in errors whose it is.

    Raises:
        InvalidFormat: it is none, or no finite one.

    """
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise InvalidFormat(f"{name} is {_shown(value)}, which is no number")
    try:
        number = float(value)
    except OverflowError:
        raise InvalidFormat(f"{name} is a number too large") from None
    if not isfinite(number):
        raise InvalidFormat(f"{name} is {number}, and must be finite")
    return number


def _shown(value: object) -> str:
    return json.dumps(value)[:40] if not isinstance(value, str) else repr(value[:40])
