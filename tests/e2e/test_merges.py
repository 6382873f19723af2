"""Merge histories with real Git, with mvc's merge driver and without it, held against files to the byte."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness import Begin
from merges import of_directories, of_files, of_odd_files, of_operations, of_reports
from merges.history import History
from merges.play import both_ways

HISTORIES = [
    *of_directories.HISTORIES, *of_files.HISTORIES, *of_reports.HISTORIES, *of_operations.HISTORIES,
    *of_odd_files.HISTORIES,
]


@pytest.mark.parametrize("history", HISTORIES, ids=[history.name for history in HISTORIES])
def test_merge(begin: Begin, tmp_path: Path, history: History) -> None:
    for played, result in both_ways(begin, history, tmp_path):
        played.check(result)
