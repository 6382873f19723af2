"""Live examples: the rows of a prediction log, joined to the labels that arrived for them, by version of the model."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mvc.errors import InvalidFormat
from mvc.evaluation.columns import (
    Coded,
    Column,
    Examples,
    Floats,
    Growing,
    Labelled,
    Measured,
    NumberColumn,
    TextColumn,
    in_order,
    take,
    values_of,
)
from mvc.evaluation.live.labels import Keys, Labels, keys_of
from mvc.evaluation.live.prediction_log import BLAKE3, ID, MODEL, ROW, VERSION, Part, Remark, by_version, read_rows
from mvc.evaluation.predictions import MAX_LABELS, Wanted
from mvc.evaluation.roles import POSITIVE, PREDICTED, SCORE, Loaded, Roles
from mvc.quality.reports.tags import parse_version
from mvc.quality.words import clipped

_OF = (MODEL, VERSION, BLAKE3)
_BLAKE3 = re.compile("[0-9a-f]{64}")
Places: TypeAlias = NDArray[np.int64]
_Arrow: TypeAlias = Any
"""pyarrow has no types."""


class Served(NamedTuple):
    """A version in a log."""

    version: str
    """Empty for one that is not registered."""
    blake3: str


class LiveRows(NamedTuple):
    """The rows of a version, and the examples among them: those with a label."""

    rows: int
    repeated: int
    """Rows with a label that an earlier one has got: their request has the id of another one."""
    loaded: Loaded | None
    """None if there is no label."""


class Joined(NamedTuple):
    """A log with its labels."""

    versions: Mapping[Served, LiveRows]
    unknown: int
    """Labels of requests that are not in the log, or not of this model."""


def join(parts: Iterable[Part], model: str, labels: Labels, roles: Roles, remark: Remark) -> Joined:
    """Join the rows of a model to their labels; of `roles`, kind, positive label and slices are asked.

    Raises:
        InvalidFormat: there are too many labels, predictions of another kind, or what is not a version.
    """
    used = np.zeros(len(labels.keys), np.bool_)
    found: dict[Served, _Collected] = {}
    for part in parts:
        wanted = _wanted(part, roles)
        for batch in read_rows([part], wanted, remark):
            label, repeated = _labels_of(batch, model, labels.keys, used)
            for served, rows in _of_model(batch, model):
                if not _is_version(served):
                    raise InvalidFormat(f"{part.path}: invalid version {clipped(' '.join(served))!r} of {model}")
                collected = found.setdefault(served, _Collected(roles, labels))
                collected.add(batch, rows, label, wanted)
                collected.repeated += int(repeated[rows].sum())
    versions = {served: item.result() for served, item in sorted(found.items())}
    return Joined(versions, int(len(used) - used.sum()))


def _is_version(served: Served) -> bool:
    """Whether what a log names can be a version: files are named after it."""
    named = not served.version or parse_version(served.version) is not None
    return named and _BLAKE3.fullmatch(served.blake3) is not None


def _wanted(part: Part, roles: Roles) -> Wanted:
    scores = tuple(name for name in part.kinds if name.startswith(SCORE)) if roles.kind == "classification" else ()
    there = tuple(name for name in roles.slices if part.kinds.get(name) in ("text", "integer"))
    if roles.kind == "regression":
        return Wanted((*_OF, *there), (PREDICTED, ROW), (ID,))
    return Wanted((*_OF, PREDICTED, *there), (ROW, *scores), (ID,))


def _labels_of(batch: _Arrow, model: str, known: Keys, used: NDArray[np.bool_]) -> tuple[Places, NDArray[np.bool_]]:
    """Return the place of the label of each row, -1 without one, and whether another row has it already."""
    place = np.full(batch.num_rows, -1, np.int64)
    repeated = np.zeros(batch.num_rows, np.bool_)
    own = np.flatnonzero(batch.column(MODEL).cast("string").to_numpy(zero_copy_only=False) == model)
    if len(known) and len(own):
        keys = keys_of(batch)[own]
        at = np.minimum(np.searchsorted(known, keys), len(known) - 1)
        hits = np.flatnonzero(known[at] == keys)
        _, first = np.unique(at[hits], return_index=True)
        new = first[~used[at[hits[first]]]]
        repeated[own[hits]] = True
        repeated[own[hits[new]]] = False
        place[own[hits[new]]] = at[hits[new]]
        used[at[hits[new]]] = True
    return place, repeated


def _of_model(batch: _Arrow, model: str) -> Iterator[tuple[Served, Places]]:
    """Yield the places of the rows of each version of the model."""
    for (of, version, blake3), places in by_version(batch):
        if of == model:
            yield Served(version, blake3), places


class _Collected:
    """The rows of a version that have a label, while the log is read."""

    def __init__(self, roles: Roles, labels: Labels) -> None:
        self._roles, self._labels = roles, labels
        self._places = Growing(np.int32)
        """Of the labels."""
        self._columns: dict[str, Column] = {}
        self._n = self._rows = self.repeated = 0

    def add(self, batch: _Arrow, rows: Places, label: Places, wanted: Wanted) -> None:
        """Add some rows of a batch; `label` has the place of the label of each row of it, or -1."""
        self._rows += len(rows)
        labelled = rows[label[rows] >= 0]
        self._places.add(label[labelled].astype(np.int32))
        taken = batch.take(labelled)
        for name in (*wanted.texts, *wanted.numbers):
            if name in (*_OF, ROW) or (name not in self._columns and self._n):  # the earlier rows do not have it
                continue
            if name not in self._columns:
                is_number = name in wanted.numbers
                self._columns[name] = NumberColumn(name) if is_number else TextColumn(name, MAX_LABELS)
            if problem := self._columns[name].add(taken.column(name), self._n):
                raise InvalidFormat(f"the log: column {name!r} {problem}")
        self._n += len(labelled)

    def result(self) -> LiveRows:
        """Return what was found."""
        return LiveRows(self._rows, self.repeated, self._loaded() if self._n else None)

    def _loaded(self) -> Loaded:
        columns = {name: values_of(column) for name, column in self._columns.items()}
        whole = {name: values for name, values in columns.items() if _length(values) == self._n}
        predicted = whole.pop(PREDICTED)
        scores = {name: item for name, item in whole.items() if name.startswith(SCORE) and not isinstance(item, Coded)}
        slices = {name: item for name, item in whole.items() if isinstance(item, Coded)}
        truth = take(self._labels.truth, self._places.joined().astype(np.int64))
        examples: Examples
        if isinstance(truth, Coded) and isinstance(predicted, Coded):
            examples = _labelled(truth, predicted, scores, self._roles.positive)
        elif not isinstance(truth, Coded) and not isinstance(predicted, Coded):
            examples = Measured(truth, predicted)
        else:
            raise TypeError(self._roles.kind)
        return Loaded(self._roles._replace(slices=tuple(slices)), self._n, examples, slices)


def _length(values: Coded | Floats) -> int:
    return len(values.codes if isinstance(values, Coded) else values)


def _labelled(truth: Coded, predicted: Coded, scores: Mapping[str, Floats], wanted: str) -> Labelled:
    """Return examples with all labels that are true, predicted or scored: in few rows, not all need be true."""
    seen = [truth.labels[code] for code in np.unique(truth.codes)]
    labels = in_order({*seen, *predicted.labels, *(name.removeprefix(SCORE) for name in scores)})
    positive = _positive(labels, wanted)
    columns = [scores.get(SCORE + label) for label in (labels if positive is None else [labels[positive]])]
    known = [values for values in columns if values is not None]
    stacked = None
    if len(known) == len(columns):
        stacked = known[0] if positive is not None else np.column_stack(known)
    return Labelled(_seen(truth, labels), predicted.among(labels), stacked, positive)


def _positive(labels: Sequence[str], wanted: str) -> int | None:
    label = wanted or POSITIVE.get(labels[0], "")
    return labels.index(label) if len(labels) == 2 and label in labels else None  # noqa: PLR2004 - of two


def _seen(truth: Coded, labels: Sequence[str]) -> Coded:
    """Return the truth with other labels, which may lack those that no row has."""
    place = np.array([labels.index(label) if label in labels else 0 for label in truth.labels], np.int32)
    return Coded(tuple(labels), place[truth.codes])
