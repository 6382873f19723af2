"""Reading that notices changes, complete writes, and errors of the system."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mvc.errors import SourceChanged
from mvc.fs.files import as_error, check_unchanged, read_exactly, read_up_to, write_all


def test_short_writes_are_completed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    real = os.write
    with (tmp_path / "a").open("wb", buffering=0) as file, monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda fd, data: real(fd, data[:3]))
        write_all(file.fileno(), b"0123456789")
    assert (tmp_path / "a").read_bytes() == b"0123456789"


@given(st.binary(max_size=40), st.integers(0, 50))
@settings(deadline=None, max_examples=60)
def test_reading_up_to_a_limit_and_reading_exactly(data: bytes, limit: int) -> None:
    fd = os.memfd_create("test")
    try:
        os.write(fd, data)
        os.lseek(fd, 0, os.SEEK_SET)
        assert read_up_to(fd, limit) == data[:limit]
        os.lseek(fd, 0, os.SEEK_SET)
        assert read_exactly(fd, limit) == (data if len(data) == limit else None)
    finally:
        os.close(fd)


@pytest.mark.parametrize(
    ("change", "noticed"),
    [
        pytest.param(lambda path: path.write_bytes(b"new"), True, id="bytes"),
        pytest.param(lambda path: os.utime(path, ns=(1, 1)), True, id="time"),
        pytest.param(lambda path: os.truncate(path, 1), True, id="size"),
        pytest.param(lambda path: path.with_name("b").write_bytes(b"x"), False, id="another file"),
        pytest.param(lambda path: path.read_bytes(), False, id="read"),
    ],
)
def test_a_change_while_reading_is_noticed(tmp_path: Path, change: Callable[[Path], object], noticed: bool) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")
    os.utime(path, ns=(5, 5))
    with path.open("rb") as file:
        before = os.fstat(file.fileno())
        change(path)
        if noticed:
            with pytest.raises(SourceChanged, match="a changed while it was read"):
                check_unchanged(file.fileno(), before, "a")
        else:
            check_unchanged(file.fileno(), before, "a")


@pytest.mark.parametrize(
    ("code", "said", "fix"),
    [
        (errno.ENOSPC, "a: No space left on device", "free some space"),
        (errno.EDQUOT, "a: Disk quota exceeded", "free some space"),
        (errno.EACCES, "a: Permission denied (b)", "who may read"),
        (errno.EROFS, "a: Read-only file system (b)", "who may read"),
        (errno.EIO, "a: Input/output error", ""),
    ],
)
def test_an_error_of_the_system_is_one_line_and_what_to_do(code: int, said: str, fix: str) -> None:
    error = as_error(OSError(code, os.strerror(code), "b"), "a")
    assert error.message == said
    assert fix in error.fix
    assert error.exit_code == 3
