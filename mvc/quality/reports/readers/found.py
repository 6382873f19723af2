"""What a reader found in a file with metrics."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

from mvc.errors import InvalidFormat
from mvc.packages import UPGRADE
from mvc.quality.reports.metrics import error_estimate, is_error_estimate, named, shown
from mvc.quality.reports.report import Metric, Parameter, Run

Document: TypeAlias = dict[str, Any]


class StatedData(NamedTuple):
    """What a file says about the data of an evaluation."""

    id: str
    """The task or the data set, as the file calls it."""
    n: int | None = None
    """Examples that it has."""
    used: int | None = None
    """Examples that were evaluated."""
    blake3: str = ""

    @property
    def is_limited(self) -> bool:
        """Whether fewer examples were evaluated than there are."""
        return self.n is not None and self.used is not None and self.used < self.n


class FoundMetrics(NamedTuple):
    """The metrics in a file."""

    metrics: tuple[Metric, ...]
    run: Run | None = None
    """The run that they come from."""
    params: Mapping[str, Parameter] = MappingProxyType({})
    """The settings of the evaluation that the file has."""
    skipped: tuple[str, ...] = ()
    """Names of non-numeric entries, such as a confusion matrix."""
    no_errors: tuple[str, ...] = ()
    """Standard errors that are not numbers: `arc/acc_stderr is NaN`."""
    data: tuple[StatedData, ...] = ()
    task: str = ""
    left_out: tuple[str, ...] = ()
    """What has no place in a report, each as a sentence."""


class NoError(NamedTuple):
    """A standard error that is not a number; its metric may be one."""

    name: str
    value: object

    def __str__(self) -> str:
        return f"{self.name} is {shown(self.value)}"


def found_in(items: Iterable[Metric | NoError]) -> FoundMetrics:
    """Return what was found, in order."""
    items = [*items]
    return FoundMetrics(
        tuple(item for item in items if isinstance(item, Metric)),
        no_errors=tuple(str(item) for item in items if isinstance(item, NoError)),
    )


def metric_of(name: str, value: object, datasets: Collection[str]) -> Metric | NoError:
    """Return a metric; one that is the standard error of another one may have no value."""
    if is_error_estimate(name) and error_estimate(value) is None:
        return NoError(name, value)
    return named(name, value, datasets)


def of_dataset(first: str, rest: str, value: object, datasets: Collection[str]) -> Metric | NoError:
    """Return a metric of the data set `first`; an unknown one becomes a part of the name."""
    name = f"{rest}@{first}" if first in datasets else f"{first}/{rest}"
    if is_error_estimate(rest) and error_estimate(value) is None:
        return NoError(name, value)
    return named(name, value, datasets)


_IN_NAMES = str.maketrans({"[": "(", "]": ")", "=": ":", ",": ";"})


def free_name(text: object) -> str:
    """Return a name that another program took from its user, without the signs of a slice: `Correct [GEval]`.

    Raises:
        InvalidFormat: it is not a text, or empty.
    """
    if not isinstance(text, str) or not text.strip():
        raise InvalidFormat(f"invalid name {shown(text)}: expected a text")
    return text.strip().translate(_IN_NAMES)


def below(data: Document, *keys: str) -> Document:
    """Return the object below some keys; empty if there is none."""
    for key in keys:
        value = data.get(key)
        data = value if isinstance(value, dict) else {}
    return data


def objects_in(data: Document, key: str) -> list[Document]:
    """Return a list of objects.

    Raises:
        InvalidFormat: it is something else.
    """
    value = data.get(key)
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise InvalidFormat(f"invalid {key}: expected a list of objects")
    return value


def examples(value: object) -> int | None:
    """Return a number of examples; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if 0 <= value < 1 << 63 and value == int(value) else None


def check_version(what: str, version: object, known: str) -> None:
    """Refuse a format that is newer or older than the known one.

    Raises:
        InvalidFormat: it is, or it is no version.
    """
    if str(version) == known:
        return
    numbers = [str(text).split(".") for text in (version, known)]
    newer = all(part.isdecimal() for part in numbers[0]) and [*map(int, numbers[0])] > [*map(int, numbers[1])]
    message = f"{what} of version {shown(version)}, expected {known}"
    if newer:
        raise InvalidFormat(message, UPGRADE)
    raise InvalidFormat(message)
