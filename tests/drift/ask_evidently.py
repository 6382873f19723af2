"""Writes what Evidently says of the samples: `.cache/evidently/bin/python tests/drift/ask_evidently.py FILE`."""

from __future__ import annotations

import json
import os
import sys
import warnings
from pathlib import Path

os.environ["DO_NOT_TRACK"] = "1"
warnings.simplefilter("ignore")

import numpy as np  # noqa: E402 - Evidently must not call home
import pandas as pd  # noqa: E402
from evidently.legacy.calculations.stattests import get_stattest  # noqa: E402
from evidently.legacy.core import ColumnType  # noqa: E402

sys.path.insert(0, str(Path(__file__).parent))
from samples import categories, numbers  # noqa: E402


def score(test: str, kind: ColumnType, one: pd.Series, other: pd.Series) -> float:
    """Return a p value or a distance."""
    return float(get_stattest(one, other, kind, test)(one, other, kind, 0.05).drift_score)


def binned(one: list[float], other: list[float]) -> tuple[pd.Series, pd.Series]:
    """Return the tenth of the reference that each number is in, since Evidently would make other bins."""
    edges = np.unique(np.sort(one)[np.arange(1, 10) * len(one) // 10])
    return tuple(pd.Series(np.searchsorted(edges, side).astype(str)) for side in (one, other))


def answers() -> dict[str, dict[str, dict[str, float]]]:
    """Return the scores by kind, sample and test."""
    found = {"numbers": {}, "categories": {}}
    for name, (one, other) in numbers().items():
        sides = pd.Series(one), pd.Series(other)
        found["numbers"][name] = {
            "ks": score("ks", ColumnType.Numerical, *sides),
            "wasserstein": score("wasserstein", ColumnType.Numerical, *sides),
            "psi": score("psi", ColumnType.Categorical, *binned(one, other)),
        }
    for name, (one, other) in categories().items():
        sides = pd.Series(one), pd.Series(other)
        tests = ("chisquare", "psi", *["fisher_exact"] * (name == "two"))
        found["categories"][name] = {test: score(test, ColumnType.Categorical, *sides) for test in tests}
    return found


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(answers(), indent=1) + "\n")
