"""The columns of a file or log, as they are collected while it is read. Pure: no library reads anything here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from mvc.evaluation.columns import MAX_NUMBER, MAX_TEXT, Floats, Growing

MOST_TEXTS = 10_000
"""Different texts of a category; a column with more, or with longer ones, is free text."""
MISSING = (
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "N/A", "NA", "NULL",
    "NaN", "n/a", "nan", "null",
)
"""Texts that stand for a missing value, in CSV also among numbers: those of pyarrow."""
_SPELLED = {text: text.lower() for text in ("True", "TRUE", "False", "FALSE")}
_GAPS = frozenset(MISSING)
_Arrow: TypeAlias = Any
"""pyarrow has no types."""


class Numbers(NamedTuple):
    """The numbers of a column."""

    values: Floats
    """Sorted; without those whose squares are too large to be added up."""
    missing: int
    """All other rows."""
    infinite: int = 0
    """Of them, those with a number that is infinite, or larger than `MAX_NUMBER`."""

    @property
    def rows(self) -> int:
        """All rows."""
        return len(self.values) + self.missing


class Texts(NamedTuple):
    """The texts of a column."""

    counts: Mapping[str, int]
    """The rows with each text; empty for free text."""
    rows: int
    missing: int
    is_free: bool = False
    """Whether there are more than `MOST_TEXTS` texts, or one is longer than a label."""


Values: TypeAlias = Numbers | Texts


class NumberCollector:
    """Collects a column of numbers."""

    def __init__(self) -> None:
        self._found = Growing(np.float64)
        self._missing = self._infinite = 0

    def add(self, values: _Arrow) -> None:
        """Add the values of an array of pyarrow; null and NaN are missing."""
        found = np.asarray(values.to_numpy(zero_copy_only=False), np.float64)
        usable = np.abs(found) <= MAX_NUMBER
        if not usable.all():
            self._missing += int((~usable).sum())
            self._infinite += int((np.abs(found) > MAX_NUMBER).sum())
            found = found[usable]
        self._found.add(found)

    def collected(self) -> Numbers:
        """Return the column. Nothing can be added after that."""
        values = self._found.joined()
        values.sort()
        return Numbers(values, self._missing, self._infinite)


class TextCollector:
    """Counts the texts of a column."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._rows = self._missing = 0
        self._is_free = False

    def add(self, values: _Arrow) -> None:
        """Add the values of an array of pyarrow; what `MISSING` has is missing, as null is."""
        self._rows += len(values)
        self._missing += values.null_count
        coded = values if hasattr(values, "dictionary") else values.dictionary_encode()
        codes = coded.indices.drop_null().to_numpy(zero_copy_only=False)
        counts = np.bincount(codes, minlength=len(coded.dictionary)).tolist()
        for value, count in zip(coded.dictionary.to_pylist(), counts, strict=True):
            self._count(str(value), count)
        if len(self._counts) > MOST_TEXTS:
            self._is_free = True
            self._counts.clear()

    def _count(self, text: str, count: int) -> None:
        if text in _GAPS:
            self._missing += count
        elif len(text) > MAX_TEXT:
            self._is_free = True
        elif count and not self._is_free:
            self._counts[_SPELLED.get(text, text)] += count

    def collected(self) -> Texts:
        """Return the column."""
        return Texts({} if self._is_free else self._counts, self._rows, self._missing, self._is_free)
