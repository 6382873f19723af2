"""The house of docs/architecture.md: no import circle, whatever an import stands in, and folders that fit a screen."""

from __future__ import annotations

from graphlib import TopologicalSorter
from pathlib import Path

import grimp

PRODUCT = Path(__file__).resolve().parent.parent / "mvc"
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
