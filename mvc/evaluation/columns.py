"""The columns of a predictions file: while they are read, and as the examples that metrics are computed from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from mvc.quality.words import clipped

MAX_NUMBER = 1e100
"""Of larger ones, a sum of squares would not fit in a float."""
MAX_TEXT = 200
"""Characters of a label."""
Floats: TypeAlias = NDArray[np.float64]
Codes: TypeAlias = NDArray[np.int32]
Rows: TypeAlias = NDArray[np.int64] | slice
"""Indexes of rows."""
_Arrow: TypeAlias = Any
"""pyarrow has no types."""
_T = TypeVar("_T", np.float64, np.int32, np.int64)


class Coded(NamedTuple):
    """A column of few different texts."""

    labels: tuple[str, ...]
    """The different texts: whole numbers in their order, others as texts are sorted."""
    codes: Codes
    """The index in `labels` of each row."""

    def take(self, rows: Rows) -> Coded:
        """Return the column of some rows; the labels stay."""
        return Coded(self.labels, self.codes[rows])

    def among(self, labels: Sequence[str]) -> Coded:
        """Return the column with other labels, which include its own."""
        place = np.array([labels.index(label) for label in self.labels], np.int32)
        return Coded(tuple(labels), place[self.codes])


class Labelled(NamedTuple):
    """Examples of a classification."""

    truth: Coded
    predicted: Coded
    """With the labels of `truth`."""
    scores: Floats | None
    """Of the positive label, one for each row; of several labels a row of them in their order; None without scores."""
    positive: int | None
    """The index of the positive label; None if there are more than two labels."""
    weight: Floats | None = None

    def take(self, rows: Rows) -> Labelled:
        """Return some of the examples."""
        return Labelled(
            self.truth.take(rows), self.predicted.take(rows), None if self.scores is None else self.scores[rows],
            self.positive, None if self.weight is None else self.weight[rows],
        )


class Measured(NamedTuple):
    """Examples of a regression."""

    truth: Floats
    predicted: Floats
    weight: Floats | None = None

    def take(self, rows: Rows) -> Measured:
        """Return some of the examples."""
        weight = None if self.weight is None else self.weight[rows]
        return Measured(self.truth[rows], self.predicted[rows], weight)


class Ranked(NamedTuple):
    """Examples of a ranking: results with their relevance, by query."""

    truth: Floats
    """The relevance, at least 0."""
    scores: Floats
    group: Codes
    """The query of each row."""

    def take(self, rows: Rows) -> Ranked:
        """Return some of the examples."""
        return Ranked(self.truth[rows], self.scores[rows], self.group[rows])


Examples: TypeAlias = Labelled | Measured | Ranked


# Columns, as they are read.


class Growing(Generic[_T]):
    """An array that grows in place, since many small ones would leave holes in the memory."""

    def __init__(self, dtype: type[_T]) -> None:
        """Begin without values."""
        self._values: NDArray[_T] = np.empty(1 << 16, dtype)
        self._n = 0

    def add(self, values: NDArray[_T]) -> None:
        """Append values."""
        end = self._n + len(values)
        if end > len(self._values):
            self._values.resize(max(end, 2 * len(self._values)), refcheck=False)
        self._values[self._n : end] = values
        self._n = end

    def joined(self) -> NDArray[_T]:
        """Return all values. None can be added after that."""
        self._values.resize(self._n, refcheck=False)
        return self._values


class NumberColumn:
    """A column of numbers."""

    def __init__(self, name: str) -> None:
        """Begin without values."""
        self.name = name
        self._found = Growing(np.float64)

    def add(self, values: _Arrow, before: int) -> str:
        """Add values; return what is wrong with them."""
        found = np.asarray(values.to_numpy(zero_copy_only=False), np.float64)
        if not (np.abs(found) <= MAX_NUMBER).all():
            row = int(np.flatnonzero(~(np.abs(found) <= MAX_NUMBER))[0])
            expected = f"at most {MAX_NUMBER:g}" if np.isfinite(found[row]) else "a finite number"
            return f"is {found[row]} in row {before + row + 1:,}, expected {expected}"
        self._found.add(found)
        return ""

    def floats(self) -> Floats:
        """Return the values."""
        return self._found.joined()


class TextColumn:
    """A column of labels, slices or groups."""

    def __init__(self, name: str, most: int) -> None:
        """Take at most `most` different texts."""
        self.name, self._most = name, most
        self._known: dict[str, int] = {}
        self._found = Growing(np.int32)
        self._last: _Arrow = None
        """The last dictionary, often that of the next batch as well; with the places of its texts."""
        self._places = np.empty(0, np.int32)

    def add(self, values: _Arrow, _: int) -> str:
        """Add values; return what is wrong with them."""
        coded = values if hasattr(values, "dictionary") else values.dictionary_encode()
        is_known = self._last is not None and coded.dictionary.equals(self._last)
        if not is_known and (problem := self._learn(coded.dictionary)):
            return problem
        self._found.add(self._places[coded.indices.to_numpy(zero_copy_only=False)])
        return ""

    def _learn(self, dictionary: _Arrow) -> str:
        texts: list[str] = []
        for value in dictionary.to_pylist():
            text = _text(value)
            if text is None or len(text) > MAX_TEXT:
                return f"has {clipped(str(value))!r}, expected whole numbers or texts of at most {MAX_TEXT} characters"
            texts.append(text)
        places = (self._known.setdefault(text, len(self._known)) for text in texts)
        self._places = np.fromiter(places, np.int32, len(texts))
        if len(self._known) > self._most:
            return f"has more than {self._most:,} different values"
        self._last = dictionary
        return ""

    def joined(self) -> Codes:
        """Return the index of the text of each row."""
        return self._found.joined()

    def coded(self) -> Coded:
        """Return the column with its labels sorted."""
        labels = in_order(self._known)
        place = np.empty(len(labels), np.int32)
        for index, label in enumerate(labels):
            place[self._known[label]] = index
        codes = self.joined()
        return Coded(tuple(labels), np.take(place, codes, out=codes))


Column: TypeAlias = NumberColumn | TextColumn


def _text(value: object) -> str | None:
    """Return a label as text; None for a number that is not whole."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else None
    return str(value)


def values_of(column: Column) -> Coded | Floats:
    """Return the values of a column that was read to its end. None can be added after that."""
    return column.floats() if isinstance(column, NumberColumn) else column.coded()


def take(values: Coded | Floats, rows: Rows) -> Coded | Floats:
    """Return the values of some rows."""
    return values.take(rows) if isinstance(values, Coded) else values[rows]


def in_order(labels: Iterable[str]) -> list[str]:
    """Return labels as columns sort them: whole numbers in their order, others as texts are sorted."""
    return sorted(labels, key=_rank)


def _rank(label: str) -> tuple[bool, int, str]:
    """Return the sort key of a label: numbers first, by their value."""
    is_number = label.removeprefix("-").isdecimal() and len(label) < 20  # noqa: PLR2004 - of 64 bits
    return not is_number, int(label) if is_number else 0, label
