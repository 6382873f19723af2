"""Scratch directories: nobody sweeps one that is in use, however many are made and swept at once."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mvc.scratch import Scratch

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
