"""Links and renames replace no file, with and without hard links."""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from mvc.fs.new_names import link_new


def test_link_new_gives_a_file_a_name(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"a")
    assert link_new(str(tmp_path / "a"), str(tmp_path / "b"))
    assert (tmp_path / "b").read_bytes() == b"a"


@pytest.fixture(
    params=[None, errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK], ids=["link", "EPERM", "EOPNOTSUPP", "EMLINK"]
)
def linking(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int | None:
    """Let `link` work, or fail as on file systems without hard links."""
    if request.param is not None:

        def refuse(*_: object, **__: object) -> None:
            raise OSError(request.param, os.strerror(request.param))

        monkeypatch.setattr(os, "link", refuse)
    code: int | None = request.param
    return code


@pytest.mark.usefixtures("linking")
def test_link_new_makes_the_target_appear_whole(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"a")
    assert link_new(str(tmp_path / "a"), str(tmp_path / "b")) is True
    assert (tmp_path / "b").read_bytes() == b"a"


def existing(folder: Path, kind: str) -> Path:
    """Create what is in the way."""
    target = folder / "target"
    makers: dict[str, Callable[[], object]] = {
        "file": lambda: target.write_bytes(b"old"),
        "empty file": target.touch,
        "directory": target.mkdir,
        "symlink": lambda: target.symlink_to("elsewhere"),
        "fifo": lambda: os.mkfifo(target),
    }
    makers[kind]()
    return target


KINDS = ["file", "empty file", "directory", "symlink", "fifo"]


@pytest.mark.usefixtures("linking")
@pytest.mark.parametrize("kind", KINDS)
def test_link_new_never_overwrites(tmp_path: Path, kind: str) -> None:
    (tmp_path / "a").write_bytes(b"new")
    target = existing(tmp_path, kind)
    before = target.lstat()
    assert link_new(str(tmp_path / "a"), str(target)) is False
    assert target.lstat().st_ino == before.st_ino
    assert (tmp_path / "a").read_bytes() == b"new"


@pytest.mark.usefixtures("linking")
def test_link_new_tells_other_errors(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        link_new(str(tmp_path / "none"), str(tmp_path / "b"))
    (tmp_path / "a").write_bytes(b"a")
    with pytest.raises(FileNotFoundError):
        link_new(str(tmp_path / "a"), str(tmp_path / "none" / "b"))


def test_link_new_does_not_hide_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "link", full)
    with pytest.raises(OSError, match="No space"):
        link_new(str(tmp_path / "a"), str(tmp_path / "b"))


def test_this_system_has_the_call_that_the_fallback_needs() -> None:
    assert ctypes.CDLL(None).renameat2
