"""Evidently says the same of the same samples. Its answers are in evidently.json; a long test asks it again."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drift import samples

from mvc.drift.columns import Numbers, Texts
from mvc.drift.compare import ColumnDrift, compare
from mvc.drift.distributions import fisher

HERE = Path(__file__).resolve().parent
ANSWERS = json.loads((HERE / "evidently.json").read_text())


def of_numbers(name: str) -> ColumnDrift:
    return compare(name, *(Numbers(np.sort(side), 0) for side in samples.numbers()[name]))


def of_categories(name: str) -> ColumnDrift:
    return compare(name, *(Texts(Counter(side), len(side), 0) for side in samples.categories()[name]))


def by_name(column: ColumnDrift, name: str) -> Any:
    return next(test for test in column.tests if test.test == name)


@pytest.mark.parametrize("name", ANSWERS["numbers"])
def test_numbers(name: str) -> None:
    column, told = of_numbers(name), ANSWERS["numbers"][name]
    assert by_name(column, "ks").p == pytest.approx(told["ks"], rel=1e-9)
    assert by_name(column, "wasserstein").statistic == pytest.approx(told["wasserstein"], rel=1e-9)
    assert by_name(column, "psi").statistic == pytest.approx(told["psi"], rel=1e-9)


@pytest.mark.parametrize("name", ANSWERS["categories"])
def test_psi_of_categories(name: str) -> None:
    assert by_name(of_categories(name), "psi").statistic == pytest.approx(ANSWERS["categories"][name]["psi"], rel=1e-9)


@pytest.mark.parametrize("name", ANSWERS["categories"])
def test_chi_squared(name: str) -> None:
    """Evidently takes the shares of the reference as exact, so its p is smaller; with a large reference it is right."""
    found, told = by_name(of_categories(name), "chi2").p, ANSWERS["categories"][name]["chisquare"]
    assert told <= found
    assert (told < 0.001) == (found < 0.001)
    if name == "large":
        assert found == pytest.approx(told, rel=0.02)


def test_fisher() -> None:
    sides = [Counter(side) for side in samples.categories()["two"]]
    table = np.array([[side["y"], side["n"]] for side in sides])
    assert fisher(table) == pytest.approx(ANSWERS["categories"]["two"]["fisher_exact"], rel=1e-9)


@pytest.mark.long
def test_evidently_still_says_so(tmp_path: Path) -> None:
    python = HERE.parents[1] / ".cache/evidently/bin/python"
    subprocess.run([python, HERE / "ask_evidently.py", tmp_path / "answers.json"], check=True)
    for kind, names in json.loads((tmp_path / "answers.json").read_text()).items():
        for name, told in names.items():
            assert told == pytest.approx(ANSWERS[kind][name], rel=1e-9), name
