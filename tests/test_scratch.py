"""Scratch directories: nobody sweeps one that is in use, however many are made and swept at once."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mvc.errors import MvcError
from mvc.fs.scratch import SIBLING, Scratch, beside

WORKERS, TIMES = 8, 150


def make_and_use(parent: Path) -> None:
    """Make scratch directories, each of which sweeps the others' parent, and write into them."""
    for _ in range(TIMES):
        with Scratch(str(parent)) as scratch:
            for _ in range(2):
                Path(scratch.name()).write_bytes(b"mine")
            assert len(os.listdir(scratch.path)) == 2


def test_nobody_sweeps_what_is_in_use(tmp_path: Path) -> None:
    with ThreadPoolExecutor(WORKERS) as pool:
        for done in [pool.submit(make_and_use, tmp_path) for _ in range(WORKERS)]:
            done.result()
    assert os.listdir(tmp_path) == []


def make_beside(folder: Path) -> None:
    """Make scratch directories for targets in `folder`; each takes the directory that holds them away, if it can."""
    for _ in range(TIMES):
        with beside(str(folder)) as scratch:
            Path(scratch.name()).write_bytes(b"mine")


def test_many_work_beside_one_target(tmp_path: Path) -> None:
    folder = tmp_path / "targets"
    folder.mkdir()
    with ThreadPoolExecutor(WORKERS) as pool:
        for done in [pool.submit(make_beside, folder) for _ in range(WORKERS)]:
            done.result()
    assert os.listdir(folder) == []


def test_what_lies_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / SIBLING).write_bytes(b"somebody's")
    with pytest.raises(MvcError, match="is not a directory") as caught, beside(str(tmp_path)):
        pass
    assert caught.value.fix == f"ls -ld {tmp_path / SIBLING}"
    assert (tmp_path / SIBLING).read_bytes() == b"somebody's"
