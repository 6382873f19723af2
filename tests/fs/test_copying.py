"""Copying while reading: the same result whether the kernel or mvc copies, also with errors."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from mvc.fs import copying as copying_module
from mvc.fs.copying import IN_KERNEL_AT, Reader, copying

STEP = IN_KERNEL_AT
SIZES = [0, 1, IN_KERNEL_AT - 1, IN_KERNEL_AT, STEP + 1, 2 * STEP + 12_345]


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[int, int]]:
    """Two descriptors: of an empty source and an empty target."""
    fds = [os.open(tmp_path / name, os.O_RDWR | os.O_CREAT) for name in ("source", "target")]
    yield fds[0], fds[1]
    for fd in fds:
        os.close(fd)


def fill(fd: int, size: int) -> bytes:
    """Write bytes that repeat with no power of two, and return them."""
    data = (bytes(range(251)) * (size // 251 + 1))[:size]
    os.pwrite(fd, data, 0)
    return data


def drain(read: Reader, chunk: int = 1 << 20) -> bytes:
    """Return everything the reader yields."""
    buffer = memoryview(bytearray(chunk))
    parts = []
    while count := read(buffer):
        parts.append(bytes(buffer[:count]))
    return b"".join(parts)


def content(fd: int) -> bytes:
    """Return everything in the file."""
    return os.pread(fd, os.fstat(fd).st_size + 1, 0)


@pytest.mark.parametrize("claimed", [0, IN_KERNEL_AT], ids=["by us", "in the kernel"])
@pytest.mark.parametrize("size", SIZES)
def test_reader_and_copy_have_the_source_s_bytes(pair: tuple[int, int], size: int, claimed: int) -> None:
    data = fill(pair[0], size)
    with copying(*pair, claimed) as read:
        assert drain(read) == data
    assert content(pair[1]) == data


@pytest.mark.parametrize("claimed", [0, 3 * IN_KERNEL_AT], ids=["by us", "in the kernel"])
@pytest.mark.parametrize("begin", [1, STEP, STEP + 777, 2 * STEP + 12_345])
def test_a_copy_goes_on_where_it_stopped(pair: tuple[int, int], begin: int, claimed: int) -> None:
    data = fill(pair[0], 2 * STEP + 12_345)
    os.pwrite(pair[1], data[:begin], 0)
    with copying(*pair, claimed, begin) as read:
        assert drain(read) == data[begin:]
    assert content(pair[1]) == data


@pytest.mark.parametrize("code", [errno.EXDEV, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL])
def test_where_the_kernel_cannot_we_copy(
    pair: tuple[int, int], monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    data = fill(pair[0], STEP + 1)

    def refuse(*_: object) -> int:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "copy_file_range", refuse)
    with copying(*pair, STEP + 1) as read:
        assert drain(read) == data
    assert content(pair[1]) == data


def test_a_system_without_the_call_copies_too(pair: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    data = fill(pair[0], STEP)
    monkeypatch.delattr(os, "copy_file_range")
    with copying(*pair, STEP) as read:
        assert drain(read) == data
    assert content(pair[1]) == data


@pytest.mark.parametrize("after", [0, STEP], ids=["at once", "in the thread"])
def test_a_full_disk_comes_out_of_the_reader_or_before(
    pair: tuple[int, int], monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    fill(pair[0], 2 * STEP)
    real = os.copy_file_range

    def full(source: int, target: int, count: int, start: int, to: int) -> int:
        if start >= after:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(source, target, count, start, to)

    monkeypatch.setattr(os, "copy_file_range", full)
    before = threading.active_count()
    with pytest.raises(OSError, match="No space"), copying(*pair, 2 * STEP) as read:
        drain(read)
    assert threading.active_count() == before


def test_leaving_early_stops_the_thread(pair: tuple[int, int]) -> None:
    fill(pair[0], 3 * STEP)
    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt), copying(*pair, 3 * STEP):
        raise KeyboardInterrupt
    assert threading.active_count() == before


@pytest.mark.usefixtures("interrupted_start")
def test_ctrl_c_as_the_thread_is_started_ends_it(pair: tuple[int, int]) -> None:
    """Otherwise all of the file would be copied, without an end."""
    os.truncate(pair[0], 1 << 42)
    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt), copying(*pair, 1 << 42):
        pass
    assert threading.active_count() == before


def test_what_the_reader_yields_is_what_the_copy_holds(
    pair: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """If a kernel or file system copies wrongly, the reader yields what is in the copy."""
    fill(pair[0], STEP)

    def zeros(_: int, target: int, count: int, start: int, __: int) -> int:
        return os.pwrite(target, bytes(count), start) if start < STEP else 0

    monkeypatch.setattr(copying_module.os, "copy_file_range", zeros)
    with copying(*pair, STEP) as read:
        assert drain(read) == bytes(STEP) == content(pair[1])
