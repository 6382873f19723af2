"""Scratch directories: removed with their process, never swept while in use."""

from __future__ import annotations

import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from processes import other_process, said

from mvc.errors import MvcError
from mvc.fs.scratch import SIBLING, Scratch, beside

WORKERS, TIMES = 8, 150


def make_and_use(parent: Path) -> None:
    """Make scratch directories that each sweep the same parent, and write into them."""
    for _ in range(TIMES):
        with Scratch(str(parent)) as scratch:
            for _ in range(2):
                Path(scratch.name()).write_bytes(b"mine")
            assert len(os.listdir(scratch.path)) == 2


def test_what_is_in_use_is_not_swept(tmp_path: Path) -> None:
    with ThreadPoolExecutor(WORKERS) as pool:
        for done in [pool.submit(make_and_use, tmp_path) for _ in range(WORKERS)]:
            done.result()
    assert os.listdir(tmp_path) == []


def make_beside(folder: Path) -> None:
    """Make scratch directories for targets in `folder`; each removes their parent, if it can."""
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
    (tmp_path / SIBLING).write_bytes(b"the user's")
    with pytest.raises(MvcError, match="is not a directory") as caught, beside(str(tmp_path)):
        pass
    assert caught.value.fix == f"ls -ld {tmp_path / SIBLING}"
    assert (tmp_path / SIBLING).read_bytes() == b"the user's"


def test_a_scratch_is_private_names_are_new_and_it_goes_with_its_files(tmp_path: Path) -> None:
    with Scratch(str(tmp_path / "tmp")) as scratch:
        assert os.stat(scratch.path).st_mode & 0o777 == 0o700
        names = {scratch.name() for _ in range(100)}
        assert len(names) == 100
        for name in names:
            Path(name).write_bytes(b"x")
    assert os.listdir(tmp_path / "tmp") == []


def test_threads_never_get_the_same_name(tmp_path: Path) -> None:
    with Scratch(str(tmp_path)) as scratch:
        names: list[str] = []
        threads = [
            threading.Thread(target=lambda: names.extend([scratch.name() for _ in range(500)])) for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(set(names)) == 2000


OWNER = """
import sys
from mvc.fs.scratch import Scratch
scratch = Scratch(sys.argv[1])
open(scratch.name(), "w").write("left behind")
print(scratch.path, flush=True)
sys.stdin.read()
"""


def test_the_scratch_of_a_killed_process_is_swept_and_that_of_a_live_one_is_not(tmp_path: Path) -> None:
    with other_process(OWNER, tmp_path) as dead, other_process(OWNER, tmp_path) as live:
        abandoned, used = said(dead), said(live)
        with Scratch(str(tmp_path)):
            assert os.path.isdir(abandoned)
        os.kill(dead.pid, signal.SIGKILL)
        dead.wait()
        with Scratch(str(tmp_path)) as scratch:
            assert not os.path.exists(abandoned)
            assert len(os.listdir(used)) == 1
            assert sorted(os.listdir(tmp_path)) == sorted(map(os.path.basename, (used, scratch.path)))


def test_sweeping_follows_no_symlink_and_leaves_files(tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").write_bytes(b"x")
    folder = tmp_path / "tmp"
    folder.mkdir()
    (folder / "link").symlink_to("../precious")
    (folder / "file").write_bytes(b"x")
    with Scratch(str(folder)):
        pass
    assert (tmp_path / "precious" / "file").exists()
    assert sorted(os.listdir(folder)) == ["file", "link"]


def test_a_folder_in_which_nothing_can_be_created() -> None:
    with pytest.raises(FileNotFoundError), beside("/proc"):
        pass
