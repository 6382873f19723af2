"""Reflinks, and files that other processes have open for writing."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from processes import other_process, said

from mvc.fs.file_systems import open_for_writing_elsewhere, reflink


def test_where_blocks_cannot_be_shared_the_answer_is_no(tmp_path: Path) -> None:
    read_end, write_end = os.pipe()
    with (tmp_path / "a").open("w+b") as file:
        assert reflink(read_end, file.fileno()) is False  # a pipe has no blocks, on any file system
    os.close(read_end)
    os.close(write_end)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
def test_a_disk_s_error_is_not_taken_for_a_no(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    def fail(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr("fcntl.ioctl", fail)
    with (tmp_path / "a").open("w+b") as file, pytest.raises(OSError, match=os.strerror(code)):
        reflink(file.fileno(), file.fileno())


@pytest.mark.parametrize("mode", ["rb", "r+b", "ab"])
def test_a_writer_in_another_process_is_seen(tmp_path: Path, mode: str) -> None:
    (tmp_path / "a").write_bytes(b"a")
    code = "import sys; f = open(sys.argv[1], sys.argv[2]); print('open', flush=True); sys.stdin.read()"
    with (tmp_path / "a").open("rb") as file, other_process(code, tmp_path / "a", mode) as process:
        assert said(process) == "open"
        assert open_for_writing_elsewhere(file.fileno()) is (mode != "rb")


def test_looking_for_writers_leaves_no_lease_behind(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"a")
    with (tmp_path / "a").open("rb") as file:
        assert not open_for_writing_elsewhere(file.fileno())
        assert not open_for_writing_elsewhere(file.fileno())
        os.close(os.open(tmp_path / "a", os.O_WRONLY | os.O_NONBLOCK))  # a lease would answer EAGAIN
