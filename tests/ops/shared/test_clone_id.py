"""The id by which remotes know a clone."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from mvc.errors import MvcError
from mvc.ops.shared.remote_roots import clone_id


def test_the_id_stays_and_a_copy_of_the_clone_gets_its_own(tmp_path: Path) -> None:
    home, copy = tmp_path / "a", tmp_path / "b"
    home.mkdir()
    first = clone_id(str(home))
    assert clone_id(str(home)) == first
    shutil.copytree(home, copy)
    assert clone_id(str(copy)) != first
    assert clone_id(str(home)) == first


def test_a_clone_that_was_moved_gets_a_new_id(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    first = clone_id(str(tmp_path / "a"))
    (tmp_path / "a").rename(tmp_path / "b")
    assert clone_id(str(tmp_path / "b")) != first


@pytest.mark.parametrize("text", ["", "x\n", "no-id\n1\n/\n", "\xff"])
def test_a_damaged_file_is_replaced(tmp_path: Path, text: str) -> None:
    (tmp_path / "clone-id").write_bytes(text.encode("latin-1"))
    first = clone_id(str(tmp_path))
    assert clone_id(str(tmp_path)) == first


def test_a_file_that_cannot_be_written_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "clone-id.new").mkdir()
    with pytest.raises(MvcError, match="clone-id cannot be written"):
        clone_id(str(tmp_path))
    assert not (tmp_path / "clone-id").exists()
