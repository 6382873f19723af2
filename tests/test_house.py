"""The house of docs/architecture.md: no import circle, whatever an import stands in, and folders that fit a screen."""

from __future__ import annotations

import importlib
import re
from graphlib import TopologicalSorter
from pathlib import Path

import grimp
import pytest

TESTS = Path(__file__).resolve().parent
PRODUCT = TESTS.parent / "mvc"
MOST_FILES = 16
"""In a folder, besides its `__init__.py`."""


def test_no_import_circle() -> None:
    graph = grimp.build_graph("mvc", cache_dir=None)
    imports = {name: graph.find_modules_directly_imported_by(name) for name in graph.modules}
    assert len(list(TopologicalSorter(imports).static_order())) == len(imports)  # raises CycleError


def test_no_crowded_folder() -> None:
    counts = {str(folder): len([*folder.glob("*.py")]) - 1 for folder in (PRODUCT, *PRODUCT.rglob("*/"))}
    assert len(counts) > MOST_FILES
    assert {folder: count for folder, count in counts.items() if count > MOST_FILES} == {}


_REPLACED = re.compile(r"^\s*(mvc(?:\.[a-z_0-9]+)+)\.([A-Z]\w*\.)?(\w+) = ", re.MULTILINE)
"""An assignment to a name of a module, in a program that a test starts: nothing else tells if the name was moved."""


_FOUND = sorted({names for path in TESTS.rglob("*.py") for names in _REPLACED.findall(path.read_text())})


@pytest.mark.parametrize("names", _FOUND, ids=".".join)
def test_what_tests_replace_is_there(names: tuple[str, str, str]) -> None:
    module, owner, name = names
    there = importlib.import_module(module)
    assert hasattr(getattr(there, owner[:-1]) if owner else there, name)
