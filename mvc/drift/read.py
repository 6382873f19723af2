"""Reads the columns of both sides, some at a time, so that the memory holds few of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from mvc.drift.columns import MISSING, NumberCollector, TextCollector, Values
from mvc.drift.compare import ColumnDrift, Side, compare
from mvc.drift.pairing import FAMILIES, Pair
from mvc.errors import InvalidFormat
from mvc.evaluation.predictions import Wanted

VALUES = 24_000_000
"""Values of both sides that are in memory at once, in 8 bytes each."""
_Batches: TypeAlias = Callable[[Wanted], Iterator[Any]]


class Source(NamedTuple):
    """The rows of one side: a file, or the parts of a log."""

    what: str
    """What it is called in messages."""
    kinds: Mapping[str, str]
    """As those of `PredictionsFile`, by column."""
    most_rows: int
    batches: _Batches
    """Yields record batches of pyarrow with the wanted columns."""


def compare_all(reference: Source, current: Source, pairs: Sequence[Pair]) -> Iterator[ColumnDrift]:
    """Yield what is to be said of each pair of columns.

    Raises:
        InvalidFormat: a side has no rows, or cannot be read.
    """
    width = max(1, VALUES // max(1, reference.most_rows + current.most_rows))
    read = [pair for pair in pairs if pair.kind != "changed"]
    rows = (0, 0) if read else (_rows(reference, [pair.reference for pair in pairs]),
                                _rows(current, [pair.current for pair in pairs]))
    for start in range(0, len(read), width):
        block = read[start : start + width]
        found = _columns(reference, {pair.reference: pair for pair in block})
        others = _columns(current, {pair.current: pair for pair in block})
        for pair in block:
            column = compare(pair.reference, found.pop(pair.reference), others.pop(pair.current))
            rows = column.reference.rows, column.current.rows
            yield column
    for pair in pairs:
        if pair.kind == "changed":
            was, now = _words(reference.kinds[pair.reference]), _words(current.kinds[pair.current])
            note = f"type changed: {was} in the reference, {now} in the current data"
            sides = Side(rows[0], 0), Side(rows[1], 0)
            yield ColumnDrift(pair.reference, "none", *sides, drifted=True, effect=1.0, note=note)


def _columns(source: Source, pairs: Mapping[str, Pair]) -> dict[str, Values]:
    collectors = {
        name: NumberCollector() if pair.kind == "numbers" else TextCollector() for name, pair in pairs.items()
    }
    numbers = tuple(name for name, pair in pairs.items() if pair.kind == "numbers")
    texts = tuple(name for name in pairs if name not in numbers)
    rows = 0
    for batch in source.batches(Wanted(texts, numbers, missing=MISSING)):
        rows += batch.num_rows
        for name, collector in collectors.items():
            collector.add(batch.column(name))
    if not rows:
        raise InvalidFormat(f"{source.what}: no rows", "choose a file with rows")
    return {name: collector.collected() for name, collector in collectors.items()}


def _rows(source: Source, names: Iterable[str]) -> int:
    """Return the number of rows, by a column that can be read; without one, how many there are at most."""
    name = next((name for name in names if source.kinds[name] in FAMILIES), "")
    if not name:
        return source.most_rows
    is_text = FAMILIES[source.kinds[name]] == "texts"
    return sum(batch.num_rows for batch in source.batches(Wanted((name,), ()) if is_text else Wanted((), (name,))))


def _words(kind: str) -> str:
    """Return what the values of a column are, in the plural."""
    return FAMILIES.get(kind, "bytes that are not text" if "binary" in kind else f"values {kind}")
