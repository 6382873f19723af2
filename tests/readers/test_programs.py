"""The light ones of the real programs still write what mvc reads; `python tests/readers/make` runs all."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from readers import test_files

from mvc.quality.reports.metric_files import read_file, read_metrics

MAKE = Path(__file__).with_name("make") / "__main__.py"


@pytest.mark.long
@pytest.mark.parametrize("name", ["deepeval", "hugging-face", "inspect"])
def test_a_program_writes_the_same_metrics(name: str, tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("make", MAKE)
    assert spec
    assert spec.loader
    make = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make)
    make.write(name, tmp_path)
    for written in make.PROGRAMS[name].writes:
        with open(tmp_path / written, "rb") as file:
            found = read_metrics(read_file(file, written), written)
        assert found.metrics == test_files.read(written).metrics
