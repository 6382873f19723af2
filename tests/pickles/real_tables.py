"""Tables of pandas as users save them. As a script, with another pandas, it writes them: `real_tables.py FOLDER`."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

NUMBERS = np.abs(np.random.RandomState(0).normal(size=40)) + 0.1


def tables() -> Iterator[Any]:
    """Yield tables, indexes and their parts of pandas."""
    table = frame()
    for name in table:
        yield from (table[[name]], table[name], table[name].array, table[name].dtype, table[name].iloc[0])
        if name != "objects":
            yield pd.Index(table[name])
    yield from (table, table.set_index(["words", "numbers"]), table.drop(columns="sparse").describe())
    yield from (pd.DataFrame(), pd.RangeIndex(3))
    yield pd.MultiIndex.from_product([[1, 2], ["a", "b"]])
    yield from (pd.NaT, pd.NA, pd.Interval(0, 1), pd.Period("2020"), pd.Series([1, "a", [1]]))
    for name in ("Day", "MonthEnd", "BusinessDay", "QuarterEnd", "YearEnd", "Hour", "CustomBusinessDay"):
        yield getattr(pd.offsets, name)()
    yield pd.DateOffset(months=1)


def frame() -> pd.DataFrame:
    """Return a table with a column of each type."""
    return pd.DataFrame({
        "numbers": NUMBERS, "words": ["x", "y"] * 20, "categories": pd.Categorical(["u", "v"] * 20),
        "dates": pd.date_range("2020", periods=40), "zoned": pd.date_range("2020", periods=40, tz="Europe/Berlin"),
        "utc": pd.date_range("2020", periods=40, tz="UTC"), "spans": pd.to_timedelta(range(40), unit="s"),
        "periods": pd.period_range("2020", periods=40, freq="D"), "flags": pd.array([True, None] * 20, dtype="boolean"),
        "counts": pd.array([1, None] * 20, dtype="Int64"), "texts": pd.array(["q", None] * 20, dtype="string"),
        "bins": pd.cut(NUMBERS, 40), "sparse": pd.arrays.SparseArray([0] * 40), "objects": [{"a": 1}] * 40,
    })


if __name__ == "__main__":
    for number, value in enumerate(tables()):
        Path(f"{sys.argv[1]}/{number}.pkl").write_bytes(pickle.dumps(value))
